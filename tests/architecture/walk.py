"""Ask for every address as everybody, and note who was let in."""

from __future__ import annotations

from collections.abc import Iterable

import time_machine
from django.db import transaction

from hevesy.records.exams.testing import at
from tests.architecture.addresses import ASKERS, BROKEN, OPENS, Address, ask, make_asker
from tests.architecture.policy import Policy
from tests.architecture.subjects import NoSubject, Subjects


def walk(addresses: Iterable[Address]) -> tuple[Policy, list[str]]:
    """The measured policy, and a sentence for each answer that was a server error."""
    with time_machine.travel(at(8, 5)):
        return _walk(addresses)


def _walk(addresses: Iterable[Address]) -> tuple[Policy, list[str]]:
    subjects = Subjects()
    askers = [make_asker(name) for name in ASKERS]
    openers: dict[str, frozenset[str]] = {}
    broken = []
    for address in addresses:
        try:
            with transaction.atomic():
                values, body = subjects.values(address), subjects.body(address)
        except NoSubject as lacking:
            broken.append(str(lacking))
            continue
        except Exception as failed:  # the next address is walked all the same
            broken.append(f"{address.name}: its subject cannot be made: {failed!r}")
            continue
        answers = {asker.name: ask(asker, address, values, body) for asker in askers}
        openers[address.name] = frozenset(
            name for name, answer in answers.items() if answer.outcome == OPENS
        )
        broken += [
            f"{address.name} as {name}: {answer.method} gave {answer.status}"
            f"{' (add what is sent to subjects.BODIES)' if answer.status == 422 else ''}: {answer.text}"
            for name, answer in answers.items()
            if answer.outcome == BROKEN
        ]
    return Policy(openers), broken

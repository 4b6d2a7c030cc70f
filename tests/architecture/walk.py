"""Ask for every address as everybody, and note who was let in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import time_machine
from django.db import transaction

from hevesy.records.exams.testing import at
from tests.architecture.addresses import (
    ASKERS,
    BROKEN,
    METHODS,
    OPENS,
    Address,
    Answer,
    ask,
    make_asker,
)
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
        openers[address.name] = _openers(answers)
        broken += _broken(address.name, answers)
        if address.methods == METHODS and any(a.method == "GET" for a in answers.values()):
            posting = replace(address, methods=("POST",))
            answers = {asker.name: ask(asker, posting, values, body) for asker in askers}
            broken += _broken(f"{address.name} POST", answers)
            takes_it = any(answer.status != 405 for answer in answers.values())
            if takes_it and _openers(answers) != openers[address.name]:
                openers[f"{address.name} POST"] = _openers(answers)
    return Policy(openers), broken


def _openers(answers: dict[str, Answer]) -> frozenset[str]:
    return frozenset(name for name, answer in answers.items() if answer.outcome == OPENS)


def _broken(name: str, answers: dict[str, Answer]) -> list[str]:
    return [
        f"{name} as {asker}: {answer.method} gave {answer.status}"
        f"{' (add what is sent to subjects.BODIES)' if answer.status == 422 else ''}: {answer.text}"
        for asker, answer in answers.items()
        if answer.outcome == BROKEN
    ]

"""Ask for every address as everybody, and note who was let in."""

from __future__ import annotations

from collections.abc import Iterable

from tests.architecture.addresses import ASKERS, BROKEN, OPENS, Address, ask, make_asker
from tests.architecture.policy import Policy
from tests.architecture.subjects import Subjects


def walk(addresses: Iterable[Address]) -> tuple[Policy, list[str]]:
    """The measured policy, and a sentence for each answer that was a server error."""
    subjects = Subjects()
    askers = [make_asker(name) for name in ASKERS]
    openers: dict[str, frozenset[str]] = {}
    broken = []
    for address in addresses:
        values = subjects.values(address)
        answers = {asker.name: ask(asker, address, values) for asker in askers}
        openers[address.name] = frozenset(
            name for name, answer in answers.items() if answer.outcome == OPENS
        )
        broken += [
            f"{address.name} as {name}: {answer.method} gave {answer.status}: {answer.text}"
            for name, answer in answers.items()
            if answer.outcome == BROKEN
        ]
    return Policy(openers), broken

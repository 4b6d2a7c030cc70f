"""Numbers that were guessed and values that were made to harm, sent to every address (reliability D8, D19).

Which parameters an address has, the views tell themselves: what they ask of a request is written down while they
answer, and sent back filled with injections for SQL, shell, templates, paths and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import time_machine
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from hevesy.records.exams.testing import at
from tests.architecture.addresses import Address, Answer, Asker, ask, every_address, make_asker
from tests.architecture.policy import Policy
from tests.architecture.subjects import Subjects

ADDRESSES = every_address()
NAMESPACES = sorted({address.namespace for address in ADDRESSES})
PRODUCT = "7006652"
"""1234 × 5678: what a page shows that evaluated a value."""
HARMFUL = (
    "' OR '1'='1' --",
    '"; DROP TABLE accounts_user; --',
    "1) UNION SELECT password FROM accounts_user --",
    "{{1234*5678}}",
    "{% debug %}",
    "${1234*5678}",
    "#{1234*5678}",
    "$(sleep 9)`sleep 9`;|sleep 9",
    "../../../../etc/passwd",
    "\x00",
    "a\x00b",
    "\r\nSet-Cookie: a=b",
    "<script>alert(1)</script>",
    "%_%",
    "[]",
    '{"a": {"$ne": 1}}',
    "-1",
    "99999999999999999999999",
    "1e999",
    "NaN",
    "٣",
    "0000-00-00",
    "9999-12-31T23:59:60",
    "\ufffe\U0001f4a3\u202e",
    "x" * 20_000,
)
GUESSED: dict[str, Any] = {"int": 987_654, "uid": "2.25.999999999", "number": "PT26-99999"}
NOT_FOUND = (400, 404, 405, 409, 415, 422)
"""Not there, not of that shape, not in that way, or refused before anything was looked for."""
TELLS_NOTHING = {
    "accounts:join": "a code works once; the page explains that this one does not",
    "stations:claim": "a code works once; the page explains that this one does not",
    "dicomweb:study_series": "an empty list, as QIDO-RS asks",
    "dicomweb:study_instances": "an empty list, as QIDO-RS asks",
    "dicomweb:series_instances": "an empty list, as QIDO-RS asks",
    "publishing:state": "empty, as for a report that is still as it was shown",
}
"""Addresses that answer a guess otherwise, and why that is well."""


@dataclass
class House:
    """The things, and one person for each address who may open it."""

    subjects: Subjects = field(default_factory=Subjects)
    askers: dict[str, Asker] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy.stored)

    def opener(self, address: Address, method: str) -> Asker:
        """Somebody who may; the head of the department for choice, because pages show more to a head."""
        names = self.policy.openers.get(f"{address.name} {method}") or self.policy.openers.get(
            address.name, frozenset()
        )
        name = next((one for one in ("head", "chief", "technologist") if one in names), None)
        name = name or min(names, default="head")
        if name not in self.askers:
            self.askers[name] = make_asker(name)
        return self.askers[name]

    def ask(self, address: Address, method: str, values: dict[str, Any], body: Any) -> Answer:
        """One request; undone."""
        return ask(self.opener(address, method), replace(address, methods=(method,)), values, body)


@pytest.fixture
def house(db: None) -> Iterator[House]:
    with time_machine.travel(at(8, 5)):
        yield House()


@contextmanager
def keys_read(keys: set[str]) -> Iterator[None]:
    """Write down what views ask of `request.GET` and `request.POST`."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("__getitem__", "_getlist", "__contains__"):
            original = getattr(MultiValueDict, name)

            def noting(
                self: QueryDict, key: Any, *more: Any, original: Any = original, **named: Any
            ) -> Any:
                if isinstance(key, str):
                    keys.add(key)
                return original(self, key, *more, **named)

            patch.setattr(QueryDict, name, noting, raising=False)
        yield


def requests_of(address: Address) -> tuple[str, ...]:
    """GET and POST for a page; an operation of the API has its own methods."""
    return address.methods if address.namespace == "api" else ("GET", "POST")


def harm(house: House, address: Address, rounds: int) -> Iterator[str]:
    """Send `rounds` mixtures of harmful values to each parameter of an address; a sentence for each that broke it."""
    values, body = house.subjects.values(address), house.subjects.body(address)
    for method in requests_of(address):
        keys: set[str] = set()
        with keys_read(keys):
            answer = house.ask(address, method, values, body)
            if answer.status == 405:
                continue
            for turn in range(rounds):
                sent = {
                    key: HARMFUL[(place * 7 + turn) % len(HARMFUL)]
                    for place, key in enumerate(sorted({*keys, *body} - {"csrfmiddlewaretoken"}))
                }
                answer = house.ask(address, method, values, body | sent)
                if answer.status >= 500 and answer.status != 501:
                    yield f"{method} {address.name} {shortened(sent)}: {answer.status} {answer.text}"
                if PRODUCT in answer.text:
                    yield f"{method} {address.name} {shortened(sent)}: a value was evaluated"


def shortened(sent: dict[str, str]) -> dict[str, str]:
    return {key: value[:60] for key, value in sent.items()}


def guessed(address: Address, parameter: str) -> Any:
    """A value of the right shape that nothing bears."""
    if f"<int:{parameter}>" in address.route:
        return GUESSED["int"]
    if parameter in ("uid", "study", "series", "instance"):
        return GUESSED["uid"]
    return GUESSED["number"] if parameter == "number" else "no-such-thing"


@pytest.mark.django_db
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_guessed_number_finds_nothing(house: House, namespace: str) -> None:
    told = []
    for address in ADDRESSES:
        if address.namespace != namespace or address.name in TELLS_NOTHING:
            continue
        values, body = house.subjects.values(address), house.subjects.body(address)
        for parameter in address.parameters:
            for method in requests_of(address):
                wrong = values | {parameter: guessed(address, parameter)}
                answer = house.ask(address, method, wrong, body)
                if answer.status not in NOT_FOUND:
                    told.append(f"{method} {address.name}.{parameter}: {answer.status}")

    assert not told, "\n".join(told)


@pytest.mark.django_db
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_harmful_values_break_no_address(house: House, namespace: str) -> None:
    broken = [
        sentence
        for address in ADDRESSES
        if address.namespace == namespace
        for sentence in harm(house, address, rounds=5)
    ]

    assert not broken, "\n".join(broken)


@pytest.mark.soak
@pytest.mark.django_db
@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_harmful_value_in_every_place(house: House, namespace: str) -> None:
    broken = [
        sentence
        for address in ADDRESSES
        if address.namespace == namespace
        for sentence in harm(house, address, rounds=len(HARMFUL))
    ]

    assert not broken, "\n".join(broken)

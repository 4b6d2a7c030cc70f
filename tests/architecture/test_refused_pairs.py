"""Persons and things that must never meet, each by a real request for a thing that exists (reliability D8, D10, D11).

The policy walk compares every address with a file; these pairs are written by hand, so that nobody approves one of them
by mistake among 900 lines. Each names somebody who may: with that person the same request is not refused, so it is
the person that is refused and not the request. A refusal changes nothing in the database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import transaction

from hevesy.records.exams.testing import at
from tests.architecture.addresses import (
    OPENS,
    REFUSED,
    Answer,
    Asker,
    ask,
    every_address,
    make_asker,
)
from tests.architecture.clinic import Clinic
from tests.architecture.subjects import Subjects

ADDRESSES = {address.name: address for address in every_address()}
NOTED = {"audit", "sessions", "axes"}
"""Apps whose rows a refused request may write: that it was refused, and by which session it came."""
SEEN = {"LoginSession", "ApiToken", "Station"}
"""Tables that note when somebody was last heard of."""


@dataclass(frozen=True)
class Pair:
    """`who` asks for `what` at `address` and gets `status`; `may` asks the same and is let in."""

    who: str
    what: str
    address: str
    may: str
    status: int = 403
    method: str = "GET"
    values: Callable[[Clinic], dict[str, Any]] = lambda clinic: {}
    """What the address has instead of the walk's own subject."""
    hidden: Callable[[Clinic], dict[str, Any]] = lambda clinic: {}
    """What it has only for `who`: the thing that is refused, where `may` is the same person with an open one."""
    body: Callable[[Clinic], dict[str, Any]] = lambda clinic: {}

    def __str__(self) -> str:
        return f"{self.who} and {self.what}"


def post(*pair: Any, **more: Any) -> Pair:
    """A pair whose request would change something."""
    return Pair(*pair, method="POST", **more)


def _unpublished(clinic: Clinic) -> dict[str, Any]:
    return {"number": clinic.report.exam.number, "place": 1}


def _a_new_person(clinic: Clinic) -> dict[str, Any]:
    return {"username": "newcomer", "name_zh": "单雄信", "roles": ["nurse"]}


def _the_unpublished_picture(clinic: Clinic) -> dict[str, Any]:
    clinic.key_image  # noqa: B018  the draft's examination has one
    return _unpublished(clinic)


PAIRS = [
    # Who learns here takes nothing out, decides nothing and supervises nobody.
    Pair("student", "the export of patients", "registration:export", "head"),
    post("student", "publishing a report", "publishing:publish", "chief"),
    post("student", "publishing from the reporting desk", "reporting:publish", "chief"),
    post("student", "submitting a report", "reporting:submit", "doctor"),
    post("student", "the audit of a report", "reporting:audit", "chief"),
    post("student", "the correction of a report", "reporting:correct", "chief"),
    post("student", "withdrawing a published report", "publishing:withdraw", "chief"),
    Pair("student", "the audit trail", "audit:trail", "auditor"),
    Pair("student", "the export of the audit trail", "audit:export", "auditor"),
    post("student", "storing images", "dicomweb:studies", "technologist"),
    post("student", "linking a strange study", "viewing:link", "registrar"),
    post("student", "giving a dose", "technologist:commit", "nurse"),
    # A clinician reads what is published, and nothing else of the department.
    Pair("clinician", "a draft report", "reporting:exam", "doctor"),
    Pair(
        "clinician",
        "a draft at the published address",
        "publishing:report",
        "clinician",
        404,
        hidden=_unpublished,
    ),
    Pair(
        "clinician",
        "the PDF of a draft at the published address",
        "publishing:pdf",
        "clinician",
        404,
        hidden=_unpublished,
    ),
    Pair("clinician", "the PDF of a draft", "reporting:preview", "doctor"),
    Pair("clinician", "an unpublished key image", "viewing:key_image", "doctor"),
    Pair(
        "clinician",
        "a key image of a draft",
        "publishing:picture_file",
        "clinician",
        404,
        hidden=_the_unpublished_picture,
    ),
    Pair("clinician", "the list of strange studies", "viewing:unmatched", "registrar"),
    Pair("clinician", "a strange study", "viewing:unmatched_study", "registrar"),
    Pair("clinician", "a patient's page", "registration:patient", "registrar"),
    Pair("clinician", "the search for patients", "registration:search", "registrar"),
    Pair("clinician", "a study in the viewer", "viewing:study", "doctor"),
    Pair("clinician", "a study over DICOMweb", "dicomweb:study", "doctor"),
    Pair("clinician", "the day's list", "registration:day", "registrar"),
    Pair("clinician", "the queues", "calling:desk", "nurse"),
    post("clinician", "withdrawing the report", "publishing:withdraw", "chief"),
    # Who runs the machine reads nobody's record.
    Pair("sysadmin", "a report in work", "reporting:exam", "doctor"),
    Pair("sysadmin", "a published report", "publishing:report", "clinician"),
    Pair("sysadmin", "the PDF of a report", "publishing:pdf", "clinician"),
    Pair("sysadmin", "the list of patients", "registration:search", "registrar"),
    Pair("sysadmin", "a patient's page", "registration:patient", "registrar"),
    Pair("sysadmin", "the export of patients", "registration:export", "head"),
    Pair("sysadmin", "images", "viewing:study", "doctor"),
    Pair("sysadmin", "a report over the interface", "api:one", "doctor"),
    Pair("sysadmin", "the audit trail", "audit:trail", "auditor"),
    post("sysadmin", "a new account", "accounts:new_person", "secadmin", body=_a_new_person),
    # Who gives rights uses none, and who watches touches nothing.
    Pair("secadmin", "a patient's page", "registration:patient", "registrar"),
    Pair("secadmin", "a report in work", "reporting:exam", "doctor"),
    Pair("secadmin", "the audit trail", "audit:trail", "auditor"),
    post("secadmin", "the jobs", "jobs:cancel", "sysadmin"),
    post("auditor", "another person's roles", "accounts:person_roles", "secadmin"),
    post("auditor", "closing an account", "accounts:person_active", "secadmin"),
    Pair("auditor", "a published report", "publishing:report", "clinician"),
    Pair("auditor", "a patient's page", "registration:patient", "registrar"),
    # Each station does its own work.
    post("technologist", "the audit of a report", "reporting:audit", "chief"),
    Pair("technologist", "a report in work", "reporting:exam", "doctor"),
    post("technologist", "booking", "registration:book", "registrar"),
    post("nurse", "the audit of a report", "reporting:audit", "chief"),
    post("nurse", "starting an acquisition", "technologist:start", "technologist"),
    Pair("nurse", "images", "viewing:study", "doctor"),
    post("nurse", "dispensing a dose", "radiopharmacy:dispense", "pharmacist"),
    post(
        "registrar",
        "the release of a batch",
        "radiopharmacy:move",
        "pharmacist",
        values=lambda clinic: {"move": "release"},
    ),
    post("registrar", "giving a dose", "technologist:commit", "nurse"),
    Pair("registrar", "an interview", "interview:exam", "interviewer"),
    post("registrar", "merging two patients", "registration:merge_patient", "head"),
    Pair("registrar", "the export of patients", "registration:export", "head"),
    Pair("registrar", "images", "viewing:study", "doctor"),
    post("pharmacist", "giving the dose that was dispensed", "technologist:commit", "nurse"),
    Pair("pharmacist", "a report in work", "reporting:exam", "doctor"),
    post("doctor", "the audit of the own report", "reporting:audit", "chief"),
    post("doctor", "publishing the own report", "reporting:publish", "chief"),
    Pair("doctor", "the statistics", "department:statistics", "head"),
    post("chief", "the release of a batch", "radiopharmacy:move", "pharmacist"),
    post("head", "an account", "accounts:person_roles", "secadmin"),
    Pair("head", "the audit trail", "audit:trail", "auditor"),
    post("physicist", "an audited report", "reporting:correct", "chief"),
    post("labtech", "an arrival", "registration:arrive", "registrar"),
    # An outside expert sees what is shared with him; nothing is.
    Pair("expert", "a published report", "publishing:report", "clinician"),
    Pair("expert", "a report in work", "reporting:exam", "doctor"),
    Pair("expert", "images", "viewing:study", "doctor"),
    Pair("expert", "images over DICOMweb", "dicomweb:instance", "doctor"),
    Pair("expert", "a patient's page", "registration:patient", "registrar"),
    Pair("expert", "a patient over the interface", "api:one_patient", "registrar", 404),
    # Screens hang where everybody looks.
    Pair("wall_screen", "a patient's page", "registration:patient", "registrar", 401),
    Pair("wall_screen", "a published report", "publishing:report", "clinician", 401),
    Pair("wall_screen", "the calling desk", "calling:desk", "nurse", 401),
    post("wall_screen", "calling a patient", "calling:next", "nurse", 401),
    Pair("kiosk", "the day's list", "registration:day", "registrar", 401),
    Pair("kiosk", "a wall", "calling:wall", "wall_screen", 401),
    Pair("anonymous", "a published report", "publishing:report", "clinician", 401),
    Pair("anonymous", "images over DICOMweb", "dicomweb:instance", "doctor", 401),
    Pair("anonymous", "a wall", "calling:wall", "wall_screen", 401),
]


class House:
    """The things and the persons, made once for all pairs."""

    def __init__(self) -> None:
        self.subjects = Subjects()
        self.askers: dict[str, Asker] = {}

    def prepare(self, pair: Pair) -> None:
        """Make what the pair is about, so that the request itself makes nothing."""
        address = ADDRESSES[pair.address]
        self.subjects.values(address), self.subjects.body(address)
        pair.values(self.subjects.clinic), pair.hidden(self.subjects.clinic)
        for name in (pair.who, pair.may):
            if name not in self.askers:
                self.askers[name] = make_asker(name)

    def ask(self, pair: Pair, who: str, *, hidden: bool = False) -> Answer:
        """The request of a pair; what it does stays until the caller rolls back."""
        address = replace(ADDRESSES[pair.address], methods=(pair.method,))
        clinic = self.subjects.clinic
        values = self.subjects.values(address) | pair.values(clinic)
        if hidden:
            values |= pair.hidden(clinic)
        body = self.subjects.body(address) | pair.body(clinic)
        return ask(self.askers[who], address, values, body, keep=True)


def contents() -> dict[str, list[Any]]:
    """All rows that a request could change, by table."""
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.app_label not in NOTED and model.__name__ not in SEEN
    }


def meeting(house: House, pair: Pair) -> None:
    """Fail unless `who` is refused, nothing changes, and `may` is let in."""
    house.prepare(pair)
    before = contents()
    with transaction.atomic():
        refused = house.ask(pair, pair.who, hidden=True)
        after = contents()
        transaction.set_rollback(True)
    with transaction.atomic():
        let_in = house.ask(pair, pair.may)
        transaction.set_rollback(True)

    assert (refused.outcome, refused.status) == (REFUSED, pair.status), refused
    changed = [label for label, rows in before.items() if after[label] != rows]
    assert not changed, f"refused, and yet {changed} changed"
    assert let_in.outcome == OPENS, f"nobody may: the request itself is wrong: {let_in}"


@pytest.mark.django_db
@pytest.mark.clause("10.12")
def test_the_pairs_never_meet(subtests: pytest.Subtests) -> None:
    with time_machine.travel(at(8, 5)):
        house = House()
        for pair in PAIRS:
            with subtests.test(str(pair)):
                meeting(house, pair)


def test_no_pair_is_written_twice() -> None:
    named = [str(pair) for pair in PAIRS]

    assert len(set(named)) == len(named) >= 80

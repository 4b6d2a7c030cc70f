"""A program with a token walks a patient in, with the rights of its user and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.accounts.tokens import issue_token
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.catalogue.models import ExamItem
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at

pytestmark = pytest.mark.django_db

Program = Callable[[User], "Caller"]


class Caller:
    """A program: JSON in, JSON out, a token in the header, CSRF checks on."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=True)
        token = issue_token(user, by=system_actor("a test", "tokens.manage"))
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.client.post(
            f"/api/v1{path}", body, content_type="application/json", headers=self.headers
        )


@pytest.mark.clause("2.2", "12.1")
def test_a_program_registers_books_and_announces_a_patient(
    tuesday_morning: Any, a_registrar: User, an_fdg_item: ExamItem
) -> None:
    program = Caller(a_registrar)

    patient = program.post(
        "/patients",
        name_zh="单雄信",
        sex="M",
        birth_date="1964-03-08",
        identifiers=[{"kind": "outpatient", "value": "0099812"}],
    )
    booked = program.post(
        "/exams",
        patient_id=patient.json()["patient_id"],
        item=an_fdg_item.code,
        starts_at=at(10).isoformat(),
    )
    number = booked.json()["number"]
    arrived = program.post(f"/exams/{number}/arrive")

    assert (patient.status_code, booked.status_code, arrived.status_code) == (201, 201, 200)
    assert patient.json()["name_latin"].startswith("Shan^")
    assert arrived.json()["state"] == "arrived"
    events = [row["event"] for row in program.get(f"/exams/{number}/timeline").json()]
    assert events[-1] == "arrive"
    assert AuditEvent.objects.filter(channel="api", patient_id__isnull=False).exists()


def test_an_order_waits_for_a_time(tuesday_morning: Any, a_registrar: User, an_exam: Exam) -> None:
    program = Caller(a_registrar)

    placed = program.post(
        "/orders", patient_id=an_exam.patient.patient_id, item=an_exam.item.code, bed="12"
    )

    assert placed.status_code == 201 and placed.json()["state"] == "ordered"
    assert [row["number"] for row in program.get("/orders").json()] == [placed.json()["number"]]


def test_the_taken_slot_is_refused_with_a_sentence(
    a_registrar: User, an_exam: Exam, another_patient: Any
) -> None:
    answer = Caller(a_registrar).post(
        "/exams",
        patient_id=another_patient.patient_id,
        item=an_exam.item.code,
        starts_at=at(10).isoformat(),
    )

    assert answer.status_code == 409 and len(answer.json()["error"]) > 5
    assert Exam.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/patients", {"name_zh": "某", "sex": "M"}),
        ("/exams/{number}/cancel", {"reason": "x"}),
        ("/reports/{number}", {"findings": "x"}),
    ],
)
def test_a_clinicians_program_writes_nothing(
    a_clinician: User, an_exam: Exam, path: str, body: dict[str, str]
) -> None:
    answer = Caller(a_clinician).post(path.format(number=an_exam.number), **body)

    assert answer.status_code in (403, 404)
    an_exam.refresh_from_db()
    assert an_exam.state == "scheduled"


def test_a_stranger_is_told_to_send_a_token(an_exam: Exam) -> None:
    answer = Client().get(f"/api/v1/exams/{an_exam.number}", headers={"Accept": "application/json"})

    assert answer.status_code == 401 and an_exam.patient.name_zh not in answer.content.decode()


def test_a_browser_session_needs_its_csrf_token(a_registrar: User, an_exam: Exam) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_registrar)

    answer = browser.post(
        f"/api/v1/exams/{an_exam.number}/arrive", {}, content_type="application/json"
    )

    assert answer.status_code == 403
    an_exam.refresh_from_db()
    assert an_exam.state == "scheduled"


def test_extra_fields_are_not_taken_over(a_registrar: User, tuesday_morning: Any) -> None:
    answer = Caller(a_registrar).post(
        "/patients", name_zh="测试", sex="F", is_demo=True, patient_id="X-1"
    )

    assert answer.status_code == 201 and answer.json()["patient_id"] != "X-1"


def test_the_description_of_the_interface_is_served(a_registrar: User) -> None:
    described = Caller(a_registrar).get("/openapi.json").json()

    assert {"/api/v1/patients", "/api/v1/exams", "/api/v1/administrations"} <= set(
        described["paths"]
    )


@pytest.mark.parametrize("path", ["/orders", "/exams"])
def test_lists_of_exams_are_refused_not_empty(a_clinician: User, path: str) -> None:
    assert Caller(a_clinician).get(path).status_code == 403

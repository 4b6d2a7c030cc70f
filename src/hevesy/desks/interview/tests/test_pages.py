"""The interview through its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from hevesy.foundation.accounts.models import User
from hevesy.foundation.stations import qr
from hevesy.records.exams.actions import mark_arrived
from hevesy.records.exams.models import Exam, Interview

pytestmark = pytest.mark.django_db


@pytest.fixture
def an_arrived_exam(an_exam: Exam, the_desk: Any) -> Exam:
    return mark_arrived(the_desk, an_exam)


@pytest.fixture
def desk(client_of: Callable[[User], Client], an_interviewer: User) -> Client:
    return client_of(an_interviewer)


def answers_of(exam: Exam, **others: str) -> dict[str, str]:
    """An answer to every required question of the template, in the form's own fields."""
    from hevesy.records.exams.actions.interview import template_for

    answers: dict[str, str] = {}
    for question in template_for(exam).questions:
        if question["type"] == "section" or not question.get("required"):
            continue
        if question.get("only_sex", exam.patient.sex) != exam.patient.sex:
            continue
        answers[question["key"]] = {
            "bool": "0",
            "number": "70",
            "choice": question.get("options", [{"value": ""}])[0]["value"],
        }.get(question["type"], "x")
    return {**answers, **others}


@pytest.mark.clause("5.2", "5.3")
def test_the_items_own_questions_are_asked_and_the_answers_reach_the_exam(
    an_arrived_exam: Exam, desk: Client
) -> None:
    assert an_arrived_exam.patient.name_zh in desk.get("/interview/").content.decode()

    sent = desk.post(
        f"/interview/{an_arrived_exam.number}/", answers_of(an_arrived_exam, weight_kg="71.5")
    )

    an_arrived_exam.refresh_from_db()
    assert sent.status_code == 302
    assert (an_arrived_exam.visit_state, str(an_arrived_exam.weight_kg)) == ("interviewed", "71.50")
    assert Interview.objects.get().interviewer is not None


@pytest.mark.clause("5.3")
def test_a_second_interview_shows_what_changed(an_arrived_exam: Exam, desk: Client) -> None:
    address = f"/interview/{an_arrived_exam.number}/"
    desk.post(address, answers_of(an_arrived_exam, weight_kg="71.5"))
    desk.post(address, answers_of(an_arrived_exam, weight_kg="72.5"))

    page = desk.get(address).content.decode()

    assert Interview.objects.count() == 2
    assert "72.5" in page and "71.5" in page


def test_an_answer_out_of_range_comes_back_with_its_reason_and_saves_nothing(
    an_arrived_exam: Exam, desk: Client
) -> None:
    sent = desk.post(
        f"/interview/{an_arrived_exam.number}/", answers_of(an_arrived_exam, weight_kg="900")
    )

    assert sent.status_code == 422 and 'value="900"' in sent.content.decode()
    assert not Interview.objects.exists()


@pytest.mark.clause("5.4")
def test_the_patients_code_opens_the_form(an_arrived_exam: Exam, desk: Client) -> None:
    answer = desk.post(
        "/interview/scan/",
        {"text": qr.make("E", an_arrived_exam.code)},
        headers={"HX-Request": "true"},
    )

    assert answer["HX-Redirect"] == f"/interview/{an_arrived_exam.number}/"


def test_a_patient_who_has_not_arrived_is_not_interviewed(an_exam: Exam, desk: Client) -> None:
    sent = desk.post(f"/interview/{an_exam.number}/", answers_of(an_exam))

    assert sent.status_code == 409 and not Interview.objects.exists()


def test_a_clinician_holds_no_interviews(
    an_arrived_exam: Exam, client_of: Any, a_clinician: User
) -> None:
    assert client_of(a_clinician).get(f"/interview/{an_arrived_exam.number}/").status_code == 403

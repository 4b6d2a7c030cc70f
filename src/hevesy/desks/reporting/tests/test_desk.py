"""The reading desk through its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from hevesy.foundation.accounts.models import User
from hevesy.records.catalogue.models import ReportTemplate
from hevesy.records.exams.models import Exam
from hevesy.records.reports.models import Report

pytestmark = pytest.mark.django_db

TEXT = {
    "technique": "静脉注射显像剂后 60 分钟显像。",
    "findings": "右肺上叶见结节，代谢增高，SUVmax 12.8。",
    "impression": "右肺上叶结节，考虑恶性可能。",
}


@pytest.fixture
def desk_of(client_of: Callable[[User], Client]) -> Callable[[User], Desk]:
    return lambda user: Desk(client_of(user))


class Desk:
    """A person at the reading desk."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def page(self, number: str = "", **query: str) -> str:
        answer = self.client.get(f"/reporting/{number}/" if number else "/reporting/", query)
        assert answer.status_code == 200
        return answer.content.decode()

    def act(self, exam: Exam, what: str, **body: Any) -> int:
        return self.client.post(f"/reporting/{exam.number}/{what}/", body).status_code


@pytest.mark.clause("6.2", "6.3", "6.6")
def test_a_report_goes_from_template_to_marked_audit(
    an_acquired_exam: Exam, desk_of: Any, a_doctor: User, a_chief: User
) -> None:
    ReportTemplate.objects.create(
        code="t-fdg",
        name_zh="FDG 模板",
        name_en="FDG",
        sections={
            "technique": "{{tracer}}，{{uptake}}后显像。",
            "findings": "",
            "impression": "",
        },
    )
    doctor, chief = desk_of(a_doctor), desk_of(a_chief)

    start = doctor.page(an_acquired_exam.number)
    assert "FDG 模板" in start and 'data-key="F9"' in start
    doctor.act(an_acquired_exam, "start", template="t-fdg")
    assert "F-18 FDG" in doctor.page(an_acquired_exam.number)
    doctor.act(an_acquired_exam, "save", base_version="1", **TEXT)
    doctor.act(an_acquired_exam, "submit", base_version="2", **TEXT)
    changed = {**TEXT, "impression": "右肺上叶结节，符合周围型肺癌。"}
    assert an_acquired_exam.number in chief.page(list="audit")
    answer = chief.client.post(
        f"/reporting/{an_acquired_exam.number}/audit/",
        {"base_version": "3", **changed},
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/reporting/?list=audit"},
    )
    assert answer["HX-Redirect"].endswith("?list=audit")

    marks = chief.client.get(f"/reporting/{an_acquired_exam.number}/marks/").content.decode()
    report = Report.objects.get()
    assert report.state == "audited" and report.auditor == a_chief
    assert (
        '<del class="hv-rev"' in marks and '<ins class="hv-rev"' in marks and "周围型肺癌" in marks
    )


def test_a_stale_text_is_kept_by_the_page_and_refused_by_the_server(
    an_acquired_exam: Exam, desk_of: Any, a_doctor: User
) -> None:
    doctor = desk_of(a_doctor)
    doctor.act(an_acquired_exam, "start", template="")
    doctor.act(an_acquired_exam, "save", base_version="1", **TEXT)

    answer = doctor.client.post(
        f"/reporting/{an_acquired_exam.number}/save/",
        {**TEXT, "findings": "另一份", "base_version": "1"},
        headers={"HX-Request": "true"},
    )

    assert answer.status_code == 409
    assert Report.objects.get().current.sections["findings"] == TEXT["findings"]  # type: ignore[union-attr]


@pytest.mark.clause("6.25")
def test_what_a_student_and_a_clinician_may_not(
    an_acquired_exam: Exam, desk_of: Any, a_student: User, a_clinician: User
) -> None:
    student, clinician = desk_of(a_student), desk_of(a_clinician)
    student.act(an_acquired_exam, "start", template="")

    assert student.act(an_acquired_exam, "submit", base_version="1", **TEXT) == 403
    assert student.act(an_acquired_exam, "audit", base_version="1", **TEXT) == 403
    assert clinician.client.get(f"/reporting/{an_acquired_exam.number}/").status_code == 403
    assert Report.objects.get().state == "reporting"


def test_text_with_markup_is_shown_as_text(
    an_acquired_exam: Exam, desk_of: Any, a_doctor: User, a_chief: User
) -> None:
    doctor = desk_of(a_doctor)
    doctor.act(an_acquired_exam, "start", template="")
    doctor.act(
        an_acquired_exam,
        "save",
        base_version="1",
        **{**TEXT, "findings": "<img src=x onerror=alert(1)>"},
    )

    for body in (
        doctor.page(an_acquired_exam.number),
        doctor.client.get(f"/reporting/{an_acquired_exam.number}/marks/").content.decode(),
    ):
        assert "<img src=x" not in body and "&lt;img src=x" in body


def test_the_preview_is_a_pdf_of_the_current_text(
    an_acquired_exam: Exam, desk_of: Any, a_doctor: User
) -> None:
    doctor = desk_of(a_doctor)
    doctor.act(an_acquired_exam, "start", template="")

    answer = doctor.client.get(f"/reporting/{an_acquired_exam.number}/preview.pdf")

    assert answer.content.startswith(b"%PDF")


def test_the_desk_asks_the_same_number_of_questions_however_long_the_list(
    an_acquired_exam: Exam,
    another_patient: Any,
    desk_of: Any,
    a_chief: User,
    django_assert_max_num_queries: Any,
) -> None:
    chief = desk_of(a_chief)
    chief.page()

    with django_assert_max_num_queries(40):
        chief.page()


def test_pictures_that_come_later_are_those_of_the_report_beside_them(
    an_acquired_exam: Exam, client_of: Any, a_doctor: User
) -> None:
    """The first of the list may be another patient by then: the pane names its examination."""
    reader = client_of(a_doctor)
    assert 'hx-get="/reporting/PT26-00001/"' in reader.get("/reporting/").content.decode()

    pane = reader.get(
        "/reporting/PT26-00001/", headers={"HX-Request": "true", "HX-Target": "pictures"}
    ).content.decode()

    assert "<html" not in pane and "关键图像" in pane

"""What a clinician finds and reads, and what stays closed to everybody who guesses."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.archive.models import Study
from hevesy.records.exams.actions import book_exam
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at
from hevesy.records.findings.actions import save_key_image
from hevesy.records.findings.models import KeyImage
from hevesy.records.reports.actions import (
    audit_report,
    correct_report,
    publish_report,
    submit_report,
    withdraw_report,
)
from hevesy.records.reports.models import Publication, PublicationView, Report
from hevesy.records.reports.testing import SECTIONS

ClientOf = Callable[[User], Client]
ActorFor = Callable[[User], Actor]


def body_of(response: Any) -> bytes:
    return b"".join(response)


def page(exam: Exam, name: str = "report", *more: object) -> str:
    return reverse(f"publishing:{name}", args=[exam.number, *more])


@pytest.fixture
def clinic(a_clinician: User, client_of: ClientOf) -> Client:
    return client_of(a_clinician)


@pytest.fixture
def a_picture(an_acquired_exam: Exam, a_doctor: User, actor_for: ActorFor) -> KeyImage:
    """A red key image of the examination, to be in its report."""
    study = Study.objects.create(
        study_instance_uid=an_acquired_exam.study_instance_uid,
        exam=an_acquired_exam,
        last_received_at=at(11),
    )
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(out, "PNG")
    return save_key_image(actor_for(a_doctor), study, out.getvalue(), caption="右肺上叶结节")


@pytest.mark.clause("7.1", "7.2")
@pytest.mark.parametrize("words", ["单雄信", "雄信", "shanxiongxin", "sxx", "PT26", "pt26-000"])
def test_a_report_is_found_by_name_pinyin_and_number(
    a_publication: Publication, clinic: Client, words: str
) -> None:
    exam = a_publication.report.exam

    text = clinic.get(reverse("publishing:reports"), {"q": words}).content.decode()

    assert page(exam) in text and exam.patient.name_zh in text


@pytest.mark.parametrize("words", ["不存在", "xyz", "PT27-00001", "%", "_", "\x00", "' OR 1=1 --"])
def test_what_fits_nothing_finds_nothing(
    a_publication: Publication, clinic: Client, words: str
) -> None:
    answer = clinic.get(reverse("publishing:reports"), {"q": words})

    assert answer.status_code == 200
    if words.strip("\x00"):
        assert page(a_publication.report.exam) not in answer.content.decode()


@pytest.mark.clause("7.2", "7.3")
def test_the_page_tells_the_conclusion_first_then_pictures_then_the_rest(
    a_picture: KeyImage, a_publication: Publication, clinic: Client
) -> None:
    text = clinic.get(page(a_publication.report.exam)).content.decode()

    conclusion = text.index("符合周围型肺癌")
    assert conclusion < text.index("/pictures/1.png") < text.index("SUVmax 12.8")
    assert text.index("SUVmax 12.8") < text.index(SECTIONS["technique"])
    assert "右肺上叶结节" in text and "黄河" in text


@pytest.mark.clause("7.2")
def test_the_pdf_and_the_pictures_are_those_of_the_published_version(
    a_picture: KeyImage, a_publication: Publication, clinic: Client
) -> None:
    exam = a_publication.report.exam

    pdf = clinic.get(page(exam, "pdf"))
    picture = clinic.get(page(exam, "picture_file", 1))

    text = pypdfium2.PdfDocument(io.BytesIO(body_of(pdf)))[0].get_textpage().get_text_range()
    assert exam.number in text and "符合周围型肺癌" in text
    assert Image.open(io.BytesIO(body_of(picture))).getpixel((5, 5)) == (200, 30, 30)
    for answer in (pdf, picture):
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert clinic.get(page(exam, "picture", 1)).status_code == 200
    for place in (0, 2, 999):
        assert clinic.get(page(exam, "picture_file", place)).status_code == 404
        assert clinic.get(page(exam, "picture", place)).status_code == 404


@pytest.mark.clause("7.1")
def test_every_reading_is_on_record(
    a_publication: Publication, clinic: Client, a_clinician: User
) -> None:
    exam = a_publication.report.exam
    clinic.get(page(exam))
    body_of(clinic.get(page(exam, "pdf")))

    views = PublicationView.objects.filter(user=a_clinician, publication=a_publication)
    assert sorted(views.values_list("form", flat=True)) == ["page", "pdf"]
    audited = AuditEvent.objects.filter(verb="report.view", actor_id=a_clinician.pk)
    assert audited.count() == 2
    assert set(audited.values_list("patient_id", flat=True)) == {exam.patient_id}


NOT_OPEN = ("a_report_in_work", "a_submitted_report", "an_audited_report")


@pytest.fixture
def a_submitted_report(a_report_in_work: Report, a_doctor: User, actor_for: ActorFor) -> Report:
    return submit_report(actor_for(a_doctor), a_report_in_work, SECTIONS, base_number=1)


@pytest.mark.clause("7.2")
@pytest.mark.parametrize("unfinished", NOT_OPEN)
def test_an_unfinished_report_shows_its_state_and_nothing_else(
    request: pytest.FixtureRequest, clinic: Client, unfinished: str
) -> None:
    report: Report = request.getfixturevalue(unfinished)
    exam = report.exam

    found = clinic.get(reverse("publishing:reports"), {"q": exam.patient.name_zh}).content.decode()

    assert exam.number in found and page(exam) not in found
    assert "肺癌" not in found and "SUVmax" not in found
    newest = clinic.get(reverse("publishing:reports")).content.decode()
    assert exam.number not in newest


@pytest.mark.clause("7.2")
@pytest.mark.parametrize("unfinished", NOT_OPEN)
@pytest.mark.parametrize("address", ["report", "pdf", "picture", "picture_file"])
def test_a_guessed_address_answers_like_one_that_does_not_exist(
    request: pytest.FixtureRequest,
    a_picture: KeyImage,
    clinic: Client,
    unfinished: str,
    address: str,
) -> None:
    exam = request.getfixturevalue(unfinished).exam
    more = [1] if address.startswith("picture") else []

    guessed = clinic.get(page(exam, address, *more))
    missing = clinic.get(reverse(f"publishing:{address}", args=["PT26-99999", *more]))

    assert guessed.status_code == missing.status_code == 404
    assert without_reference(guessed) == without_reference(missing)
    assert not PublicationView.objects.exists()


def without_reference(answer: Any) -> str:
    """The page without what differs in every answer: its number, its CSRF token, its address and its clock."""
    import re

    text = answer.content.decode()
    text = text.replace(answer["X-Reference"], "").replace(answer.wsgi_request.path, "")
    text = re.sub(r'(csrf\w*"? (?:value|content)=|"X-CSRFToken": )"[^"]*"', "", text)
    text = re.sub(r"\?at=[^\"]*|value=\"/publishing/[^\"]*\"", "", text)
    return re.sub(r"\d{1,2}:\d\d(:\d\d)?|data-(now|server)=\"[^\"]*\"|\d{10,}(\.\d+)?", "", text)


@pytest.mark.clause("7.1", "7.2")
def test_a_withdrawn_report_is_explained_and_its_text_is_gone(
    a_picture: KeyImage,
    a_publication: Publication,
    clinic: Client,
    a_chief: User,
    actor_for: ActorFor,
) -> None:
    exam = a_publication.report.exam
    withdraw_report(actor_for(a_chief), a_publication.report, reason="患者信息待核")

    answer = clinic.get(page(exam))

    text = answer.content.decode()
    assert answer.status_code == 200 and "患者信息待核" in text and "肺癌" not in text
    assert clinic.get(page(exam, "pdf")).status_code == 404
    assert clinic.get(page(exam, "picture_file", 1)).status_code == 404
    assert AuditEvent.objects.filter(verb="report.view", outcome="withdrawn").count() == 1


@pytest.mark.clause("7.1", "7.2")
def test_a_correction_says_so_and_marks_what_changed_for_who_read_the_old_one(
    a_publication: Publication, clinic: Client, a_chief: User, actor_for: ActorFor
) -> None:
    report, exam = a_publication.report, a_publication.report.exam
    clinic.get(page(exam))
    report.refresh_from_db()
    changed = {**SECTIONS, "impression": "1. 左肺上叶结节，符合周围型肺癌。\n2. 余未见明显异常。"}

    correct_report(actor_for(a_chief), report, changed, base_number=3, reason="侧别更正")

    text = clinic.get(page(exam)).content.decode()
    assert "侧别更正" in text and '<ins class="hv-rev">左</ins>' in text
    assert '<del class="hv-rev">右</del>' in text
    assert AuditEvent.objects.filter(verb="report.view").count() == 2


@pytest.mark.clause("7.1")
def test_an_open_page_notices_within_seconds_that_it_is_not_true_any_more(
    a_publication: Publication, clinic: Client, a_chief: User, actor_for: ActorFor
) -> None:
    address = page(a_publication.report.exam, "state")
    asked = {"shown": a_publication.pk}
    assert "HX-Refresh" not in clinic.get(address, asked)
    assert 'hx-trigger="every 5s"' in clinic.get(page(a_publication.report.exam)).content.decode()

    withdraw_report(actor_for(a_chief), a_publication.report, reason="患者信息待核")

    assert clinic.get(address, asked)["HX-Refresh"] == "true"


def test_text_of_a_stranger_is_text(
    an_acquired_exam: Exam, a_doctor: User, a_chief: User, clinic: Client, actor_for: ActorFor
) -> None:
    from hevesy.records.reports.actions import start_report

    an_acquired_exam.requesting_department = "<b>科</b>"
    an_acquired_exam.save()
    evil = {**SECTIONS, "findings": "<script>alert(1)</script> {% now %} 右肺"}
    by_doctor, by_chief = actor_for(a_doctor), actor_for(a_chief)
    report = start_report(by_doctor, an_acquired_exam, evil)
    report = submit_report(by_doctor, report, evil, base_number=1)
    publish_report(by_chief, audit_report(by_chief, report, evil, base_number=2))

    text = clinic.get(page(an_acquired_exam)).content.decode()

    assert "<script>alert(1)" not in text and "&lt;script&gt;alert(1)" in text
    assert "<b>科</b>" not in text and "{% now %}" in text


@pytest.mark.clause("7.2")
def test_only_own_requests_are_shown_when_asked(
    a_publication: Publication, clinic: Client, a_clinician: User
) -> None:
    exam = a_publication.report.exam
    asked = {"mine": "1"}
    assert exam.number not in clinic.get(reverse("publishing:reports"), asked).content.decode()

    exam.requesting_physician = a_clinician.name_zh
    exam.save()

    assert exam.number in clinic.get(reverse("publishing:reports"), asked).content.decode()


@pytest.mark.parametrize("role", ["a_nurse", "an_auditor", "a_sysadmin", "an_expert"])
def test_who_has_no_right_reads_nothing(
    request: pytest.FixtureRequest, a_publication: Publication, client_of: ClientOf, role: str
) -> None:
    browser = client_of(request.getfixturevalue(role))
    exam = a_publication.report.exam

    for address in (reverse("publishing:reports"), page(exam), page(exam, "pdf")):
        assert browser.get(address).status_code == 403
    assert Client().get(page(exam)).status_code == 302


def test_the_list_asks_as_many_questions_for_thirty_reports_as_for_one(
    a_publication: Publication,
    clinic: Client,
    the_desk: Actor,
    an_fdg_item: Any,
    a_chief: User,
    django_assert_max_num_queries: Any,
) -> None:
    exam, version = a_publication.report.exam, a_publication.version
    for hour in range(8):
        other = book_exam(
            the_desk, patient=exam.patient, item=an_fdg_item, starts_at=at(10, days=hour + 1)
        )
        report = Report.objects.create(
            exam=other, state="published", author=a_chief, auditor=a_chief, audited_at=at(12)
        )
        Publication.objects.create(report=report, version=version, published_by=a_chief)

    with django_assert_max_num_queries(14):
        text = clinic.get(reverse("publishing:reports")).content.decode()
    assert text.count('class="pb-row"') == 9

"""A report from draft to publication: who may do what, what is refused, and what the chain remembers."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pypdfium2
import pytest
from django.db import DatabaseError, connection, transaction

from hevesy.foundation.accounts.actors import Actor, PermissionRefused, system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.files.queries import open_file
from hevesy.records.exams.models import Exam
from hevesy.records.reports.actions import (
    StaleText,
    TextBlocked,
    audit_report,
    correct_report,
    publish_report,
    return_report,
    save_draft,
    start_report,
    submit_report,
    withdraw_report,
)
from hevesy.records.reports.checks import check_text
from hevesy.records.reports.facts import fill, template_values
from hevesy.records.reports.models import Publication, Report, ReportVersion
from hevesy.records.reports.queries import broken_versions, open_publications
from hevesy.records.reports.states import ReportRefused
from hevesy.records.reports.versions import marked_sections

ActorFor = Callable[[User], Actor]
TEXT = {
    "technique": "静脉注射显像剂后 60 分钟显像。",
    "findings": "右肺上叶见一实性结节，代谢增高，SUVmax 12.8。",
    "impression": "右肺上叶结节，考虑恶性可能。",
}
AUDITED = {**TEXT, "impression": "右肺上叶结节，符合周围型肺癌。"}


@pytest.fixture
def an_acquired_exam(an_exam: Exam) -> Exam:
    """An exam whose images are complete. The walk there has tests of its own."""
    an_exam.steps.update(state="acquired")
    an_exam.visit_state, an_exam.state = "interviewed", "acquired"
    an_exam.save()
    return an_exam


@pytest.fixture
def by_doctor(a_doctor: User, actor_for: ActorFor) -> Actor:
    return actor_for(a_doctor)


@pytest.fixture
def by_chief(a_chief: User, actor_for: ActorFor) -> Actor:
    return actor_for(a_chief)


@pytest.fixture
def a_draft(an_acquired_exam: Exam, by_doctor: Actor) -> Report:
    return start_report(by_doctor, an_acquired_exam, TEXT)


@pytest.fixture
def a_submitted_report(a_draft: Report, by_doctor: Actor) -> Report:
    return submit_report(by_doctor, a_draft, TEXT, base_number=1)


@pytest.fixture
def a_published_report(a_submitted_report: Report, by_chief: Actor) -> Report:
    report = audit_report(by_chief, a_submitted_report, AUDITED, base_number=2)
    publish_report(by_chief, report)
    report.refresh_from_db()
    return report


@pytest.mark.clause("6.3", "6.6")
def test_an_audit_with_a_change_shows_the_change_as_marked_text(
    a_submitted_report: Report, by_chief: Actor
) -> None:
    report = audit_report(by_chief, a_submitted_report, AUDITED, base_number=2)

    before, after = report.versions.get(number=2), report.versions.get(number=3)
    pieces = dict(marked_sections(before.sections, after.sections))["impression"]
    assert report.state == "audited" and report.exam.__class__.objects.get().state == "audited"
    assert "".join(p.text for p in pieces if p.kind != "insert") == TEXT["impression"]
    assert "".join(p.text for p in pieces if p.kind != "delete") == AUDITED["impression"]
    assert any(p.kind == "delete" for p in pieces) and any(p.kind == "insert" for p in pieces)
    assert after.author == by_chief.user


@pytest.mark.clause("6.25")
def test_nobody_audits_an_own_report(a_draft: Report, by_chief: Actor) -> None:
    a_draft.lock_user = a_draft.lock_until = None
    a_draft.save()
    own = submit_report(by_chief, a_draft, TEXT, base_number=1)

    with pytest.raises(ReportRefused):
        audit_report(by_chief, own, TEXT, base_number=2)


@pytest.mark.clause("6.25")
def test_a_student_drafts_but_does_not_submit(
    an_acquired_exam: Exam, a_student: User, actor_for: ActorFor
) -> None:
    by_student = actor_for(a_student)
    report = start_report(by_student, an_acquired_exam, TEXT)

    with pytest.raises(PermissionRefused):
        submit_report(by_student, report, TEXT, base_number=1)


def test_a_stale_save_is_refused_and_writes_nothing(a_draft: Report, by_doctor: Actor) -> None:
    save_draft(by_doctor, a_draft, {**TEXT, "findings": "二"}, base_number=1)

    with pytest.raises(StaleText):
        save_draft(by_doctor, a_draft, {**TEXT, "findings": "三"}, base_number=1)
    assert a_draft.versions.count() == 2


def test_saving_the_same_text_makes_no_version(a_draft: Report, by_doctor: Actor) -> None:
    save_draft(by_doctor, a_draft, TEXT, base_number=1)

    assert a_draft.versions.count() == 1


def test_while_one_writes_another_is_told_who(
    a_draft: Report, by_chief: Actor, a_doctor: User
) -> None:
    with pytest.raises(ReportRefused, match=a_doctor.name_zh):
        save_draft(by_chief, a_draft, AUDITED, base_number=1)


@pytest.mark.parametrize(
    "change",
    [
        {"impression": ""},
        {"findings": "注射 {{activity_mbq}} MBq 后显像。"},
        {"findings": "子宫形态正常，代谢增高。"},
    ],
)
def test_what_is_unfinished_or_contradictory_is_not_submitted(
    a_draft: Report, by_doctor: Actor, change: dict[str, str]
) -> None:
    with pytest.raises(TextBlocked):
        submit_report(by_doctor, a_draft, {**TEXT, **change}, base_number=1)
    assert a_draft.versions.count() == 1


def test_a_value_that_nobody_recorded_is_left_open_by_its_word(an_acquired_exam: Exam) -> None:
    Exam.objects.filter(pk=an_acquired_exam.pk).update(glucose_mmol_l=None, weight_kg=70)
    an_acquired_exam.refresh_from_db()

    text = fill(
        {"technique": "体重 {{weight}}，血糖 {{glucose}}，{{nobody}}。"},
        template_values(an_acquired_exam),
    )

    assert text["technique"] == "体重 70.0 kg，血糖 【血糖】，{{nobody}}。"
    (remark,) = [one for one in check_text(an_acquired_exam, TEXT | text) if one.blocks]
    assert "【血糖】" in remark.text and "{{nobody}}" in remark.text


@pytest.mark.clause("6.25")
def test_an_audited_report_is_changed_by_a_correction_only(
    a_published_report: Report, by_doctor: Actor
) -> None:
    with pytest.raises(ReportRefused):
        save_draft(by_doctor, a_published_report, TEXT, base_number=3)
    with pytest.raises(ReportRefused):
        submit_report(by_doctor, a_published_report, TEXT, base_number=3)
    with pytest.raises(PermissionRefused):
        correct_report(by_doctor, a_published_report, TEXT, base_number=3, reason="更正")


@pytest.mark.clause("6.7", "7.1")
def test_what_is_published_is_the_pdf_of_the_audited_version(
    a_published_report: Report, by_chief: Actor
) -> None:
    publication = open_publications(by_chief).get()

    assert publication.document is not None
    with open_file(publication.document.file) as stream:
        text = pypdfium2.PdfDocument(io.BytesIO(stream.read()))[0].get_textpage().get_text_range()
    assert "符合周围型肺癌" in text and "考虑恶性可能" not in text
    assert a_published_report.exam.number in text


@pytest.mark.clause("7.1")
def test_a_withdrawn_report_is_gone_at_once_and_a_correction_replaces_the_old(
    a_published_report: Report, by_chief: Actor
) -> None:
    corrected = correct_report(by_chief, a_published_report, TEXT, base_number=3, reason="侧别核对")
    assert open_publications(by_chief).get().version.number == 4
    assert Publication.objects.count() == 2

    withdraw_report(by_chief, corrected, reason="患者信息待核")

    assert not open_publications(by_chief).exists()


def test_a_returned_report_goes_back_with_its_reason(
    a_submitted_report: Report, by_chief: Actor
) -> None:
    with pytest.raises(TextBlocked):
        return_report(by_chief, a_submitted_report, reason=" ")

    report = return_report(by_chief, a_submitted_report, reason="请补充淋巴结短径")

    assert (report.state, report.return_reason) == ("reporting", "请补充淋巴结短径")


def test_a_program_does_not_write_reports(an_acquired_exam: Exam) -> None:
    with pytest.raises(ReportRefused):
        start_report(system_actor("x", "reports.write"), an_acquired_exam, TEXT)


def test_a_report_does_not_start_before_the_images_are_complete(
    an_exam: Exam, by_doctor: Actor
) -> None:
    with pytest.raises(ReportRefused):
        start_report(by_doctor, an_exam, TEXT)


@pytest.mark.clause("6.6", "6.25")
@pytest.mark.parametrize(
    "statement",
    ["UPDATE reports_reportversion SET reason = 'x'", "DELETE FROM reports_reportversion"],
)
def test_the_database_refuses_to_change_a_version(a_draft: Report, statement: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert a_draft.versions.count() == 1


@pytest.mark.clause("6.6")
@pytest.mark.django_db(transaction=True)
def test_the_chain_names_the_version_that_was_tampered_with(a_published_report: Report) -> None:
    assert list(broken_versions()) == []

    tamper('UPDATE reports_reportversion SET sections = \'{"findings": "x"}\' WHERE number = 2')

    number = a_published_report.exam.number
    assert [finding.where for finding in broken_versions()] == [f"{number} / 2"]


@pytest.mark.django_db(transaction=True)
def test_the_chain_misses_a_version_that_was_cut_off(a_published_report: Report) -> None:
    Publication.objects.all().delete()
    last: Any = ReportVersion.objects.get(number=3)
    tamper(f"DELETE FROM reports_reportversion WHERE id = {last.pk}")

    number = a_published_report.exam.number
    assert [finding.where for finding in broken_versions()] == [f"{number} / 2"]


def tamper(statement: str) -> None:
    """What somebody does who owns the database: take the triggers away first."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'reports_reportversion'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f'DROP TRIGGER "{name}"')
        else:
            cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement)
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = ON")
        else:
            cursor.execute("SET session_replication_role = DEFAULT")

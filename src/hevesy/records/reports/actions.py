"""The only writers of reports, from the first draft to publication (clauses 6.2-6.6, 7.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.actions import record
from hevesy.records.catalogue.queries import policy
from hevesy.records.exams import live
from hevesy.records.exams.actions import set_report_state
from hevesy.records.exams.models import Exam
from hevesy.records.findings.models import KeyImage
from hevesy.records.reports import events
from hevesy.records.reports.checks import check_text
from hevesy.records.reports.facts import exam_facts
from hevesy.records.reports.models import Publication, Report, ReportVersion
from hevesy.records.reports.states import AUDITED, DRAFT, PUBLISHED, ReportRefused, next_step
from hevesy.records.reports.versions import SECTIONS, digest

LOCK_MINUTES = 3
"""How long an editor keeps the lock without a sign of life (the page renews it every minute)."""


class StaleText(Refused):
    """Somebody saved a newer version meanwhile; the sender keeps the text and may compare."""

    def __init__(self, current: ReportVersion) -> None:
        self.current = current
        super().__init__(
            _(
                "%(name)s saved version %(number)d meanwhile. Your text is kept here: compare before you save."
            )
            % {"name": current.author.name_zh, "number": current.number}
        )


class TextBlocked(Refused):
    """The text check found something that must be mended first."""

    status = 422


def start_report(by: Actor, exam: Exam, sections: Mapping[str, str]) -> Report:
    """Open the report of an acquired exam with the text of a template; the caller becomes its author."""
    by.require("reports.write")
    with transaction.atomic():
        exam = Exam.objects.select_for_update().get(pk=exam.pk)
        if Report.objects.filter(exam=exam).exists():
            raise ReportRefused(_("There is a report already. Open it from the list."))
        if exam.state != "acquired":
            raise ReportRefused(
                _("The images are not complete yet: the report can start after acquisition.")
            )
        report = Report.objects.create(exam=exam, state=next_step("", "start").to, author=_user(by))
        _lock(report, by)
        _append(report, by, sections, act="save")
        _tell(report, by, "report.start")
    return report


def save_draft(
    by: Actor, report: Report, sections: Mapping[str, str], *, base_number: int
) -> Report:
    """Save the text as a new version; the last one of the same author within the draft is followed, never replaced.

    `base_number` is the version that the editor began with; `StaleText` if it is no longer the current one.
    Unchanged text writes nothing.
    """
    by.require("reports.write")
    with transaction.atomic():
        report = _locked(report, "save", by)
        _check_base(report, base_number)
        _lock(report, by)
        if _same(report, sections):
            return report
        _append(report, by, sections, act="save")
        record(
            by,
            "report.save",
            report,
            patient_id=report.exam.patient_id,
            version=report.current_number,
        )
    return report


def submit_report(
    by: Actor, report: Report, sections: Mapping[str, str], *, base_number: int
) -> Report:
    """Hand the text to audit. A student's text must be submitted by a reading physician (clause 6.25)."""
    by.require("reports.submit")
    with transaction.atomic():
        report = _locked(report, "submit", by)
        _check_base(report, base_number)
        _refuse_blocked(report.exam, sections)
        _lock(report, by)
        _append(report, by, sections, act="submit")
        report.state = next_step(report.state, "submit").to
        report.author = _user(by)
        report.submitted_at, report.return_reason = timezone.now(), ""
        report.lock_user = report.lock_until = None
        report.save()
        _tell(report, by, "report.submit", events.report_submitted)
    return report


def withdraw_submission(by: Actor, report: Report) -> Report:
    """Take the text back before anybody audited it."""
    by.require("reports.write")
    with transaction.atomic():
        report = _locked(report, "withdraw_submission", by)
        if report.author_id != _user(by).pk:
            raise ReportRefused(
                _("Only the author takes a submission back; an auditor returns it.")
            )
        report.state = next_step(report.state, "withdraw_submission").to
        report.save()
        _tell(report, by, "report.withdraw_submission")
    return report


def return_report(by: Actor, report: Report, *, reason: str) -> Report:
    """Send the text back to its author with a reason."""
    by.require("reports.audit")
    if not reason.strip():
        raise TextBlocked(
            _("Say why the report goes back, so that the author knows what to change.")
        )
    with transaction.atomic():
        report = _locked(report, "return", by)
        report.state, report.return_reason = (
            next_step(report.state, "return").to,
            reason.strip()[:300],
        )
        report.lock_user = report.lock_until = None
        report.save()
        _tell(report, by, "report.return", reason=report.return_reason)
    return report


def audit_report(
    by: Actor, report: Report, sections: Mapping[str, str], *, base_number: int
) -> Report:
    """Make the text final. The auditor's changes become a version of its own, so that they show as marks (6.6).

    Nobody audits an own report, unless the site's policy `reports.self_audit` allows it.
    """
    by.require("reports.audit")
    with transaction.atomic():
        report = _locked(report, "audit", by)
        if report.author_id == _user(by).pk and not policy("reports.self_audit", False):
            raise ReportRefused(_("You wrote this report: another physician must audit it."))
        _check_base(report, base_number)
        _refuse_blocked(report.exam, sections)
        _append(report, by, sections, act="audit")
        report.state, report.auditor = next_step(report.state, "audit").to, _user(by)
        report.audited_at = timezone.now()
        report.lock_user = report.lock_until = None
        report.save()
        _tell(report, by, "report.audit", events.report_audited)
    return report


def correct_report(
    by: Actor, report: Report, sections: Mapping[str, str], *, base_number: int, reason: str
) -> Report:
    """Change an audited report: a new version with a reason; a published one is published anew with the correction."""
    by.require("reports.correct")
    if not reason.strip():
        raise TextBlocked(_("A correction needs a reason: it is printed on the report."))
    with transaction.atomic():
        report = _locked(report, "correct", by)
        _check_base(report, base_number)
        _refuse_blocked(report.exam, sections)
        _append(report, by, sections, act="correct", reason=reason.strip()[:300])
        report.auditor, report.audited_at = _user(by), timezone.now()
        report.save()
        if report.state == PUBLISHED:
            _publish(report, by)
        _tell(report, by, "report.correct", events.report_audited, reason=reason.strip()[:300])
    return report


def publish_report(by: Actor, report: Report) -> Publication:
    """Let clinicians read the audited version (clause 7.1)."""
    by.require("publishing.publish")
    with transaction.atomic():
        report = _locked(report, "publish", by)
        report.state = next_step(report.state, "publish").to
        report.save()
        publication = _publish(report, by)
        _tell(report, by, "report.publish", events.report_published)
    return publication


def withdraw_report(by: Actor, report: Report, *, reason: str) -> Report:
    """Take a published report back from the clinicians at once; what was published stays on record."""
    by.require("publishing.publish")
    if not reason.strip():
        raise TextBlocked(_("Say why the report is withdrawn: the clinicians read the reason."))
    with transaction.atomic():
        report = _locked(report, "withdraw", by)
        report.state = next_step(report.state, "withdraw").to
        report.save()
        Publication.objects.filter(report=report, withdrawn_at=None).update(
            withdrawn_at=timezone.now(),
            withdrawn_by=_user(by),
            withdrawn_reason=reason.strip()[:300],
        )
        _tell(report, by, "report.withdraw", events.report_withdrawn, reason=reason.strip()[:300])
    return report


def hold_lock(by: Actor, report: Report) -> Report:
    """Take or renew the editing lock; refused with the holder's name while another one holds it."""
    by.require("reports.write")
    with transaction.atomic():
        report = (
            Report.objects.select_for_update(of=("self",))
            .select_related("lock_user")
            .get(pk=report.pk)
        )
        _lock(report, by)
    return report


def _user(by: Actor) -> User:
    if by.user is None:
        raise ReportRefused(_("A report is written and audited by persons only."))
    return by.user


def _locked(report: Report, move: str, by: Actor) -> Report:
    """The row, locked; the move checked against the table and the mover's right."""
    report = (
        Report.objects.select_for_update(of=("self",))
        .select_related("exam__patient")
        .get(pk=report.pk)
    )
    by.require(next_step(report.state, move).permission)
    return report


def _check_base(report: Report, base_number: int) -> None:
    current = report.current
    if current is not None and current.number != base_number:
        raise StaleText(current)


def _lock(report: Report, by: Actor) -> None:
    now = timezone.now()
    holder = report.lock_user
    if holder and holder != by.user and report.lock_until and report.lock_until > now:
        raise ReportRefused(
            _(
                "%(name)s is writing this report. You can read it; it is free again when the page is closed."
            )
            % {"name": holder.name_zh}
        )
    report.lock_user, report.lock_until = by.user, now + dt.timedelta(minutes=LOCK_MINUTES)
    report.save(update_fields=["lock_user", "lock_until"])


def _refuse_blocked(exam: Exam, sections: Mapping[str, str]) -> None:
    blocking = [remark.text for remark in check_text(exam, sections) if remark.blocks]
    if blocking:
        raise TextBlocked(" ".join(blocking))


def _same(report: Report, sections: Mapping[str, str]) -> bool:
    current = report.current
    return current is not None and current.sections == _clean(sections)


def _clean(sections: Mapping[str, str]) -> dict[str, str]:
    return {name: sections.get(name, "").replace("\r\n", "\n") for name in SECTIONS}


def _append(
    report: Report, by: Actor, sections: Mapping[str, str], *, act: str, reason: str = ""
) -> ReportVersion:
    previous = report.current
    number = previous.number + 1 if previous else 1
    at = timezone.now()
    images = KeyImage.objects.filter(study__exam=report.exam, removed_at=None, in_report=True)
    body: dict[str, Any] = {
        "report": report.pk,
        "exam": report.exam.number,
        "sections": _clean(sections),
        "key_images": [
            {"id": image.pk, "sha256": image.file.sha256, "caption": image.caption}
            for image in images.select_related("file")
        ],
        "facts": exam_facts(report.exam),
        "act": act,
        "reason": reason,
    }
    previous_sha256 = previous.sha256 if previous else ""
    version = ReportVersion.objects.create(
        report=report,
        number=number,
        sections=body["sections"],
        key_images=body["key_images"],
        facts=body["facts"],
        act=act,
        reason=reason,
        author=_user(by),
        at=at,
        sha256=digest(previous_sha256, number, _user(by).pk, at.isoformat(), body),
        previous_sha256=previous_sha256,
    )
    report.current = version
    report.save(update_fields=["current"])
    return version


def _publish(report: Report, by: Actor) -> Publication:
    """One open publication per report; its PDF is made now, so that what was published is bytes, not a promise."""
    from hevesy.records.reports.paper import report_pdf

    assert report.current is not None
    Publication.objects.filter(report=report, withdrawn_at=None).update(
        withdrawn_at=timezone.now(),
        withdrawn_by=_user(by),
        withdrawn_reason=_("replaced by a newer version"),
    )
    return Publication.objects.create(
        report=report,
        version=report.current,
        document=report_pdf(by, report, report.current),
        published_by=_user(by),
    )


def _tell(
    report: Report, by: Actor, verb: str, signal: Signal | None = None, **details: Any
) -> None:
    """State of the exam, audit row, live lists, and the event after commit."""
    set_report_state(by, report.exam, report.state)
    record(
        by,
        verb,
        report,
        patient_id=report.exam.patient_id,
        version=report.current_number,
        **details,
    )
    live.publish("reports", exam=report.exam_id)
    if signal is not None:
        transaction.on_commit(lambda: signal.send(Report, report=report))


__all__ = [
    "AUDITED",
    "DRAFT",
    "StaleText",
    "TextBlocked",
    "audit_report",
    "correct_report",
    "hold_lock",
    "publish_report",
    "return_report",
    "save_draft",
    "start_report",
    "submit_report",
    "withdraw_report",
    "withdraw_submission",
]

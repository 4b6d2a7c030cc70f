"""Reading reports: worklists, what a clinician may see, and whether the chain of versions is whole."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.verification import Finding
from hevesy.records.exams.models import Exam
from hevesy.records.reports.models import Publication, ReportVersion
from hevesy.records.reports.states import DRAFT, SUBMITTED
from hevesy.records.reports.versions import digest


def exams_to_write(by: Actor) -> QuerySet[Exam]:
    """Acquired exams without a report, and drafts; emergencies first."""
    by.require("reports.write")
    rows = Exam.objects.filter(Q(state="acquired", report=None) | Q(report__state=DRAFT))
    return _list(rows)


def exams_to_audit(by: Actor) -> QuerySet[Exam]:
    """Exams whose report waits for audit."""
    by.require("reports.audit")
    return _list(Exam.objects.filter(report__state=SUBMITTED))


def exams_done(by: Actor) -> QuerySet[Exam]:
    """Exams with an audited or published report, the newest first."""
    by.require("reports.view")
    rows = Exam.objects.filter(report__audited_at__isnull=False).select_related(*RELATED)
    return rows.order_by("-report__audited_at")


RELATED = (
    "patient",
    "item",
    "modality_class",
    "report__author",
    "report__auditor",
    "report__current",
)


def _list(rows: QuerySet[Exam]) -> QuerySet[Exam]:
    return rows.select_related(*RELATED).order_by("priority", "booked_for", "id")


def open_publications(by: Actor) -> QuerySet[Publication]:
    """What is published now and may be read by this actor (clauses 7.1, 7.2)."""
    if not by.may("publishing.read"):
        by.require("reports.view")
    return Publication.objects.filter(withdrawn_at=None).select_related(
        "report__exam__patient",
        "report__exam__item",
        "version__author",
        "document__file",
        "report__auditor",
    )


def broken_versions() -> Iterator[Finding]:
    """Every version whose hash does not fit its content or its predecessor (`hevesy verify`)."""
    last: ReportVersion | None = None
    rows = ReportVersion.objects.select_related("report__exam").order_by("report_id", "number")
    for version in rows.iterator(chunk_size=500):
        follows = last if last is not None and last.report_id == version.report_id else None
        if last is not None and follows is None:
            yield from _cut_off(last)
        expected = (follows.number + 1, follows.sha256) if follows else (1, "")
        if (version.number, version.previous_sha256) != expected:
            yield _finding(version, _("does not follow its predecessor"))
        elif version.sha256 != _digest_of(version):
            yield _finding(version, _("was changed after it was written"))
        last = version
    if last is not None:
        yield from _cut_off(last)


def _digest_of(version: ReportVersion) -> str:
    body = {
        "report": version.report_id,
        "exam": version.report.exam.number,
        "sections": version.sections,
        "key_images": version.key_images,
        "facts": version.facts,
        "act": version.act,
        "reason": version.reason,
    }
    return digest(
        version.previous_sha256, version.number, version.author_id, version.at.isoformat(), body
    )


def _cut_off(last: ReportVersion) -> Iterator[Finding]:
    if last.report.current_id != last.pk:
        yield _finding(last, _("later versions are missing"))


def _finding(version: ReportVersion, what: str) -> Finding:
    return Finding("reports", f"{version.report.exam.number} / {version.number}", what)

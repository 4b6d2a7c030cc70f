"""Reading reports: worklists, what a clinician may see, and whether the chain of versions is whole."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams.models import Exam
from hevesy.records.reports.models import Publication, Report, ReportVersion
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


RELATED = ("patient", "item", "modality_class", "report__author", "report__auditor", "report__current")


def _list(rows: QuerySet[Exam]) -> QuerySet[Exam]:
    return rows.select_related(*RELATED).order_by("priority", "booked_for", "id")


def open_publications(by: Actor) -> QuerySet[Publication]:
    """What is published now and may be read by this actor (clauses 7.1, 7.2)."""
    if not by.may("publishing.read"):
        by.require("reports.view")
    return Publication.objects.filter(withdrawn_at=None).select_related(
        "report__exam__patient", "report__exam__item", "version__author", "document__file", "report__auditor"
    )


def broken_versions() -> Iterator[str]:
    """Every version whose hash does not fit its content or its predecessor, as a sentence (`hevesy verify`)."""
    previous: ReportVersion | None = None
    for version in ReportVersion.objects.select_related("report__exam").order_by("report_id", "number").iterator():
        if previous is None or previous.report_id != version.report_id:
            if previous is not None and previous.report.current_id != previous.pk:
                yield f"report {previous.report_id}: the last versions are missing"
            expected_previous, expected_number = "", 1
        else:
            expected_previous, expected_number = previous.sha256, previous.number + 1
        body = {
            "report": version.report_id,
            "exam": version.report.exam.number,
            "sections": version.sections,
            "key_images": version.key_images,
            "facts": version.facts,
            "act": version.act,
            "reason": version.reason,
        }
        found = digest(version.previous_sha256, version.number, version.author_id, version.at.isoformat(), body)
        if version.number != expected_number or version.previous_sha256 != expected_previous:
            yield f"report {version.report_id}: version {version.number} does not follow its predecessor"
        elif found != version.sha256:
            yield f"report {version.report_id}: version {version.number} was changed after it was written"
        previous = version
    if previous is not None and previous.report.current_id != previous.pk:
        yield f"report {previous.report_id}: the last versions are missing"

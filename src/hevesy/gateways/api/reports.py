"""Reports for programs: reading by right, writing by the same steps as on the page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status

from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.gateways.api.exams import exam_of
from hevesy.records.reports import actions
from hevesy.records.reports.models import Report
from hevesy.records.reports.queries import open_publications

router = Router()


class Sections(Schema):
    """The text."""

    technique: str = ""
    findings: str = ""
    impression: str = ""


class TextIn(Sections):
    """The text and the version it was written on."""

    base_version: int
    reason: str = ""


class ReasonIn(Schema):
    """Why."""

    reason: str = ""


class ReportOut(Schema):
    """A report with its current text."""

    exam: str
    state: str
    version: int
    sections: Sections
    author: str | None
    auditor: str | None
    submitted_at: datetime | None
    audited_at: datetime | None
    return_reason: str

    @staticmethod
    def resolve_exam(report: Report) -> str:
        return report.exam.number

    @staticmethod
    def resolve_version(report: Report) -> int:
        return report.current_number

    @staticmethod
    def resolve_sections(report: Report) -> dict[str, str]:
        return report.current.sections if report.current else {}

    @staticmethod
    def resolve_author(report: Report) -> str | None:
        return report.author.name_zh if report.author else None

    @staticmethod
    def resolve_auditor(report: Report) -> str | None:
        return report.auditor.name_zh if report.auditor else None


class PublishedOut(Schema):
    """A published report, for clinicians' systems."""

    exam: str
    patient_id: str
    version: int
    sections: Sections
    published_at: datetime

    @staticmethod
    def resolve_exam(row: Any) -> str:
        return str(row.report.exam.number)

    @staticmethod
    def resolve_patient_id(row: Any) -> str:
        return str(row.report.exam.patient.patient_id)

    @staticmethod
    def resolve_version(row: Any) -> int:
        return int(row.version.number)

    @staticmethod
    def resolve_sections(row: Any) -> Any:
        return row.version.sections


def _report(request: ApiRequest, number: str) -> Report:
    request.actor.require("reports.view")
    exam = exam_of(request, number)
    rows = Report.objects.select_related("exam", "current", "author", "auditor")
    found: Report = get_object_or_404(rows, exam=exam)
    return found


@router.get("/reports/published", response={200: list[PublishedOut], **FAULTS})
def published(request: ApiRequest, patient_id: str) -> Any:
    """What is published of a patient now."""
    rows = open_publications(request.actor).filter(report__exam__patient__patient_id=patient_id)
    if not rows:
        raise Http404
    return rows


@router.get("/reports/{number}", response={200: ReportOut, **FAULTS})
def one(request: ApiRequest, number: str) -> Report:
    """The report of an exam, drafts too: for the department only."""
    return _report(request, number)


@router.post("/reports/{number}", response={201: ReportOut, **FAULTS})
def start(request: ApiRequest, number: str, body: Sections) -> Status[Report]:
    """Begin the report of an acquired exam."""
    request.actor.require("reports.write")
    return Status(201, actions.start_report(request.actor, exam_of(request, number), body.dict()))


def _sections(body: TextIn) -> dict[str, str]:
    return body.dict(include={"technique", "findings", "impression"})


@router.put("/reports/{number}", response={200: ReportOut, **FAULTS})
def save(request: ApiRequest, number: str, body: TextIn) -> Report:
    """Save the draft; 409 when somebody saved meanwhile."""
    report = _report(request, number)
    return actions.save_draft(request.actor, report, _sections(body), base_number=body.base_version)


@router.post("/reports/{number}/submit", response={200: ReportOut, **FAULTS})
def submit(request: ApiRequest, number: str, body: TextIn) -> Report:
    """Hand it to audit."""
    report = _report(request, number)
    return actions.submit_report(
        request.actor, report, _sections(body), base_number=body.base_version
    )


@router.post("/reports/{number}/return", response={200: ReportOut, **FAULTS})
def send_back(request: ApiRequest, number: str, body: ReasonIn) -> Report:
    """Return it to its author."""
    return actions.return_report(request.actor, _report(request, number), reason=body.reason)


@router.post("/reports/{number}/audit", response={200: ReportOut, **FAULTS})
def audit(request: ApiRequest, number: str, body: TextIn) -> Report:
    """Make it final."""
    report = _report(request, number)
    return actions.audit_report(
        request.actor, report, _sections(body), base_number=body.base_version
    )


@router.post("/reports/{number}/correct", response={200: ReportOut, **FAULTS})
def correct(request: ApiRequest, number: str, body: TextIn) -> Report:
    """Correct an audited report with a reason."""
    report = _report(request, number)
    return actions.correct_report(
        request.actor, report, _sections(body), base_number=body.base_version, reason=body.reason
    )


@router.post("/reports/{number}/publish", response={200: ReportOut, **FAULTS})
def publish(request: ApiRequest, number: str) -> Report:
    """Publish the audited version."""
    actions.publish_report(request.actor, _report(request, number))
    return _report(request, number)


@router.post("/reports/{number}/withdraw", response={200: ReportOut, **FAULTS})
def withdraw(request: ApiRequest, number: str, body: ReasonIn) -> Report:
    """Take it back from the clinicians."""
    return actions.withdraw_report(request.actor, _report(request, number), reason=body.reason)

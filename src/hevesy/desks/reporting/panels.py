"""What the pages of other desks show of a report."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from hevesy.records.exams.models import Exam
from hevesy.records.reports.models import Report


def exam_report(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """State and names; nothing before the images are complete."""
    report = Report.objects.filter(exam=exam).select_related("author", "auditor", "current").first()
    if report is None and exam.state != "acquired":
        return None
    return {"report": report, "exam": exam}

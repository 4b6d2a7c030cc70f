"""The interview on other desks' pages: read there, written here (clause 4.1)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from hevesy.desks.interview.asking import differences, told
from hevesy.records.exams.models import Exam


def exam_interviews(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """The last interview in words; nothing before there is one, unless this person may hold it now."""
    interviews = list(exam.interviews.select_related("interviewer"))
    may_ask = request.user.may("exams.interview") and exam.visit_state in ("arrived", "interviewed")  # type: ignore[union-attr]
    if not interviews and not may_ask:
        return None
    last = interviews[-1] if interviews else None
    return {
        "exam": exam,
        "interview": last,
        "answers": told(last) if last else [],
        "changed": differences(interviews).get(last.pk, set()) if last else set(),
        "count": len(interviews),
        "may_ask": may_ask,
    }

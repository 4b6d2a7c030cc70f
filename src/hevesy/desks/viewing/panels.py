"""What the pages of other desks show of the images."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam


def exam_images(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """The studies of an exam; nothing before images came."""
    studies = list(
        Study.objects.filter(exam=exam).prefetch_related("series").order_by("study_date", "id")
    )
    if not studies:
        return None
    may_link = request.user.may("archive.link")  # type: ignore[union-attr]
    return {"studies": studies, "exam": exam, "may_link": may_link}

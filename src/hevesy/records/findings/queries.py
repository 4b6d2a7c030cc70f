"""Read what readers marked."""

from __future__ import annotations

from django.db.models import QuerySet

from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.findings.models import KeyImage


def key_images(study: Study) -> QuerySet[KeyImage]:
    """The pictures in the tray of a study, in order."""
    return KeyImage.objects.filter(study=study, removed_at=None).select_related("file", "author")


def key_images_of_exam(exam: Exam) -> QuerySet[KeyImage]:
    """The pictures of every study of an exam, in order."""
    rows = KeyImage.objects.filter(study__exam=exam, removed_at=None).select_related(
        "file", "author"
    )
    return rows.order_by("sort", "id")

"""How examinations follow when patients are merged, and how their numbers lead to patients."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils import timezone

from hevesy.records.exams.models import Exam
from hevesy.records.patients.models import Patient


def move_exams(source: Patient, target: Patient, only: list[int] | None) -> list[int]:
    """Give the examinations of one record to the other; returns their keys."""
    exams = Exam.objects.filter(patient=source)
    if only is not None:
        exams = exams.filter(pk__in=only)
    keys = sorted(exams.values_list("pk", flat=True))
    Exam.objects.filter(pk__in=keys).update(patient=target)
    return keys


def patients_by_exam_number(text: str) -> Iterable[int]:
    """Patients whose examination has this number, or a recent number that ends so (1873 for PT26-01873)."""
    yield from Exam.objects.filter(number__in={text, text.upper()}).values_list(
        "patient_id", flat=True
    )
    if text.isdigit() and 3 <= len(text) <= 8:
        recent = Exam.objects.filter(created_at__gte=timezone.now() - timedelta(days=400))
        yield from (
            recent.filter(number__endswith=text)
            .order_by("-pk")
            .values_list("patient_id", flat=True)[:10]
        )

"""Patients as the audit trail knows them: by numbers, never by names."""

from __future__ import annotations

from collections.abc import Collection

from hevesy.records.exams.models import Exam
from hevesy.records.patients.models import Patient, PatientIdentifier


def patients_with(number: str) -> set[int]:
    """The ids of patients with this patient number, any of their other numbers, or an examination's number."""
    return {
        *Patient.objects.filter(patient_id__iexact=number).values_list("pk", flat=True),
        *PatientIdentifier.objects.filter(value__iexact=number).values_list(
            "patient_id", flat=True
        ),
        *Exam.objects.filter(number__iexact=number).values_list("patient_id", flat=True),
    }


def numbers_of(ids: Collection[int]) -> dict[int, str]:
    """The department's number of each patient."""
    return dict(Patient.objects.filter(pk__in=ids).values_list("pk", "patient_id"))

"""The auditor finds a patient by every number, and sees the department's own."""

from __future__ import annotations

import pytest

from hevesy.config import trail
from hevesy.records.patients.models import Patient, PatientIdentifier


@pytest.mark.django_db
def test_a_patient_is_found_by_own_and_outside_numbers() -> None:
    patient = Patient.objects.create(
        patient_id="P0000777", name_zh="单雄信", name_latin="x", sex="M"
    )
    PatientIdentifier.objects.create(patient=patient, kind="inpatient", value="ZY-12")

    assert trail.patients_with("p0000777") == trail.patients_with("ZY-12") == {patient.pk}
    assert trail.patients_with("nobody") == set()
    assert trail.numbers_of([patient.pk]) == {patient.pk: "P0000777"}

"""An interviewed patient, a released batch, a syringe for the patient."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from hevesy.records.doses import actions
from hevesy.records.doses.models import Batch, DispensedUnit
from hevesy.records.doses.seeding import seed
from hevesy.records.exams.actions import book_exam, mark_arrived, record_interview
from hevesy.records.exams.models import ExamStep
from hevesy.records.exams.testing import at
from hevesy.records.patients.actions import register_patient

HTMX = {"HX-Request": "true", "X-Hevesy-Scan": "1"}
QC = {
    "appearance": True, "ph": 6.2, "radiochemical_purity": 99.1, "half_life_min": 109.9,
    "kryptofix": 20, "filter_integrity": True,
}  # fmt: skip


@pytest.fixture
def a_batch(
    tuesday_morning: Any, fdg: Any, a_pharmacist: Any, another_pharmacist: Any, actor_for: Any
) -> Batch:
    """10 GBq of FDG, released."""
    seed()
    batch = actions.record_batch(
        actor_for(a_pharmacist),
        tracer=fdg,
        activity_mbq=10000,
        reference_at=timezone.now(),
        volume_ml=20,
        expires_at=timezone.now() + timedelta(hours=9),
        qc=QC,
    )
    return actions.release_batch(actor_for(another_pharmacist), batch)


@pytest.fixture
def ready(tuesday_morning: Any, the_desk: Any, an_fdg_item: Any) -> Callable[..., ExamStep]:
    """`ready("陈建国")`: arrived and interviewed; 70 kg, so 259 MBq are ordered."""
    count = 0

    def make(name: str = "陈建国", *, glucose: float = 5.4) -> ExamStep:
        nonlocal count
        patient = register_patient(the_desk, name_zh=name, sex="M", birth_date=date(1964, 3, 5))
        exam = book_exam(
            the_desk,
            patient=patient,
            item=an_fdg_item,
            starts_at=at(10) + timedelta(minutes=40 * count),
        )
        count += 1
        mark_arrived(the_desk, exam)
        record_interview(the_desk, exam, {"weight_kg": 70, "glucose_mmol_l": glucose})
        return ExamStep.objects.select_related("exam").get(exam=exam)

    return make


@pytest.fixture
def drawn(a_batch: Batch, a_pharmacist: Any, actor_for: Any) -> Callable[..., DispensedUnit]:
    """`drawn(step)`: a syringe with 262 MBq now."""

    def make(step: ExamStep, mbq: float = 262) -> DispensedUnit:
        now = timezone.now()
        volume = round(mbq / (a_batch.produced_mbq(now) / 20), 3)
        return actions.dispense(actor_for(a_pharmacist), a_batch, step, volume, mbq, now)

    return make

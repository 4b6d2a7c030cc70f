"""A small hot laboratory: one tracer, one order, one batch, and a clock that the tests may set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import ExamItem, ItemPhase, ModalityClass, Nuclide, Tracer
from hevesy.records.doses import actions
from hevesy.records.doses.models import Batch
from hevesy.records.doses.seeding import seed
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.patients.models import Patient

NINE = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""
F18_S = 109.77 * 60


@pytest.fixture
def at_nine() -> Any:
    """It is 09:00 until a test moves the clock. It ticks."""
    with time_machine.travel(NINE, tick=True) as clock:
        yield clock


@pytest.fixture
def fdg(db: None) -> Tracer:
    """F-18 FDG with the delivered limits and quality tests."""
    seed()
    f18 = Nuclide.objects.create(
        code="F-18", name_zh="氟-18", name_en="Fluorine-18", half_life_s=F18_S, source="ICRP 107"
    )
    return Tracer.objects.create(
        code="fdg", name_zh="氟代脱氧葡萄糖", name_en="Fludeoxyglucose", nuclide=f18,
        short="FDG", plain="F-18 FDG", mass_number="18", element="F", label="-FDG",
    )  # fmt: skip


@pytest.fixture
def psma(fdg: Tracer) -> Tracer:
    """Another tracer of the same nuclide."""
    return Tracer.objects.create(
        code="psma", name_zh="PSMA-1007", name_en="PSMA-1007", nuclide=fdg.nuclide,
        short="PSMA", plain="F-18 PSMA", mass_number="18", element="F", label="-PSMA-1007",
    )  # fmt: skip


@pytest.fixture
def an_item(fdg: Tracer) -> ExamItem:
    """Whole-body FDG PET-CT at 3.7 MBq/kg."""
    petct = ModalityClass.objects.create(
        code="petct", name_zh="PET-CT", name_en="PET-CT",
        number_template="PT{yy}-{seq:05}", report_kind="petct",
    )  # fmt: skip
    item = ExamItem.objects.create(
        code="fdg-wb", name_zh="全身肿瘤", name_en="Whole body", modality_class=petct,
        preparation_zh="空腹",
    )  # fmt: skip
    ItemPhase.objects.create(
        item=item, number=1, tracer=fdg, activity_mbq_per_kg="3.7",
        activity_min_mbq=185, activity_max_mbq=555, uptake_min=60,
    )  # fmt: skip
    return item


@pytest.fixture
def an_order(an_item: ExamItem, fdg: Tracer) -> Callable[..., ExamStep]:
    """`an_order(planned=380, steps=1, …)`: an interviewed patient whose step waits for the dose."""

    def make(
        name: str = "陈建国", *, planned: float | None = 380, steps: int = 1, **exam_fields: Any
    ) -> ExamStep:
        count = Exam.objects.count() + 1
        patient = Patient.objects.create(
            patient_id=f"P{count:06}", name_zh=name, name_latin="X",
            sex=exam_fields.pop("sex", "M"), birth_date=exam_fields.pop("birth_date", date(1964, 3, 5)),
        )  # fmt: skip
        fields = {"weight_kg": 70, "glucose_mmol_l": "5.4", **exam_fields}
        exam = Exam.objects.create(
            number=f"PT26-{count:05}", code=f"E{count:012}", study_instance_uid=f"2.25.{count}",
            patient=patient, item=an_item, modality_class=an_item.modality_class,
            visit_state="interviewed", state="interviewed", booked_for=NINE, **fields,
        )  # fmt: skip
        rows = [
            ExamStep.objects.create(
                exam=exam, number=number, phase=an_item.phases.get(), tracer=fdg,
                scheduled_procedure_step_id=f"S{count:05}{number}", planned_activity_mbq=planned,
                uptake_min=60, starts_at=NINE + timedelta(hours=number), state="planned",
            )
            for number in range(1, steps + 1)
        ]  # fmt: skip
        return rows[0]

    return make


@pytest.fixture
def an_order_waits(an_order: Callable[..., ExamStep]) -> ExamStep:
    """Chen Jianguo waits for 380 MBq of FDG."""
    return an_order()


PASSED = {
    "appearance": True, "ph": 6.2, "radiochemical_purity": 99.1, "half_life_min": 109.9,
    "kryptofix": 20, "filter_integrity": True,
}  # fmt: skip


@pytest.fixture
def recorded(
    fdg: Tracer, a_pharmacist: Any, actor_for: Callable[..., Actor]
) -> Callable[..., Batch]:
    """`recorded(activity_mbq=…)`: a batch that awaits its release."""

    def make(**fields: Any) -> Batch:
        values = {
            "tracer": fdg, "activity_mbq": 5000, "reference_at": NINE - timedelta(minutes=30),
            "volume_ml": 10, "expires_at": NINE + timedelta(hours=6), "qc": PASSED, **fields,
        }  # fmt: skip
        return actions.record_batch(actor_for(a_pharmacist), **values)

    return make


@pytest.fixture
def released(
    recorded: Callable[..., Batch], another_pharmacist: Any, actor_for: Callable[..., Actor]
) -> Callable[..., Batch]:
    """`released(…)`: a batch that a second pharmacist has released."""

    def make(**fields: Any) -> Batch:
        return actions.release_batch(actor_for(another_pharmacist), recorded(**fields))

    return make


@pytest.fixture
def pharmacist(a_pharmacist: Any, actor_for: Callable[..., Actor]) -> Actor:
    """The pharmacist as an actor."""
    return actor_for(a_pharmacist)


@pytest.fixture
def technologist(a_technologist: Any, actor_for: Callable[..., Actor]) -> Actor:
    """The technologist as an actor."""
    return actor_for(a_technologist)

"""A small department: an interview room, two injection rooms, a scanner, and patients who arrive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import (
    ExamItem,
    ItemPhase,
    ModalityClass,
    Nuclide,
    Room,
    Tracer,
)
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import Exam, ExamStep, TimelineRow
from hevesy.records.patients.models import Patient
from hevesy.records.queues.models import ServicePoint
from hevesy.records.queues.seeding import seed

NINE = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
"""09:00 in Shanghai."""


@pytest.fixture
def at_nine() -> Any:
    """It is 09:00 until a test moves the clock. It ticks."""
    with time_machine.travel(NINE, tick=True) as clock:
        yield clock


@pytest.fixture
def department(db: None) -> dict[str, Any]:
    """Rooms, scanner, item and service points as delivered."""
    petct = ModalityClass.objects.create(
        code="petct", name_zh="PET-CT", name_en="PET-CT",
        number_template="PT{yy}-{seq:05}", report_kind="petct",
    )  # fmt: skip
    rooms = {
        code: Room.objects.create(code=code, name_zh=name, name_en=code, kind=kind)
        for code, name, kind in [
            ("interview1", "问诊室1", "interview"),
            ("injection1", "注射室1", "injection"),
            ("injection2", "注射室2", "injection"),
            ("pet1", "PET-CT 1", "scanner"),
        ]
    }
    scanner = Device.objects.create(
        code="pet1", name_zh="PET-CT 1", name_en="PET-CT 1", kind="scanner", room=rooms["pet1"]
    )
    scanner.modality_classes.add(petct)
    f18 = Nuclide.objects.create(
        code="F-18", name_zh="氟-18", name_en="Fluorine-18", half_life_s=6586.2, source="ICRP 107"
    )
    fdg = Tracer.objects.create(
        code="fdg", name_zh="FDG", name_en="FDG", nuclide=f18, short="FDG", plain="F-18 FDG",
        mass_number="18", element="F", label="-FDG",
    )  # fmt: skip
    item = ExamItem.objects.create(
        code="fdg-wb", name_zh="全身肿瘤", name_en="Whole body", modality_class=petct,
        preparation_zh="空腹",
    )  # fmt: skip
    phase = ItemPhase.objects.create(
        item=item, number=1, tracer=fdg, activity_mbq=370, uptake_min=60
    )
    seed()
    return {
        "class": petct, "item": item, "phase": phase, "tracer": fdg, "scanner": scanner, **rooms,
        **{point.code: point for point in ServicePoint.objects.all()},
    }  # fmt: skip


@pytest.fixture
def a_patient_here(department: dict[str, Any]) -> Callable[..., Exam]:
    """`a_patient_here("陈建国", state="interviewed", priority=2)`: somebody who has arrived."""

    def make(
        name: str = "陈建国",
        *,
        state: str = "arrived",
        priority: int = 2,
        patient: Patient | None = None,
        steps: int = 1,
    ) -> Exam:
        count = Exam.objects.count() + 1
        patient = patient or Patient.objects.create(
            patient_id=f"P{count:06}", name_zh=name, name_latin="X", sex="M",
            birth_date=date(1964, 3, 5),
        )  # fmt: skip
        exam = Exam.objects.create(
            number=f"PT26-{count:05}", code=f"E{count:012}", study_instance_uid=f"2.25.{count}",
            patient=patient, item=department["item"], modality_class=department["class"],
            visit_state=state, state=state, priority=priority, booked_for=NINE,
        )  # fmt: skip
        for number in range(1, steps + 1):
            ExamStep.objects.create(
                exam=exam, number=number, phase=department["phase"], tracer=department["tracer"],
                scheduled_procedure_step_id=f"S{count:05}{number}", device=department["scanner"],
                uptake_min=60, uptake_earliest_min=55, uptake_latest_min=75,
                starts_at=NINE + timedelta(hours=2 * number), state="planned",
            )  # fmt: skip
        TimelineRow.objects.create(
            exam=exam, event="arrive", to_state="arrived", actor_name="x",
            at=NINE + timedelta(seconds=count),
        )  # fmt: skip
        return exam

    return make


@pytest.fixture
def nurse(a_nurse: Any, actor_for: Callable[..., Actor]) -> Actor:
    """The nurse as an actor."""
    return actor_for(a_nurse)

"""Rooms and queues round the small department of `exams.testing`, and patients who wait."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from hevesy.records.catalogue.models import Room
from hevesy.records.exams.actions import book_exam, mark_arrived
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at
from hevesy.records.patients.actions import register_patient
from hevesy.records.queues.actions import follow
from hevesy.records.queues.models import ServicePoint
from hevesy.records.queues.seeding import seed


@pytest.fixture
def queues(a_pet_ct: Any) -> dict[str, ServicePoint]:
    """Interview, two injection rooms and the scanner, as delivered."""
    for code, name, kind in [
        ("interview-1", "问诊室", "interview"),
        ("injection-1", "注射室1", "injection"),
        ("injection-2", "注射室2", "injection"),
        ("pet-room", "PET-CT 1", "scanner"),
    ]:
        Room.objects.create(code=code, name_zh=name, name_en=code, kind=kind)
    a_pet_ct.room = Room.objects.get(code="pet-room")
    a_pet_ct.save()
    seed()
    return {point.code: point for point in ServicePoint.objects.all()}


@pytest.fixture
def arrived(
    tuesday_morning: Any, the_desk: Any, an_fdg_item: Any, queues: Any
) -> Callable[..., Exam]:
    """`arrived("陈建国")`: booked for today, here, and in the first queue."""

    def make(name: str = "陈建国", sex: str = "M") -> Exam:
        count = Exam.objects.count()
        patient = register_patient(the_desk, name_zh=name, sex=sex, birth_date=date(1964, 3, 5))
        exam = book_exam(
            the_desk,
            patient=patient,
            item=an_fdg_item,
            starts_at=at(10) + timedelta(minutes=40 * count),
        )
        exam = mark_arrived(the_desk, exam)
        follow(exam)  # what the event does after commit
        return exam

    return make

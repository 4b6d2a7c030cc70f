"""Pytest plugin: a small department at a fixed hour, and examinations in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from hevesy.foundation.accounts.actors import Actor
    from hevesy.records.catalogue.models import ExamItem, ModalityClass, Tracer
    from hevesy.records.equipment.models import Device
    from hevesy.records.exams.models import Exam
    from hevesy.records.patients.models import Patient

SHANGHAI = ZoneInfo("Asia/Shanghai")
TUESDAY = date(2026, 11, 24)


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """A moment of the test's Tuesday (or days later), local time."""
    day = TUESDAY + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SHANGHAI)


@pytest.fixture
def tuesday_morning() -> Iterator[Any]:
    """It is Tuesday 2026-11-24, 08:05, and time goes on from there. Yields the clock: `move_to(moment)`."""
    import time_machine

    with time_machine.travel(at(8, 5)) as clock:
        yield clock


@pytest.fixture
def actor_with(db: None) -> Callable[..., Actor]:
    """`actor_with("exams.book", …)`: an actor without a person that may do exactly this."""
    from hevesy.foundation.accounts.actors import system_actor

    def make(*permissions: str, channel: str = "web") -> Actor:
        return system_actor("a test", *permissions, channel=channel)

    return make


@pytest.fixture
def the_desk(actor_with: Callable[..., Actor]) -> Actor:
    """Somebody who may do everything with patients and examinations."""
    return actor_with(
        "patients.view",
        "patients.edit",
        "patients.merge",
        "exams.view",
        "exams.book",
        "exams.cancel",
        "exams.arrive",
        "exams.interview",
        "exams.acquire",
        "doses.administer",
        "doses.override",
    )


@pytest.fixture
def pet_ct_class(db: None) -> ModalityClass:
    """PET-CT, numbered PT26-00001."""
    from hevesy.records.catalogue.models import ModalityClass

    return ModalityClass.objects.get_or_create(
        code="pet-ct",
        defaults={
            "name_zh": "PET-CT",
            "name_en": "PET-CT",
            "dicom_modalities": ["PT", "CT"],
            "number_template": "PT{yy}-{seq:05}",
            "report_kind": "imaging",
        },
    )[0]


@pytest.fixture
def a_pet_ct(pet_ct_class: ModalityClass) -> Device:
    """A PET-CT with a five-minute grid from 08:00 to 17:30."""
    from hevesy.records.equipment.models import Device

    device, made = Device.objects.get_or_create(
        code="pet-ct-1",
        defaults={
            "name_zh": "PET-CT 1",
            "name_en": "PET-CT 1",
            "kind": "scanner",
            "ae_title": "PETCT1",
        },
    )
    if made:
        device.modality_classes.add(pet_ct_class)
    return Device.objects.get(pk=device.pk)


@pytest.fixture
def fdg(db: None) -> Tracer:
    """F-18 FDG."""
    from hevesy.records.catalogue.models import Nuclide, Tracer

    f18, _made = Nuclide.objects.get_or_create(
        code="F-18",
        defaults={
            "name_zh": "氟-18",
            "name_en": "Fluorine-18",
            "half_life_s": 6586.2,
            "source": "ICRP 107",
        },
    )
    return Tracer.objects.get_or_create(
        code="fdg",
        defaults={
            "name_zh": "氟[18F]脱氧葡糖",
            "name_en": "Fludeoxyglucose F-18",
            "nuclide": f18,
            "short": "FDG",
            "plain": "F-18 FDG",
            "mass_number": "18",
            "element": "F",
            "label": "-FDG",
        },
    )[0]


@pytest.fixture
def core_questions(db: None) -> Any:
    """An interview template with the questions whose answers go onto the examination."""
    from hevesy.records.catalogue.models import InterviewTemplate

    yes_no = {"type": "bool"}
    numbers = [
        ("weight_kg", "体重", "Weight", "kg", 1, 300, True),
        ("height_cm", "身高", "Height", "cm", 30, 230, False),
        ("glucose_mmol_l", "血糖", "Glucose", "mmol/L", 1, 40, False),
        ("fasting_h", "禁食时间", "Fasting", "h", 0, 72, False),
    ]
    questions: list[dict[str, Any]] = [
        {
            "key": key,
            "label_zh": zh,
            "label_en": en,
            "type": "number",
            "unit": unit,
            "min": low,
            "max": high,
            "required": required,
        }
        for key, zh, en, unit, low, high, required in numbers
    ]
    questions.append(
        {"key": "deaf", "label_zh": "听力障碍", "label_en": "Deaf", "flag": "deaf"} | yes_no
    )
    questions.append(
        {
            "key": "pregnancy",
            "label_zh": "妊娠",
            "label_en": "Pregnancy",
            "type": "choice",
            "only_sex": "F",
            "options": [
                {"value": str(n), "label_zh": zh, "label_en": en}
                for n, zh, en in [(1, "无", "no"), (2, "可能", "possible"), (3, "是", "yes")]
            ],
        }
    )
    return InterviewTemplate.objects.get_or_create(
        code="core", defaults={"name_zh": "通用", "name_en": "Core", "questions": questions}
    )[0]


@pytest.fixture
def an_fdg_item(
    pet_ct_class: ModalityClass, a_pet_ct: Device, fdg: Tracer, core_questions: Any
) -> ExamItem:
    """Whole-body FDG PET-CT: 3.7 MBq/kg (185 to 555), 60 min uptake (55 to 75), 25 min scan."""
    from hevesy.records.catalogue.models import ExamItem, ItemPhase

    item, made = ExamItem.objects.get_or_create(
        code="fdg-body",
        defaults={
            "name_zh": "PET-CT 全身肿瘤显像",
            "name_en": "FDG PET-CT whole body",
            "modality_class": pet_ct_class,
            "interview_template": core_questions,
            "preparation_zh": "禁食 6 小时。",
            "scan_min": 25,
        },
    )
    if made:
        ItemPhase.objects.create(
            item=item,
            tracer=fdg,
            activity_mbq=Decimal(300),
            activity_mbq_per_kg=Decimal("3.7"),
            activity_min_mbq=Decimal(185),
            activity_max_mbq=Decimal(555),
            uptake_min=60,
            uptake_earliest_min=55,
            uptake_latest_min=75,
        )
    return item


@pytest.fixture
def a_patient(the_desk: Actor) -> Patient:
    """单雄信, 62 years old."""
    from hevesy.records.patients.actions import register_patient

    return register_patient(
        the_desk, name_zh="单雄信", sex="M", birth_date=date(1964, 3, 8), phone="13800006621"
    )


@pytest.fixture
def another_patient(the_desk: Actor) -> Patient:
    """欧阳雪, 34 years old."""
    from hevesy.records.patients.actions import register_patient

    return register_patient(the_desk, name_zh="欧阳雪", sex="F", birth_date=date(1992, 8, 3))


@pytest.fixture
def an_exam(
    tuesday_morning: Any, the_desk: Actor, a_patient: Patient, an_fdg_item: ExamItem
) -> Exam:
    """A booked FDG PET-CT today at 10:00 (injection 09:00)."""
    from hevesy.records.exams.actions import book_exam

    return book_exam(the_desk, patient=a_patient, item=an_fdg_item, starts_at=at(10))

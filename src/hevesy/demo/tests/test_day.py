"""The demonstration day can be played at any hour of any day; its pictures have tests of their own."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from django.core.management import call_command

from hevesy.demo.clock import Clock, play, played
from hevesy.demo.day import MORNING_MIN, Department
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms import PhantomPair
from hevesy.records.exams.models import Exam
from hevesy.records.reports.models import Report

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = [(25, 0, 37), (25, 6, 58), (27, 17, 20), (28, 23, 52), (30, 3, 5)]
"""Day of November 2026, hour, minute: over midnight, on a Friday evening, on a weekend."""


@pytest.fixture
def demo_department(db: None, settings: pytest.FixtureRequest) -> None:
    settings.DEMO = True
    call_command("seed", verbosity=0)


@pytest.fixture
def small_phantoms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small volumes in place of the computed patient, whose making takes ten seconds."""
    affine = np.diag([20.0, 20.0, 20.0, 1.0])
    block = np.arange(4 * 8 * 8, dtype=np.float32).reshape(4, 8, 8)
    pair = PhantomPair(
        Volume(block, affine, "SUVbw", "PT"),
        Volume(block.astype(np.int16), affine, "HU", "CT"),
        {"lesions": ()},
    )
    monkeypatch.setattr("hevesy.demo.images.make_fdg_phantom", lambda *_seed, **_options: pair)


@pytest.mark.django_db
@pytest.mark.parametrize(("day", "hour", "minute"), HOURS)
def test_the_day_has_patients_in_every_state_at_any_hour(
    demo_department: None, small_phantoms: None, day: int, hour: int, minute: int
) -> None:
    now = dt.datetime(2026, 11, day, hour, minute, 11, tzinfo=ZONE)
    department = Department(now)
    clock = Clock(department.at(MORNING_MIN - 5))

    with played(clock):
        department.open()
        play(department.scripts(), clock, now, lambda _at: None)

    states = set(Exam.objects.values_list("state", flat=True))
    assert {"scheduled", "interviewed", "acquired", "published"} <= states
    assert len(states) >= 8, states
    assert Exam.objects.count() >= 30
    assert Report.objects.filter(state="published").exists()

"""Opening hours of a device, without a database."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from hevesy.records.exams.scheduling import Calendar

ZONE = ZoneInfo("Asia/Shanghai")
WEDNESDAY = dt.date(2026, 11, 25)
FRIDAY = dt.date(2026, 11, 27)
WEEKDAYS = frozenset(range(5))


def at(day: dt.date, hour: int, minute: int) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE)


def calendar(opens: str, closes: str, **more: frozenset[int]) -> Calendar:
    return Calendar(1, 5, dt.time.fromisoformat(opens), dt.time.fromisoformat(closes), ZONE, **more)


@pytest.mark.parametrize(
    ("hour", "minute", "works"),
    [(7, 55, False), (8, 0, True), (17, 10, True), (17, 15, False), (23, 50, False)],
)
def test_a_device_with_hours_works_within_them(hour: int, minute: int, works: bool) -> None:
    day = calendar("08:00", "17:30")

    assert day.is_open(at(WEDNESDAY, hour, minute), 20) is works


@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (12, 0), (23, 40), (23, 50), (23, 55)])
def test_a_device_that_works_day_and_night_works_over_midnight(hour: int, minute: int) -> None:
    always = calendar("00:00", "23:59")

    assert always.is_open(at(WEDNESDAY, hour, minute), 20)


def test_over_midnight_the_next_day_must_be_a_working_day_too() -> None:
    weekdays = calendar("00:00", "23:59", open_weekdays=WEEKDAYS)

    assert weekdays.is_open(at(FRIDAY, 23, 40), 20)  # ends with the day
    assert not weekdays.is_open(at(FRIDAY, 23, 45), 20)


def test_one_that_closes_a_minute_earlier_is_not_used_over_midnight() -> None:
    nearly = calendar("00:00", "23:58")

    assert not nearly.is_open(at(WEDNESDAY, 23, 50), 20)

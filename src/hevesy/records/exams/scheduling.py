"""Fitting the phases of an examination into device calendars: pure rules, no database (clause 2.2).

The patient's times follow from the scanner's: administration = acquisition - uptake; a delayed phase is placed
within its window after the administration; a phase with its own drug follows when the one before has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

MINUTE = timedelta(minutes=1)
NEXT_DRUG_WITHIN_MIN = 180
"""How long after the end of a phase the acquisition with the next drug may be pushed for want of a free slot."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What a phase asks of a calendar. `devices` are the keys of devices that can serve it, best first."""

    number: int
    duration_min: int
    devices: tuple[int, ...]
    administers: bool = True
    acquires: bool = True
    uptake_min: int = 0
    earliest_min: int = 0
    latest_min: int = 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """One device's opening hours and taken cells on its grid of `slot_min` minutes.

    `taken` holds the UTC starts of the cells that are held. With `any_hour` (emergencies) only the grid counts.
    """

    device: int
    slot_min: int
    opens_at: time
    closes_at: time
    zone: tzinfo
    taken: frozenset[datetime] = frozenset()
    open_weekdays: frozenset[int] = frozenset(range(7))
    closed_days: frozenset[date] = frozenset()
    any_hour: bool = False

    def cells(self, starts_at: datetime, duration_min: int) -> list[datetime]:
        """The cells that an acquisition of `duration_min` from `starts_at` would hold."""
        count = max(1, -(-duration_min // self.slot_min))
        return [starts_at + i * self.slot_min * MINUTE for i in range(count)]

    def on_grid(self, starts_at: datetime) -> bool:
        """Whether the time is a cell's beginning."""
        local = starts_at.astimezone(self.zone)
        minutes = local.hour * 60 + local.minute - self.opens_at.hour * 60 - self.opens_at.minute
        return local.second == 0 and local.microsecond == 0 and minutes % self.slot_min == 0

    def is_open(self, starts_at: datetime, duration_min: int) -> bool:
        """Whether the device works then: weekday, no closed day, within its hours.

        Only a device that works day and night is used over midnight.
        """
        if self.any_hour:
            return True
        start = starts_at.astimezone(self.zone)
        end = start + duration_min * MINUTE
        if not self._works_on(start.date()) or start.time() < self.opens_at:
            return False
        if end.date() == start.date():
            return self.day_and_night or end.time() <= self.closes_at
        return self.day_and_night and self._works_on((end - MINUTE).date())

    @property
    def day_and_night(self) -> bool:
        """Opening at 00:00 and closing at 23:59, the last time that can be written, is no closing."""
        return self.opens_at == time(0) and self.closes_at >= time(23, 59)

    def _works_on(self, day: date) -> bool:
        return day.weekday() in self.open_weekdays and day not in self.closed_days

    def is_free(self, starts_at: datetime, duration_min: int) -> bool:
        """Whether none of the cells is taken."""
        return self.taken.isdisjoint(self.cells(starts_at, duration_min))

    def fits(self, starts_at: datetime, duration_min: int) -> bool:
        """On the grid, open and free."""
        return (
            self.on_grid(starts_at)
            and self.is_open(starts_at, duration_min)
            and self.is_free(starts_at, duration_min)
        )

    def grid(self, day: date) -> Iterator[datetime]:
        """Every cell of a day's opening hours, as UTC."""
        moment = datetime.combine(day, self.opens_at, self.zone)
        end = datetime.combine(day, self.closes_at, self.zone)
        while moment < end:
            yield moment.astimezone(UTC)
            moment += self.slot_min * MINUTE


@dataclass(frozen=True, slots=True)
class Placed:
    """A phase with its device and times."""

    phase: Phase
    device: int
    starts_at: datetime
    injects_at: datetime | None

    @property
    def ends_at(self) -> datetime:
        """When the device is free again."""
        return self.starts_at + self.phase.duration_min * MINUTE


@dataclass(frozen=True, slots=True)
class Chain:
    """All phases of an examination, placed."""

    steps: tuple[Placed, ...]
    taken: Mapping[int, frozenset[datetime]] = field(default_factory=dict)

    @property
    def starts_at(self) -> datetime:
        """When the first phase begins on its device."""
        return self.steps[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When the last phase ends."""
        return self.steps[-1].ends_at

    @property
    def injects_at(self) -> datetime | None:
        """The first administration, if there is one."""
        times = [step.injects_at for step in self.steps if step.injects_at]
        return min(times) if times else None

    def arrives_at(self, before_min: int) -> datetime:
        """When the patient should be at the desk."""
        return (self.injects_at or self.starts_at) - before_min * MINUTE


def place(
    phases: Sequence[Phase], starts_at: datetime, calendars: Mapping[int, Calendar]
) -> Chain | None:
    """Place all phases with the first acquisition at `starts_at`; None when one finds no free device in its window.

    The first phase is never moved; later ones take the free slot nearest to their ideal time.
    """
    steps: list[Placed] = []
    used: dict[int, set[datetime]] = {}
    injected = ended = None

    for phase in phases:
        if not steps:
            moments: Iterator[datetime] = iter([starts_at])
        elif phase.administers and phase.acquires:
            assert ended is not None
            moments = _outwards(ended + phase.uptake_min * MINUTE, 0, NEXT_DRUG_WITHIN_MIN)
        elif phase.administers or injected is None:
            assert ended is not None
            moments = _outwards(ended, 0, NEXT_DRUG_WITHIN_MIN)
        else:
            ideal = injected + phase.uptake_min * MINUTE
            moments = _outwards(
                ideal,
                phase.uptake_min - phase.earliest_min,
                max(phase.latest_min - phase.uptake_min, 0),
            )
        placed = _first_fit(phase, moments, calendars, used, not_before=ended)
        if placed is None:
            return None
        if phase.administers:
            wait = phase.uptake_min if phase.acquires else 0
            injected = placed.starts_at - wait * MINUTE
            placed = Placed(phase, placed.device, placed.starts_at, injected)
        ended = placed.ends_at
        cells = calendars[placed.device].cells(placed.starts_at, phase.duration_min)
        used.setdefault(placed.device, set()).update(cells)
        steps.append(placed)
    return Chain(tuple(steps), {device: frozenset(cells) for device, cells in used.items()})


def _first_fit(
    phase: Phase,
    moments: Iterator[datetime],
    calendars: Mapping[int, Calendar],
    used: Mapping[int, set[datetime]],
    not_before: datetime | None,
) -> Placed | None:
    for moment in moments:
        if not_before is not None and moment < not_before:
            continue
        for device in phase.devices:
            calendar = calendars[device]
            own = used.get(device, set())
            if calendar.fits(moment, phase.duration_min) and own.isdisjoint(
                calendar.cells(moment, phase.duration_min)
            ):
                return Placed(phase, device, moment, None)
    return None


def _outwards(ideal: datetime, before_min: int, after_min: int) -> Iterator[datetime]:
    """Minutes around the ideal one, the nearest first, later before earlier; on whole minutes."""
    ideal = ideal.replace(second=0, microsecond=0)
    yield ideal
    for distance in range(1, max(before_min, after_min) + 1):
        if distance <= after_min:
            yield ideal + distance * MINUTE
        if distance <= before_min:
            yield ideal - distance * MINUTE

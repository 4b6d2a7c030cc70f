"""Activity over the day: what the vials hold against what is still to be given, and one vial with its draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from hevesy.desks.radiopharmacy.boards import BatchRow, DemandRow
from hevesy.foundation.ui.drawings import Timeline
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import states, stock
from hevesy.records.doses.models import Batch

EVERY = timedelta(minutes=5)
BEFORE, AFTER = timedelta(minutes=30), timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Supply:
    """One tracer of today: held and needed at this moment in MBq, and both over the day."""

    tracer: Tracer
    held_mbq: float
    need_mbq: float
    waiting: int
    timeline: Timeline | None

    @property
    def spare_mbq(self) -> float:
        """What is left over; negative when another batch is wanted."""
        return self.held_mbq - self.need_mbq

    @property
    def is_short(self) -> bool:
        """Whether the vials do not suffice for everybody who waits."""
        return self.spare_mbq < 0


def supplies(rows: Sequence[BatchRow], demand: Sequence[DemandRow], now: datetime) -> list[Supply]:
    """Supply and need of each tracer that somebody waits for or that lies in a vial, the busiest first."""
    tracers: dict[int, Tracer] = {}
    for row in demand:
        if row.step.tracer is not None:
            tracers[row.step.tracer.pk] = row.step.tracer
    for batch_row in rows:
        if batch_row.is_open:
            tracers.setdefault(batch_row.batch.tracer_id, batch_row.batch.tracer)
    found = [_supply(tracer, rows, demand, now) for tracer in tracers.values()]
    return sorted(found, key=lambda one: (-one.waiting, -one.held_mbq, one.tracer.pk))


def _supply(
    tracer: Tracer, rows: Sequence[BatchRow], demand: Sequence[DemandRow], now: datetime
) -> Supply:
    batches = [
        row.batch
        for row in rows
        if row.batch.tracer_id == tracer.pk and row.batch.state == states.RELEASED
    ]
    half_life_s = tracer.nuclide.half_life_s
    wanted = [
        (max(row.due_at or now, now), row.planned_mbq)
        for row in demand
        if row.step.tracer_id == tracer.pk and row.planned_mbq
    ]

    def held(at: datetime) -> float:
        return sum(
            stock.remaining(batch, batch.units.all(), at).activity_mbq
            for batch in batches
            if at <= batch.expires_at
        )

    def needed(at: datetime) -> float:
        """Every later dose at its order, decayed back to `at`: it falls as the vials do, so both compare."""
        return sum(
            activity_at(mbq, measured_at=due, at=at, half_life_s=half_life_s)
            for due, mbq in wanted
            if due >= at
        )

    timeline = None
    if batches:
        start = now - BEFORE
        end = max([now + AFTER, *(due for due, _mbq in wanted)]) + BEFORE
        moments = [start + EVERY * number for number in range(int((end - start) / EVERY) + 1)]
        timeline = Timeline(
            start=start,
            end=end,
            rows=[],
            label=_("%(tracer)s: activity in the vials and activity still needed")
            % {"tracer": tracer.plain},
            now=now,
            supply=[(at, held(at) / 1000) for at in moments],
            need=[(at, needed(at) / 1000) for at in moments],
            curve_label=_("Supply and need"),
            unit="GBq",
            width=720,
        )
    return Supply(tracer, held(now), needed(now), len(wanted), timeline)


def vial(batch: Batch, now: datetime) -> Timeline:
    """One vial from its reference time to its expiry; drawn doses are steps down."""
    start, end = batch.reference_at, max(batch.expires_at, batch.reference_at + timedelta(hours=1))
    units = list(batch.units.all())
    pace = max((end - start) / 120, timedelta(minutes=1))
    moments = {start + pace * number for number in range(int((end - start) / pace) + 1)}
    for unit in units:
        moments |= {unit.dispensed_at, unit.dispensed_at - timedelta(seconds=1)}
    points = []
    for at in sorted(moment for moment in moments if start <= moment <= end):
        drawn = [unit for unit in units if unit.dispensed_at <= at]
        points.append((at, stock.remaining(batch, drawn, at).activity_mbq / 1000))
    return Timeline(
        start=start,
        end=end,
        rows=[],
        label=_("Activity of %(batch)s over its life") % {"batch": batch.number},
        now=now,
        supply=points,
        curve_label=_("In the vial"),
        unit="GBq",
        width=720,
    )

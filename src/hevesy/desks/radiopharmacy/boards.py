"""What the pages of the hot laboratory show: batches with what is left now, waiting doses, units drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.ui.chips import Chip
from hevesy.imaging.quantify.decay import activity_at, draw_volume_ml
from hevesy.records.doses import qc, queries, states, stock
from hevesy.records.doses.checks import planned_mbq
from hevesy.records.doses.models import Batch, DispensedUnit, DoseRequest
from hevesy.records.exams.models import ExamStep

_BATCH_LOOK = {
    states.RECORDED: ("amber", "hourglass"),
    states.RELEASED: ("ok", "shield-check"),
    states.REJECTED: ("cancelled", "ban"),
    states.EXPIRED: ("plain", "clock-exclamation"),
    states.USED_UP: ("plain", "circle-check"),
    states.RECALLED: ("red", "alert-octagon"),
}
_UNIT_LOOK = {
    states.DISPENSED: ("info", "vaccine"),
    states.RECEIVED: ("arrived", "map-pin-check"),
    states.ADMINISTERED: ("ok", "circle-check"),
    states.RETURNED: ("amber", "arrow-back-up"),
    states.DISCARDED: ("cancelled", "recycle"),
}
EXPIRES_SOON = timedelta(minutes=60)


def batch_chip(batch: Batch, wanted: Sequence[qc.QualityTest] | None = None) -> Chip:
    """The state of a batch as icon and word."""
    key, icon = _BATCH_LOOK[batch.state]
    word = batch.state_label
    if batch.state == states.RELEASED and qc.pending(batch, wanted):
        # Usual for short-lived drugs: sterility and endotoxin come after the patient (GMP annex, NMPA 2006).
        word = pgettext("batch state", "released on condition")
    return Chip(key, word, icon)


def unit_chip(unit: DispensedUnit) -> Chip:
    """The state of a unit as icon and word."""
    key, icon = _UNIT_LOOK[unit.state]
    return Chip(key, unit.state_label, icon)


def span(minutes: int) -> str:
    """A stretch of time as people say it: 3 h 20 min."""
    if minutes >= 2880:
        return _("%(days)d days") % {"days": minutes // 1440}
    if minutes >= 60:
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}
    return _("%(minutes)d min") % {"minutes": minutes}


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A batch with what the vial holds at `now`."""

    batch: Batch
    now: datetime
    chip: Chip
    left: stock.Remaining
    units: int
    need_mbq: float = 0.0
    """What waiting patients need of its tracer, decayed or grown to `now`."""
    waiting: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something may still be drawn, now or after the release."""
        return self.batch.state in (states.RECORDED, states.RELEASED)

    @property
    def minutes_left(self) -> int:
        """Whole minutes until the expiry; negative past it."""
        return int((self.batch.expires_at - self.now).total_seconds() // 60)

    @property
    def life(self) -> str:
        """How long it may still be used, in words."""
        if self.minutes_left < 0:
            return pgettext("batch", "expired")
        return _("%(span)s left") % {"span": span(self.minutes_left)}

    @property
    def life_percent(self) -> int:
        """How much of the shelf life is left."""
        whole = (self.batch.expires_at - self.batch.reference_at).total_seconds()
        rest = (self.batch.expires_at - self.now).total_seconds()
        return max(0, min(100, round(100 * rest / whole))) if whole > 0 else 0

    @property
    def life_tone(self) -> str:
        """Red within the last hour."""
        return "red" if self.is_open and self.batch.expires_at - self.now < EXPIRES_SOON else "ok"

    @property
    def volume_percent(self) -> int:
        """How much of the volume is left."""
        return round(100 * self.left.volume_ml / float(self.batch.volume_ml))


@dataclass(frozen=True, slots=True)
class DemandRow:
    """A step whose dose is still to be drawn."""

    step: ExamStep
    due_at: datetime | None
    planned_mbq: float | None
    request: DoseRequest | None
    tone: str


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit with what it holds now."""

    unit: DispensedUnit
    chip: Chip
    is_usable: bool


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the home page shows."""

    now: datetime
    batches: list[BatchRow]
    demand: list[DemandRow]
    units: list[UnitRow]

    @property
    def requested(self) -> int:
        """How many doses the injection room has asked for."""
        return sum(1 for row in self.demand if row.request)

    @property
    def unreleased(self) -> int:
        """How many batches wait for a second person."""
        return sum(1 for row in self.batches if row.batch.state == states.RECORDED)

    @property
    def usable(self) -> int:
        """How many units are drawn and not given."""
        return sum(1 for row in self.units if row.is_usable)

    @property
    def given(self) -> int:
        """How many units of today were given."""
        return sum(1 for row in self.units if row.unit.state == states.ADMINISTERED)


def waiting(by: Actor, now: datetime | None = None) -> list[DemandRow]:
    """Steps of today without a usable unit: asked-for ones first, then by the time they are due."""
    now = now or timezone.now()
    rows = []
    for step in queries.demand(by):
        if step.usable_units:  # type: ignore[attr-defined]
            continue
        due = queries.injection_due(step)
        asked = next(iter(step.open_requests), None)  # type: ignore[attr-defined]
        late = due is not None and due < now
        tone = "is-red" if asked and late else "is-amber" if asked else ""
        rows.append(DemandRow(step, due, planned_mbq(step), asked, tone))
    return sorted(rows, key=lambda row: (row.request is None, row.due_at or now, row.step.pk))


def _needed_now(step: ExamStep, wanted: float | None, due: datetime | None, now: datetime) -> float:
    if wanted is None or step.tracer is None:
        return 0.0
    at = max(due or now, now)
    return activity_at(wanted, measured_at=at, at=now, half_life_s=step.tracer.nuclide.half_life_s)


def batch_rows(batches: Iterable[Batch], demand: list[DemandRow], now: datetime) -> list[BatchRow]:
    """Batches with what is left and what is needed of their tracer."""
    rows = []
    wanted: dict[str, list[qc.QualityTest]] = {}
    for batch in batches:
        short = batch.tracer.short
        if short not in wanted:
            wanted[short] = qc.tests_for(short)
        units = list(batch.units.all())
        same = [row for row in demand if row.step.tracer_id == batch.tracer_id]
        need = sum(_needed_now(row.step, row.planned_mbq, row.due_at, now) for row in same)
        left = stock.remaining(batch, units, now)
        rows.append(
            BatchRow(
                batch, now, batch_chip(batch, wanted[short]), left, len(units), need, len(same)
            )
        )
    return rows


def unit_rows(units: Iterable[DispensedUnit]) -> list[UnitRow]:
    """Units with chips, the latest first."""
    found = sorted(units, key=lambda unit: unit.pk, reverse=True)
    return [UnitRow(unit, unit_chip(unit), unit.state in states.USABLE) for unit in found]


def board(by: Actor) -> Board:
    """The hot laboratory at this moment."""
    now = timezone.now()
    demand = waiting(by, now)
    rows = batch_rows(queries.batches(by), demand, now)
    order = {states.RELEASED: 0, states.RECORDED: 1}
    rows.sort(key=lambda row: order.get(row.batch.state, 2))
    today = timezone.localdate(now)
    units = []
    for row in rows:
        for unit in row.batch.units.all():
            unit.batch = row.batch
            if timezone.localdate(unit.dispensed_at) == today:
                units.append(unit)
    return Board(now, rows, demand, unit_rows(units))


@dataclass(frozen=True, slots=True)
class Choice:
    """A batch that a dose may be drawn from, with the volume to draw; None where it does not hold enough."""

    row: BatchRow
    volume_ml: float | None
    chosen: bool


def choices(
    by: Actor, step: ExamStep, wanted: float | None, due: datetime, chosen: str = ""
) -> list[Choice]:
    """Released, unexpired batches of the step's tracer, the latest first; the first that suffices is chosen."""
    now = timezone.now()
    fit = [
        batch
        for batch in queries.batches(by)
        if batch.tracer_id == step.tracer_id
        and batch.state == states.RELEASED
        and batch.expires_at > max(now, due)
    ]
    found: list[tuple[BatchRow, float | None]] = []
    for row in batch_rows(fit, [], now):
        found.append((row, suggested_ml(row, wanted, due)))
    enough = next((row.batch.number for row, ml in found if ml is not None), "")
    if chosen not in [row.batch.number for row, _ml in found]:
        chosen = enough or (found[0][0].batch.number if found else "")
    return [Choice(row, ml, row.batch.number == chosen) for row, ml in found]


def suggested_ml(row: BatchRow, wanted: float | None, due: datetime) -> float | None:
    """The volume that holds the wanted activity when it is due, in mL; None if the vial has not as much."""
    if not wanted or row.left.volume_ml <= 0:
        return None
    try:
        volume = draw_volume_ml(
            wanted_mbq=wanted,
            wanted_at=due,
            vial_mbq=row.batch.activity_mbq,
            vial_ml=row.batch.volume_ml,
            vial_at=row.batch.reference_at,
            half_life_s=row.batch.half_life_s,
        )
    except ValueError:
        return None
    return volume if volume <= row.left.volume_ml else None

"""Whether the tracer will suffice: what the vials hold over the day against what is booked (clause 2.2).

Both are activities at the same moment: a vial's remaining activity decays, and what a later injection needs was more
earlier. Where need lies above supply, somebody gets too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.ui.drawings import Delivery
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import queries as doses
from hevesy.records.doses import states, stock
from hevesy.records.doses.models import Batch

PACE = timedelta(minutes=10)
MBQ_PER_GBQ = 1000.0


@dataclass(frozen=True, slots=True)
class Wish:
    """An injection to come: when and how much."""

    at: datetime
    activity_mbq: float


@dataclass(frozen=True, slots=True)
class Supply:
    """The day of one tracer. Curves in GBq; `available_mbq` and `others_mbq` at the person's injection."""

    tracer: Tracer
    available: list[tuple[datetime, float]]
    need: list[tuple[datetime, float]]
    need_with: list[tuple[datetime, float]]
    deliveries: list[Delivery]
    at: datetime
    available_mbq: float
    others_mbq: float
    wanted_mbq: float

    @property
    def enough(self) -> bool:
        """Whether this person and everybody later can be given what is planned."""
        return self.wanted_mbq + self.others_mbq <= self.available_mbq


def supply(
    by: Actor,
    tracer: Tracer,
    own: Sequence[Wish],
    begin: datetime,
    end: datetime,
    *,
    but_exam: int | None = None,
) -> Supply | None:
    """The tracer's day with this person's injections `own`; None when no batch is known or nothing is wanted."""
    if not own or not by.may("doses.view"):
        return None
    half_life_s = tracer.nuclide.half_life_s
    day = timezone.localdate(own[0].at)
    batches = [
        batch
        for batch in doses.batches(by, day=day)
        if batch.tracer_id == tracer.pk
        and batch.state in (states.RECORDED, states.RELEASED)
        and timezone.localdate(batch.reference_at) == day
    ]
    if not batches:
        return None
    others = [
        Wish(due, float(step.planned_activity_mbq))
        for step in doses.demand(by, day=day)
        if step.tracer_id == tracer.pk
        and step.planned_activity_mbq
        and step.exam_id != but_exam
        and (due := doses.injection_due(step)) is not None
    ]

    def needed(wishes: Sequence[Wish], moment: datetime) -> float:
        return sum(
            activity_at(wish.activity_mbq, measured_at=wish.at, at=moment, half_life_s=half_life_s)
            for wish in wishes
            if wish.at >= moment
        )

    moments = [begin + n * PACE for n in range(int((end - begin) / PACE) + 1)]
    first = own[0]
    return Supply(
        tracer=tracer,
        available=[(moment, _held(batches, moment) / MBQ_PER_GBQ) for moment in moments],
        need=[(moment, needed(others, moment) / MBQ_PER_GBQ) for moment in moments],
        need_with=[(moment, needed([*others, *own], moment) / MBQ_PER_GBQ) for moment in moments],
        deliveries=[
            Delivery(batch.reference_at, batch.number)
            for batch in batches
            if begin < batch.reference_at < end
        ],
        at=first.at,
        available_mbq=_held(batches, first.at),
        others_mbq=needed([wish for wish in others if wish.at >= first.at], first.at),
        wanted_mbq=first.activity_mbq,
    )


def _held(batches: Sequence[Batch], moment: datetime) -> float:
    """What the usable vials hold at a moment, in MBq."""
    return sum(
        stock.remaining(batch, batch.units.all(), moment).activity_mbq
        for batch in batches
        if batch.reference_at <= moment <= batch.expires_at
    )

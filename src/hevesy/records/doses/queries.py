"""What pages, reports and gateways read of doses: stock, demand, trace in both directions (clauses 9.1, 9.4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.doses import states, stock
from hevesy.records.doses.models import (
    Administration,
    Assay,
    Batch,
    DispensedUnit,
    DoseRequest,
    Lot,
)
from hevesy.records.exams.models import Exam, ExamStep

UNITS = DispensedUnit.objects.select_related(
    "step__exam__patient", "dispensed_by", "administration"
).prefetch_related("assays")


def _day(day: date) -> tuple[datetime, datetime]:
    start = timezone.make_aware(datetime.combine(day, time()))
    return start, start + timedelta(days=1)


def batches(by: Actor, *, day: date | None = None) -> list[Batch]:
    """Batches of the day and older ones that can still be dispensed, newest first, with units and assays."""
    by.require("doses.view")
    start, end = _day(day or timezone.localdate())
    found = (
        Batch.objects.filter(
            Q(created_at__gte=start, created_at__lt=end)
            | Q(state__in=(states.RECORDED, states.RELEASED))
        )
        .select_related("tracer__nuclide", "created_by", "released_by")
        .prefetch_related(Prefetch("units", queryset=UNITS.order_by("id")), "lots")
        .order_by("-created_at", "-id")
    )
    return list(found)


def batch(by: Actor, number: str) -> Batch | None:
    """A batch with everything that hangs on it."""
    by.require("doses.view")
    return (
        Batch.objects.filter(number=number)
        .select_related("tracer__nuclide", "created_by", "released_by")
        .prefetch_related(Prefetch("units", queryset=UNITS.order_by("id")), "lots")
        .first()
    )


def unit_by_code(code: str) -> DispensedUnit | None:
    """The unit whose QR code was scanned."""
    return _units().filter(code=code).first()


def unit_by_number(number: str) -> DispensedUnit | None:
    """The unit whose printed number was typed."""
    return _units().filter(number=number.strip().upper()).first()


def _units() -> QuerySet[DispensedUnit]:
    return DispensedUnit.objects.select_related(
        "batch__tracer__nuclide", "step__exam__patient", "step__exam__item", "step__tracer"
    ).prefetch_related("assays")


def administered(step: ExamStep) -> Administration | None:
    """The last administration of the step with its unit and assays; `best_mbq` and `is_provisional` say the rest."""
    return administrations([step.pk]).order_by("-started_at", "-id").first()


def administrations(step_ids: Iterable[int]) -> QuerySet[Administration]:
    """Administrations of the steps, in order of time, ready for reading."""
    return (
        Administration.objects.filter(step__in=list(step_ids))
        .select_related("unit__batch__tracer__nuclide", "step", "by", "second")
        .prefetch_related("unit__assays", "reactions", "corrections")
        .order_by("started_at", "id")
    )


def exam_administrations(exam: Exam) -> list[Administration]:
    """Everything that was administered in the exam."""
    return list(administrations(exam.steps.values_list("pk", flat=True)))


def demand(by: Actor, *, day: date | None = None) -> list[ExamStep]:
    """Steps of the day that need a dose and have not got it, by time; with units, open requests and patient."""
    by.require("doses.view")
    start, end = _day(day or timezone.localdate())
    requests = DoseRequest.objects.filter(closed_at=None)
    usable = DispensedUnit.objects.filter(state__in=states.USABLE).select_related("batch")
    return list(
        ExamStep.objects.filter(
            starts_at__gte=start,
            starts_at__lt=end,
            tracer__isnull=False,
            administers=True,
            administered_at=None,
            state__in=("planned", "ready", "acquiring"),
        )
        .exclude(exam__visit_state__in=("cancelled", "no_show", "ordered"))
        .select_related("exam__patient", "exam__item", "tracer__nuclide", "phase", "device")
        .prefetch_related(
            Prefetch("units", queryset=usable, to_attr="usable_units"),
            Prefetch("dose_requests", queryset=requests, to_attr="open_requests"),
        )
        .order_by("starts_at", "id")
    )


def injection_due(step: ExamStep) -> datetime | None:
    """When the dose is meant to be given: the scan's start minus the uptake time."""
    if step.starts_at is None:
        return None
    return step.starts_at - timedelta(minutes=step.uptake_min or 0)


def recipients(by: Actor, batches_of: Iterable[Batch]) -> list[Administration]:
    """Forward trace: everybody who was given something of these batches (a recall needs this within seconds)."""
    by.require("doses.view")
    return list(
        Administration.objects.filter(unit__batch__in=list(batches_of))
        .select_related("unit__batch", "step__exam__patient", "by")
        .prefetch_related("unit__assays")
        .order_by("started_at", "id")
    )


def recipients_of_lot(by: Actor, lot: Lot) -> list[Administration]:
    """Forward trace from a material: lot → batches → units → patients."""
    return recipients(by, lot.batches.all())


def origin(by: Actor, exam: Exam) -> list[Administration]:
    """Back trace of an exam: each administration with unit, batch, lots, quality readings, maker and releaser."""
    by.require("doses.view")
    return list(
        Administration.objects.filter(step__exam=exam)
        .select_related(
            "unit__batch__tracer__nuclide",
            "unit__batch__created_by",
            "unit__batch__released_by",
            "unit__dispensed_by",
            "step",
            "by",
        )
        .prefetch_related("unit__batch__lots", "unit__assays", "reactions", "corrections")
        .order_by("started_at", "id")
    )


def balance(batch: Batch, at: datetime) -> stock.Balance:
    """Where the batch's activity went, decayed to `at` (H6). `batch` with units, assays and administrations."""

    def decayed(assay: Assay | None) -> float:
        if assay is None:
            return 0.0
        return activity_at(
            assay.activity_mbq, measured_at=assay.at, at=at, half_life_s=batch.half_life_s
        )

    units = list(batch.units.all())
    injected = residual = returned = waste = unused = 0.0
    for unit in units:
        drawn = decayed(stock.first_assay(unit))
        if unit.state == states.ADMINISTERED:
            rest = decayed(unit.latest(Assay.Kind.POST))
            injected += drawn - rest
            residual += rest
        elif unit.state == states.RETURNED:
            returned += drawn
        elif unit.state == states.DISCARDED:
            waste += drawn
        else:
            unused += drawn
    left = stock.remaining(batch, units, at)
    return stock.Balance(
        produced_mbq=left.produced_mbq,
        injected_mbq=injected,
        residual_mbq=residual,
        returned_mbq=returned,
        waste_mbq=waste,
        unused_mbq=unused,
        left_mbq=left.concentration_mbq_per_ml * left.volume_ml,
    )

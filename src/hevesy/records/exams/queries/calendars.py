"""Device calendars for the scheduling rules: what is open and what is held."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

from django.utils import timezone

from hevesy.records.catalogue.models import ExamItem, ItemPhase
from hevesy.records.catalogue.queries import policies
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep, SlotHold
from hevesy.records.exams.scheduling import Calendar, Phase


def devices_for(item: ExamItem) -> list[Device]:
    """Devices in service that belong to the item's modality class, in their order."""
    return list(
        Device.objects.filter(
            active=True,
            availability=Device.Availability.IN_SERVICE,
            modality_classes=item.modality_class_id,
        ).order_by("sort", "id")
    )


def phases_of(
    item: ExamItem,
    devices: Sequence[Device],
    prefer: Collection[Device] = (),
    steps: Sequence[ExamStep] | None = None,
) -> list[Phase]:
    """The item's phases as the scheduling rules want them; an item without phases is one acquisition.

    A phase that acquires needs a scanner (or another device of the class when the class has no scanner); a phase
    that only administers may happen at any place of the class, therapy places before scanners. With `steps` (of an
    examination being rescheduled) the phases are those it was booked with, whatever the item says now.
    """
    scanners = [device for device in devices if device.kind == Device.Kind.SCANNER]
    places = [device for device in devices if device.kind != Device.Kind.SCANNER]

    def serving(acquires: bool) -> tuple[int, ...]:
        able = (scanners or places) if acquires else (places or scanners)
        # A chosen device is meant, not a hint; only phases it cannot serve go elsewhere.
        chosen = [device for device in able if device in prefer]
        return tuple(device.pk for device in chosen or able)

    def phase(row: ItemPhase | ExamStep, acquires: bool, duration_min: int) -> Phase:
        target = row.uptake_min or 0
        earliest, latest = row.uptake_earliest_min, row.uptake_latest_min
        return Phase(
            number=row.number,
            duration_min=duration_min,
            devices=serving(acquires),
            administers=row.administers,
            acquires=acquires,
            uptake_min=target,
            earliest_min=target if earliest is None else earliest,
            latest_min=target + 30 if latest is None else latest,
        )

    if steps:
        return [
            phase(step, step.phase.acquires if step.phase else True, step.duration_min)
            for step in steps
        ]
    rows = [phase(row, row.acquires, row.scan_min or item.scan_min) for row in item.phases.all()]
    return rows or [Phase(1, item.scan_min, serving(True), administers=False)]


def calendars(
    devices: Iterable[Device],
    first: datetime,
    last: datetime,
    *,
    any_hour: bool = False,
    but_exam: int | None = None,
) -> dict[int, Calendar]:
    """The calendars of some devices between two moments; the holds of `but_exam` count as free (rescheduling)."""
    devices = list(devices)
    holds = SlotHold.objects.filter(
        device__in=devices, starts_at__gte=first, starts_at__lte=last
    ).exclude(step__exam=but_exam)
    taken: dict[int, set[datetime]] = {device.pk: set() for device in devices}
    for device, moment in holds.values_list("device_id", "starts_at"):
        taken[device].add(moment)
    rules = policies(weekdays="booking.open_weekdays", closed="booking.closed_days")
    weekdays = frozenset(rules["weekdays"] if rules["weekdays"] is not None else range(7))
    closed = frozenset(date.fromisoformat(day) for day in rules["closed"] or ())
    zone = timezone.get_current_timezone()
    return {
        device.pk: Calendar(
            device=device.pk,
            slot_min=device.slot_min,
            opens_at=device.opens_at,
            closes_at=device.closes_at,
            zone=zone,
            taken=frozenset(taken[device.pk]),
            open_weekdays=weekdays,
            closed_days=closed,
            any_hour=any_hour,
        )
        for device in devices
    }


def reach(phases: Sequence[Phase]) -> timedelta:
    """How long after its first acquisition an examination may still hold a device, at most."""
    minutes = sum(phase.duration_min + 180 for phase in phases)
    return timedelta(minutes=minutes + sum(phase.latest_min for phase in phases))

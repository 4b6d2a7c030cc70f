"""The day of the devices that can do an examination, drawn on one axis, with the chosen chain in it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.ui.drawings import Span, Timeline, TimelineRow
from hevesy.records.catalogue.models import Room
from hevesy.records.exams.models import ExamStep

if TYPE_CHECKING:
    from hevesy.desks.registration.chooser import Chooser
    from hevesy.desks.registration.supply import Supply

STRETCH = timedelta(minutes=20)
INJECTION = timedelta(minutes=10)
MOST_DEVICES = 6


def hours(chooser: Chooser) -> tuple[datetime, datetime]:
    """From the first device's opening to the last one's closing on the chosen day."""
    devices = chooser.devices[:MOST_DEVICES]
    return (
        timezone.make_aware(datetime.combine(chooser.day, min(d.opens_at for d in devices))),
        timezone.make_aware(datetime.combine(chooser.day, max(d.closes_at for d in devices))),
    )


def draw(chooser: Chooser, width: int, supply: Supply | None) -> Timeline | None:
    """What is taken on each device, when others are injected, how full the uptake rooms are, and this person."""
    devices = chooser.devices[:MOST_DEVICES]
    if not devices or chooser.item is None:
        return None
    begin, end = hours(chooser)
    steps = _steps(chooser)
    chosen = chooser.chosen
    spans: dict[int, list[Span]] = {device.pk: [] for device in devices}
    injections: list[Span] = []
    waits: list[tuple[datetime, datetime]] = []
    for step in steps:
        assert step.starts_at is not None
        until = step.starts_at + timedelta(minutes=step.duration_min)
        if step.device_id in spans:
            spans[step.device_id].append(Span(step.starts_at, until, title=_words(step)))
        if step.administers and step.uptake_min:
            given = step.administered_at or step.starts_at - timedelta(minutes=step.uptake_min)
            injections.append(Span(given, given + INJECTION))
            waits.append((given, step.starts_at))
    chain: list[tuple[int, Span]] = []
    row_of = {device.pk: number for number, device in enumerate(devices)}
    injection_row = len(devices)
    if chosen is not None:
        name = chooser.patient.name_zh[:1] if chooser.patient else ""
        for placed in chosen.chain.steps:
            if placed.injects_at and placed.phase.acquires and placed.phase.uptake_min:
                span = Span(placed.injects_at, placed.injects_at + INJECTION, "chosen")
                injections.append(span)
                chain.append((injection_row, span))
                waits.append((placed.injects_at, placed.starts_at))
            if placed.device in spans:
                span = Span(placed.starts_at, placed.ends_at, "chosen", name)
                spans[placed.device].append(span)
                chain.append((row_of[placed.device], span))
    same_day = all(begin <= span.start <= end for _row, span in chain)
    rows = [TimelineRow(device.name, spans[device.pk]) for device in devices]
    if injections:
        rows.append(TimelineRow(_("Injection"), injections))
        begin = min(
            [begin, *(span.start for span in injections if span.start.date() == begin.date())]
        )
    if waits:
        rows.append(_uptake_row(waits, begin, end))
    now = timezone.now()
    return Timeline(
        start=begin,
        end=end,
        rows=rows,
        label=_("The day of the devices, %(day)s") % {"day": f"{chooser.day:%Y-%m-%d}"},
        now=now if begin <= now <= end else None,
        chain=chain if same_day and len(chain) > 1 else (),
        width=width,
        supply=supply.available if supply else (),
        need=supply.need if supply else (),
        need_with=supply.need_with if supply else (),
        deliveries=supply.deliveries if supply else (),
        curve_label=supply.tracer.short if supply else "",
        unit="GBq",
    )


def _steps(chooser: Chooser) -> list[ExamStep]:
    day = timezone.make_aware(datetime.combine(chooser.day, time()))
    steps = ExamStep.objects.filter(
        device__in=chooser.devices,
        starts_at__gte=day,
        starts_at__lt=day + timedelta(days=1),
        exam__visit_state__in=("scheduled", "arrived", "interviewed"),
    ).exclude(state="discontinued")
    if chooser.exam is not None:
        steps = steps.exclude(exam=chooser.exam)
    return list(steps.select_related("exam__item"))


def _words(step: ExamStep) -> str:
    # No name: the drawing may be seen from the other side of the desk.
    assert step.starts_at is not None
    return f"{timezone.localtime(step.starts_at):%H:%M} {step.exam.item.name}"


def _uptake_row(
    waits: list[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> TimelineRow:
    places = sum(Room.objects.filter(kind=Room.Kind.UPTAKE).values_list("capacity", flat=True)) or 1
    load = []
    moment = begin
    while moment < end:
        until = moment + STRETCH
        count = sum(1 for start, stop in waits if start < until and stop > moment)
        if count:
            load.append((moment, until, count / places))
        moment = until
    return TimelineRow(_("Uptake, %(n)d places") % {"n": places}, load=load)

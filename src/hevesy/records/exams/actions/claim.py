"""Taking a time on devices: locked, judged by what is there now, held; or refused with what to do (clause 2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.records.catalogue.models import ExamItem
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import Exam, ExamStep, SlotHold
from hevesy.records.exams.queries.calendars import calendars, devices_for, phases_of, reach
from hevesy.records.exams.queries.slots import Option, first_free
from hevesy.records.exams.scheduling import MINUTE, Chain, place
from hevesy.records.patients.models import Patient

LATE_ENTRY = timedelta(minutes=15)
"""A booking typed a little after its time is still a booking; older ones are a mistake of the date."""


class BookingRefused(Refused):
    """Nothing was booked; the message says why and what to do."""


class SlotTaken(BookingRefused):
    """The time is not free. `next_free` is the next bookable option, or None."""

    def __init__(self, message: str, next_free: Option | None) -> None:
        self.next_free = next_free
        if next_free is not None:
            message += " " + _("The next free time is %(time)s on %(device)s.") % {
                "time": when(next_free.starts_at),
                "device": next_free.device.name,
            }
        else:
            message += " " + _("No time is free in the next three weeks.")
        super().__init__(message)


class AlreadyBooked(BookingRefused):
    """The same examination of the same patient holds this time already: a second click. `exam` is the first."""

    def __init__(self, exam: Exam) -> None:
        self.exam = exam
        super().__init__(
            _("This is booked already: %(number)s. Nothing was booked twice.")
            % {"number": exam.number}
        )


def claim(
    by: Actor,
    item: ExamItem,
    device: Device | None,
    starts_at: datetime,
    *,
    emergency: bool,
    patient: Patient | None = None,
    but_exam: Exam | None = None,
) -> Chain:
    """Lock the devices, read their calendars as they are now, place the phases or say why not."""
    check_time(by, starts_at)
    devices = devices_for(item)
    if device is not None and device not in devices:
        if device.availability != Device.Availability.IN_SERVICE or not device.active:
            raise BookingRefused(
                _("%(device)s is out of service. Please choose another device.")
                % {"device": device.name}
            )
        raise BookingRefused(
            _("%(item)s is not done on %(device)s. Please choose another device.")
            % {"item": item.name, "device": device.name}
        )
    phases = phases_of(
        item,
        devices,
        [device] if device is not None else [],
        list(but_exam.steps.all()) if but_exam else None,
    )
    if not all(phase.devices for phase in phases):
        raise BookingRefused(
            _("No device in service can do %(item)s. Check the devices of %(name)s.")
            % {"item": item.name, "name": item.modality_class.name}
        )
    # Everything below judges by rows nobody else can change until this transaction ends.
    lock_devices(devices)
    if patient is not None:
        twice = Exam.objects.filter(
            patient=patient, item=item, booked_for=starts_at, visit_state="scheduled"
        ).first()
        if twice is not None:
            raise AlreadyBooked(twice)
    books = calendars(
        devices,
        starts_at - timedelta(days=1),
        starts_at + reach(phases),
        any_hour=emergency,
        but_exam=but_exam.pk if but_exam else None,
    )
    chosen = books[phases[0].devices[0]]
    if not any(books[key].on_grid(starts_at) for key in phases[0].devices):
        raise BookingRefused(
            _("%(time)s is not on the grid of %(minutes)d minutes. Please choose an offered time.")
            % {"time": when(starts_at), "minutes": chosen.slot_min}
        )
    if not any(books[key].is_open(starts_at, phases[0].duration_min) for key in phases[0].devices):
        name = next(row for row in devices if row.pk == chosen.device)
        raise BookingRefused(closed(name, chosen.slot_min))
    chain = place(phases, starts_at, books)
    if chain is None:
        free = any(
            books[key].is_free(starts_at, phases[0].duration_min) for key in phases[0].devices
        )
        message = (
            _("A later phase of %(item)s finds no free time after %(time)s.")
            % {"item": item.name, "time": when(starts_at)}
            if free
            else _("%(time)s has just been taken.") % {"time": when(starts_at)}
        )
        raise SlotTaken(message, next_free(item, starts_at, device, emergency, but_exam))
    late = chain.injects_at is not None and chain.injects_at < timezone.now() - LATE_ENTRY
    if late and by.channel not in ("command", "job"):
        assert chain.injects_at is not None
        raise SlotTaken(
            _("For %(time)s the drug would have been needed at %(injection)s.")
            % {"time": when(starts_at), "injection": when(chain.injects_at)},
            next_free(item, starts_at, device, emergency, but_exam),
        )
    return chain


def next_free(
    item: ExamItem,
    after: datetime,
    device: Device | None,
    emergency: bool,
    but_exam: Exam | None = None,
) -> Option | None:
    """The next time that could be booked instead; None without one in three weeks."""
    return first_free(
        item,
        max(after, timezone.now()),
        device=device,
        emergency=emergency,
        but_exam=but_exam.pk if but_exam else None,
    )


def lock_devices(devices: Iterable[Device]) -> None:
    """Keep others from booking on these devices until the transaction ends."""
    keys = sorted(device.pk for device in devices)
    # One after the other in one order on PostgreSQL; on SQLite the transaction itself is exclusive.
    list(
        Device.objects.select_for_update()
        .filter(pk__in=keys)
        .order_by("pk")
        .values_list("pk", flat=True)
    )


def check_time(by: Actor, starts_at: datetime) -> None:
    """Refuse a time that is over, unless a program enters what has happened."""
    if timezone.is_naive(starts_at):
        raise ValueError("starts_at must carry its time zone")
    if starts_at < timezone.now() - LATE_ENTRY and by.channel not in ("command", "job"):
        raise BookingRefused(
            _("%(time)s is over. Please choose a later time.") % {"time": when(starts_at)}
        )


def closed(device: Device, slot_min: int) -> str:
    """Why nothing is booked then: the hours and the grid of the device."""
    return _(
        "%(device)s is not open then: it works %(opens)s to %(closes)s in steps of %(minutes)d "
        "minutes on working days."
    ) % {
        "device": device.name,
        "opens": f"{device.opens_at:%H:%M}",
        "closes": f"{device.closes_at:%H:%M}",
        "minutes": slot_min,
    }


def when(moment: datetime) -> str:
    """A time in words, in the time zone of the site."""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def hold(exam: Exam, chain: Chain, item: ExamItem, device: Device | None, emergency: bool) -> None:
    """Write the cells that the placed steps take."""
    for step, placed in zip(exam.steps.order_by("number"), chain.steps, strict=True):
        slot_min = Device.objects.values_list("slot_min", flat=True).get(pk=placed.device)
        count = max(1, -(-placed.phase.duration_min // slot_min))
        cells = [placed.starts_at + i * slot_min * MINUTE for i in range(count)]
        hold_cells(step, placed.device, cells, item, device, emergency)


def hold_cells(
    step: ExamStep,
    key: int,
    cells: list[datetime],
    item: ExamItem,
    device: Device | None,
    emergency: bool,
) -> None:
    """Write the cells of one step. Raises `SlotTaken` when the database holds one already."""
    try:
        with transaction.atomic():
            SlotHold.objects.bulk_create(
                SlotHold(device_id=key, starts_at=cell, step=step) for cell in cells
            )
    except IntegrityError:  # the database's own word, should a writer not have locked the device
        raise SlotTaken(
            _("%(time)s has just been taken.") % {"time": when(cells[0])},
            next_free(item, cells[0], device, emergency),
        ) from None

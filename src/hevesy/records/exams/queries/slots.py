"""Free times: by day, the first one, a week at a glance; and what speaks against a booking (clause 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.records.catalogue.models import ExamItem
from hevesy.records.catalogue.queries import policies
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.queries.calendars import calendars, devices_for, phases_of, reach
from hevesy.records.exams.scheduling import Chain, place
from hevesy.records.patients.models import Patient

ARRIVE_BEFORE_MIN = 30
INTERVIEW_BEFORE_MIN = 20


@dataclass(frozen=True, slots=True)
class Option:
    """One bookable time: the device, the chain of phases, and the patient's times before it."""

    device: Device
    chain: Chain
    arrives_at: datetime
    interview_at: datetime | None

    @property
    def starts_at(self) -> datetime:
        """When the first phase begins on the device."""
        return self.chain.starts_at


@dataclass(frozen=True, slots=True)
class DaySummary:
    """A day of the week strip: how many times are free, the first of them, or closed."""

    day: date
    count: int
    first: datetime | None


def day_options(
    item: ExamItem,
    day: date,
    *,
    device: Device | None = None,
    emergency: bool = False,
    not_before: datetime | None = None,
    but_exam: int | None = None,
) -> list[Option]:
    """Bookable times of a day, earliest first, packed one after the other so that no gap is left unusable."""
    return _options(item, day, 1, device, emergency, not_before, but_exam)


def week(
    item: ExamItem,
    first: date,
    days: int = 7,
    *,
    device: Device | None = None,
    emergency: bool = False,
    not_before: datetime | None = None,
    but_exam: int | None = None,
) -> list[DaySummary]:
    """How many times each day offers, from one reading of the calendars."""
    options = _options(item, first, days, device, emergency, not_before, but_exam)
    found: dict[date, list[Option]] = {first + timedelta(days=i): [] for i in range(days)}
    for option in options:
        found[timezone.localdate(option.starts_at)].append(option)
    return [
        DaySummary(day, len(rows), rows[0].starts_at if rows else None)
        for day, rows in found.items()
    ]


def first_free(
    item: ExamItem,
    after: datetime,
    *,
    device: Device | None = None,
    emergency: bool = False,
    days: int = 21,
    but_exam: int | None = None,
) -> Option | None:
    """The first bookable time from `after` on, looking `days` ahead; None when all is taken."""
    day = timezone.localdate(after)
    for ahead in range(0, days, 3):
        options = _options(item, day + timedelta(days=ahead), 3, device, emergency, after, but_exam)
        if options:
            return options[0]
    return None


def _options(
    item: ExamItem,
    first: date,
    days: int,
    device: Device | None,
    emergency: bool,
    not_before: datetime | None,
    but_exam: int | None,
) -> list[Option]:
    now = timezone.now()
    devices = devices_for(item)
    rules = policies(arrive="booking.arrive_before_min", interview="booking.interview_before_min")
    arrive = ARRIVE_BEFORE_MIN if rules["arrive"] is None else int(rules["arrive"])
    interview = INTERVIEW_BEFORE_MIN if rules["interview"] is None else int(rules["interview"])
    begin = timezone.make_aware(datetime.combine(first, time()))
    known = {row.pk: row for row in devices}
    wanted = [device] if device is not None else []
    phases = phases_of(item, devices, wanted)
    books = calendars(
        devices,
        begin,
        begin + timedelta(days=days) + reach(phases),
        any_hour=emergency,
        but_exam=but_exam,
    )
    found: dict[tuple[datetime, int], Option] = {}
    for chosen in phases[0].devices:
        own = phases_of(item, devices, [known[chosen], *wanted])
        calendar = books[chosen]
        for ahead in range(days):
            free_from = None
            for moment in calendar.grid(first + timedelta(days=ahead)):
                if free_from is not None and moment < free_from:
                    continue
                chain = place(own, moment, books)
                if chain is None:
                    continue
                # Packed from the opening on, also over what is past: the offers stay where they are all day.
                free_from = chain.steps[0].ends_at
                if not_before is not None and (
                    moment < not_before or (chain.injects_at or moment) < now
                ):
                    continue
                asks = item.requires_interview
                before = chain.injects_at or chain.starts_at
                found[moment, chosen] = Option(
                    known[chosen],
                    chain,
                    chain.arrives_at(arrive),
                    before - timedelta(minutes=interview) if asks else None,
                )
    return [found[key] for key in sorted(found)]


def next_step_of(exam: Exam) -> ExamStep | None:
    """The first step that has not ended."""
    return exam.steps.exclude(state__in=("acquired", "discontinued")).first()


def booking_notes(
    patient: Patient, item: ExamItem, starts_at: datetime, *, but_exam: int | None = None
) -> list[str]:
    """What speaks against this time, in sentences for the person at the desk. Warnings, not refusals.

    Another examination on that day; activity of an earlier tracer not yet decayed (ten half-lives); the same
    examination within thirty days.
    """
    notes: list[str] = []
    day = timezone.localdate(starts_at)
    others = (
        Exam.objects.filter(patient=patient, booked_for__isnull=False)
        .exclude(visit_state__in=("cancelled", "no_show"))
        .exclude(pk=but_exam or 0)
        .select_related("item")
        .prefetch_related("steps__tracer__nuclide")
    )
    window = timedelta(days=90)
    for other in others.filter(
        booked_for__gte=starts_at - window, booked_for__lte=starts_at + window
    ):
        assert other.booked_for is not None
        other_day = timezone.localdate(other.booked_for)
        words = {"item": other.item.name, "number": other.number, "day": f"{other_day:%Y-%m-%d}"}
        if other_day == day:
            notes.append(_("On the same day: %(item)s (%(number)s).") % words)
        elif other.item_id == item.pk and abs((other_day - day).days) <= 30:
            notes.append(_("The same examination on %(day)s (%(number)s).") % words)
        if other.booked_for > starts_at or other_day == day:
            continue
        for step in other.steps.all():
            given = step.administered_at or step.starts_at
            if not step.tracer or not step.administers or given is None:
                continue
            gone = given + timedelta(seconds=10 * step.tracer.nuclide.half_life_s)
            if gone > starts_at:
                words["tracer"] = step.tracer.name
                words["until"] = f"{timezone.localtime(gone):%Y-%m-%d}"
                notes.append(
                    _("%(tracer)s of %(day)s (%(number)s) is decayed only after %(until)s.") % words
                )
                break
    return notes

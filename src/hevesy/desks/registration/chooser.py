"""The choice of a time: a week at a glance, the day's free times by device, the chain that follows from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.desks.registration.drawing import draw, hours
from hevesy.desks.registration.supply import Supply, Wish, supply
from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import ExamItem, ItemPhase
from hevesy.records.equipment.models import Device
from hevesy.records.exams.actions.book import planned_activity_mbq
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import Option, booking_notes, day_options, first_free, week
from hevesy.records.exams.queries.calendars import devices_for, phases_of
from hevesy.records.patients.models import Patient

WEEK_DAYS = 7
MOST_AHEAD = timedelta(days=365)


def read_slot(text: str) -> tuple[Device | None, datetime] | None:
    """A chosen time as the form sends it (`12@2026-11-24T10:05:00+08:00`); None when it is none."""
    key, _at, moment = text.partition("@")
    try:
        starts_at = parse_datetime(moment)
    except ValueError:
        return None
    if starts_at is None or timezone.is_naive(starts_at):
        return None
    device = Device.objects.filter(pk=int(key)).first() if key.isdecimal() else None
    return device, starts_at


@dataclass(frozen=True, slots=True)
class Moment:
    """One time of the patient's day, with its state's colour."""

    key: str
    word: str | Promise
    at: datetime


class Chooser:
    """What the form said so far (device, day, chosen slot), and what can be offered for it."""

    def __init__(
        self,
        said: Mapping[str, Any],
        *,
        item: ExamItem | None,
        patient: Patient | None = None,
        emergency: bool = False,
        exam: Exam | None = None,
    ) -> None:
        self.said = dict(said.items())
        self.item = item
        self.exam = exam
        self.patient = patient or (exam.patient if exam else None)
        self.emergency = emergency
        self.now = timezone.now()
        self.said_day = _date(str(said.get("day", "")))
        self.said_from = _date(str(said.get("from", "")))
        self.slot = str(said.get("slot", ""))
        wanted = str(said.get("device", ""))
        self.devices = _usable(item, exam) if item is not None else []
        self.device = next((row for row in self.devices if str(row.pk) == wanted), None)

    @property
    def today(self) -> date:
        """The local day."""
        return timezone.localdate(self.now)

    @cached_property
    def first(self) -> Option | None:
        """The first free time from now on."""
        if self.item is None:
            return None
        return first_free(self.item, self.now, **self._asked)

    @cached_property
    def day(self) -> date:
        """The day whose times are shown: the one asked for, else that of the first free time."""
        if self.said_day is not None:
            return min(max(self.said_day, self.today), self.today + MOST_AHEAD)
        if self.first is not None:
            return timezone.localdate(self.first.starts_at)
        return self.today

    @cached_property
    def monday(self) -> date:
        """The first day of the strip: today's week begins today."""
        start = self.said_from or self.day
        start = max(start, self.today)
        return self.today + timedelta(days=(start - self.today).days // WEEK_DAYS * WEEK_DAYS)

    @property
    def _asked(self) -> dict[str, Any]:
        return {
            "device": self.device,
            "emergency": self.emergency,
            "but_exam": self.exam.pk if self.exam else None,
        }

    @cached_property
    def week(self) -> list[Any]:
        """The strip: how many times each day has."""
        if self.item is None:
            return []
        return week(self.item, self.monday, WEEK_DAYS, not_before=self.now, **self._asked)

    @property
    def before(self) -> date | None:
        """The strip before, unless it lies in the past."""
        earlier = self.monday - timedelta(days=WEEK_DAYS)
        return max(earlier, self.today) if self.monday > self.today else None

    @property
    def after(self) -> date:
        """The strip after."""
        return self.monday + timedelta(days=WEEK_DAYS)

    @cached_property
    def options(self) -> list[Option]:
        """The day's times, earliest first."""
        if self.item is None:
            return []
        return day_options(self.item, self.day, not_before=self.now, **self._asked)

    @cached_property
    def by_device(self) -> list[tuple[Device, list[tuple[str, Option]]]]:
        """The day's times under their devices, each with the value of its radio button."""
        groups: dict[int, tuple[Device, list[tuple[str, Option]]]] = {}
        for option in self.options:
            group = groups.setdefault(option.device.pk, (option.device, []))
            group[1].append((self.value_of(option), option))
        return list(groups.values())

    def value_of(self, option: Option) -> str:
        """The option as the form sends it; a device asked for by hand is kept."""
        device = self.device or option.device
        return f"{device.pk}@{timezone.localtime(option.starts_at).isoformat()}"

    @cached_property
    def chosen(self) -> Option | None:
        """The option chosen; without a choice the first of the day is proposed."""
        for option in self.options:
            if self.value_of(option) == self.slot:
                return option
        return self.options[0] if self.options else None

    @property
    def chosen_value(self) -> str:
        """The value of the chosen option."""
        return self.value_of(self.chosen) if self.chosen else ""

    @property
    def next_value(self) -> str:
        """The value of the option after the chosen one, for the button that skips to it."""
        values = [self.value_of(option) for option in self.options]
        if self.chosen_value in values:
            at = values.index(self.chosen_value) + 1
            return values[at] if at < len(values) else ""
        return ""

    @cached_property
    def chain(self) -> list[Moment]:
        """The patient's times for the chosen option."""
        option = self.chosen
        if option is None:
            return []
        moments = [Moment("arrived", gettext_lazy("Arrive"), option.arrives_at)]
        if option.interview_at is not None:
            moments.append(Moment("interviewed", gettext_lazy("Interview"), option.interview_at))
        names = {row.number: row.name for row in self.item.phases.all()} if self.item else {}
        devices = {row.pk: row.name for row in self.devices}
        for step in option.chain.steps:
            if step.injects_at is not None and step.phase.administers:
                moments.append(Moment("uptake", gettext_lazy("Injection"), step.injects_at))
            if step.phase.acquires:
                word = devices[step.device]
                if names.get(step.phase.number):
                    word = f"{names[step.phase.number]} {word}"
                moments.append(Moment("scanning", word, step.starts_at))
        moments.append(Moment("acquired", gettext_lazy("Done about"), option.chain.ends_at))
        return moments

    @cached_property
    def notes(self) -> list[str]:
        """What speaks against the chosen time."""
        if self.chosen is None or self.patient is None or self.item is None:
            return []
        notes = booking_notes(
            self.patient,
            self.item,
            self.chosen.starts_at,
            but_exam=self.exam.pk if self.exam else None,
        )
        if timezone.localdate(self.chosen.chain.ends_at) != self.day:
            notes.append(_("This examination takes more than one day."))
        return notes

    def doses(self, weight_kg: Decimal | None) -> list[tuple[ItemPhase, Decimal]]:
        """What this person needs of which tracer, by the weight."""
        if self.item is None:
            return []
        planned = [
            (phase, planned_activity_mbq(phase, weight_kg))
            for phase in self.item.phases.select_related("tracer__nuclide")
            if phase.tracer is not None
        ]
        return [(phase, activity) for phase, activity in planned if activity]

    def supply(self, by: Actor, doses: list[tuple[ItemPhase, Decimal]]) -> Supply | None:
        """Whether the first tracer will suffice at the chosen time."""
        if self.chosen is None or not doses:
            return None
        tracer = doses[0][0].tracer
        assert tracer is not None
        wanted = {
            phase.number: float(activity)
            for phase, activity in doses
            if phase.tracer_id == tracer.pk
        }
        own = [
            Wish(step.injects_at, wanted[step.phase.number])
            for step in self.chosen.chain.steps
            if step.injects_at is not None and step.phase.number in wanted
        ]
        begin, end = hours(self)
        return supply(by, tracer, own, begin, end, but_exam=self.exam.pk if self.exam else None)

    def context(
        self,
        by: Actor,
        *,
        page_url: str,
        chooser_url: str,
        weight_kg: Decimal | None,
        width: int = 780,
    ) -> dict[str, Any]:
        """Variables of `_chooser.html`; links without script keep what was said so far."""
        doses = self.doses(weight_kg)
        supplied = self.supply(by, doses)
        kept = {
            key: value
            for key, value in self.said.items()
            if key not in ("day", "from", "slot", "csrfmiddlewaretoken", "confirm", "later")
        }
        return {
            "chooser": self,
            "page_url": page_url,
            "chooser_url": chooser_url,
            "chooser_query": urlencode(kept),
            "doses": doses,
            "supply": supplied,
            "drawing": draw(self, width, supplied) if self.options else None,
        }


def _usable(item: ExamItem, exam: Exam | None) -> list[Device]:
    """Devices that serve one of the phases, in their order."""
    devices = devices_for(item)
    steps = list(exam.steps.select_related("phase")) if exam else None
    used = {key for phase in phases_of(item, devices, (), steps) for key in phase.devices}
    return [device for device in devices if device.pk in used]


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

"""The technologist's list: who is where, how long since the injection, what comes next (clause 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.ui.chips import Chip
from hevesy.records.doses import states as dose_states
from hevesy.records.doses.checks import AGE_MAY_BE_PREGNANT, age_on, planned_mbq
from hevesy.records.doses.models import Administration, DispensedUnit, DoseRequest
from hevesy.records.doses.queries import injection_due
from hevesy.records.equipment.models import Device
from hevesy.records.exams import presenting
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.queries import on_day, visible_to
from hevesy.records.exams.states import ENDED
from hevesy.records.queues import states as queue_states
from hevesy.records.queues.models import Ticket

TABS: dict[str, tuple[str, ...]] = {
    "active": ("arrived", "interviewed", "uptake", "scanning"),
    "expected": ("scheduled",),
    "done": ("acquired", "reporting", "submitted", "audited", "published", "discontinued"),
}
SOON_MIN = 10


@dataclass(frozen=True, slots=True)
class Act:
    """The next legal step of a row. `post` sends at once, `dialog` asks first; `why` greys it out."""

    word: str
    url: str = ""
    tone: str = ""
    dialog: bool = False
    why: str = ""
    key: str = ""


@dataclass(slots=True)
class Row:
    """One examination with its current step."""

    exam: Exam
    steps: list[ExamStep]
    step: ExamStep | None
    administration: Administration | None
    unit: DispensedUnit | None
    request: DoseRequest | None
    ticket: Ticket | None
    now: datetime
    may_administer: bool
    may_acquire: bool

    @property
    def chip(self) -> Chip:
        """State as icon and word."""
        return presenting.chip(self.exam.state)

    @property
    def who(self) -> str:
        """Sex and age."""
        return presenting.sex_and_age(self.exam.patient)

    @property
    def marks(self) -> list[presenting.Mark]:
        """The patient's flags, and the question of pregnancy while it is open."""
        found = presenting.marks(self.exam.flags)
        age = age_on(self.exam, self.now)
        asked = self.exam.pregnancy in (1, 2, 3)
        if (
            self.exam.patient.sex != "M"
            and not asked
            and (age is None or age in AGE_MAY_BE_PREGNANT)
        ):
            found.insert(
                0,
                presenting.Mark(
                    presenting.MARKS["pregnancy"].char, "red", _("pregnancy not answered")
                ),
            )
        return found

    @property
    def phase(self) -> str:
        """Which step of how many, if there are several."""
        if len(self.steps) < 2 or self.step is None:
            return ""
        name = ""
        if self.step.phase:
            english = (get_language() or "").startswith("en")
            name = self.step.phase.name_en if english else self.step.phase.name_zh
        return f"{self.step.number}/{len(self.steps)} {name}".strip()

    @property
    def planned_mbq(self) -> float | None:
        """What is ordered for the current step."""
        if self.step is None:
            return None
        self.step.exam = self.exam
        return planned_mbq(self.step)

    @property
    def due_at(self) -> datetime | None:
        """When the current step's dose is meant to be given."""
        return injection_due(self.step) if self.step else None

    @property
    def given_at(self) -> datetime | None:
        """When the activity that the current step images was given."""
        if self.step is None:
            return None
        if self.step.administered_at:
            return self.step.administered_at
        if self.step.administers:
            return None
        return max(
            (
                s.administered_at
                for s in self.steps
                if s.number < self.step.number and s.administered_at
            ),
            default=None,
        )

    @property
    def window(self) -> dict[str, int] | None:
        """Minutes: earliest, target, latest, of the current step."""
        step = self.step
        if step is None or not step.uptake_min:
            return None
        target = step.uptake_min
        return {
            "min": step.uptake_earliest_min or target,
            "target": target,
            "max": step.uptake_latest_min or target + 15,
        }

    @property
    def elapsed_min(self) -> int | None:
        """Minutes since the injection."""
        if self.given_at is None:
            return None
        return int((self.now - self.given_at).total_seconds() // 60)

    @property
    def stopped_min(self) -> int | None:
        """Minutes from injection to the start of the scan, once it runs."""
        if self.given_at is None or self.step is None or self.step.started_at is None:
            return None
        return int((self.step.started_at - self.given_at).total_seconds() // 60)

    @property
    def tone(self) -> str:
        """Colour of the row: past the window red, about to close amber."""
        window, elapsed = self.window, self.elapsed_min
        if not window or elapsed is None or self.stopped_min is not None:
            return ""
        if elapsed > window["max"]:
            return "is-red"
        return "is-amber" if window["max"] - elapsed <= SOON_MIN else ""

    @property
    def place(self) -> str:
        """Where the patient is or waits."""
        if self.ticket:
            room = self.ticket.room
            return room.name if room else f"{self.ticket.service_point.name} {self.ticket.number}"
        if self.step and self.step.device:
            return self.step.device.name
        return ""

    @property
    def act(self) -> Act | None:
        """The one button of the row."""
        step = self.step
        if step is None or self.exam.state == "scheduled" or step.state in ENDED:
            return None
        asks = self.exam.item.requires_interview and self.exam.priority != Exam.Priority.EMERGENCY
        if self.exam.state == "arrived" and asks:
            return Act(_("Awaits interview"), why=_("Record the interview first."))
        if step.state == "acquiring":
            return Act(
                _("Finish acquisition"),
                reverse("technologist:finish", args=[step.pk]),
                why="" if self.may_acquire else _("You may not finish acquisitions."),
            )
        if self._awaits_dose(step):
            return self._dose_act(step)
        if step.phase is None or step.phase.acquires:
            return self._start_act(step)
        return None

    def _awaits_dose(self, step: ExamStep) -> bool:
        return bool(
            step.administers
            and step.tracer_id
            and not step.administered_at
            and step.uptake_min != 0
        )

    def _dose_act(self, step: ExamStep) -> Act:
        if not self.may_administer:
            return Act(_("Awaits injection"), why=_("You may not administer."))
        if self.unit:
            url = f"{reverse('technologist:inject')}?step={step.pk}"
            return Act(_("Verify and inject"), url, "primary", dialog=True)
        if self.request:
            at = timezone.localtime(self.request.created_at).strftime("%H:%M")
            return Act(
                _("Dose requested"),
                why=_("The hot laboratory was asked at %(time)s.") % {"time": at},
            )
        return Act(_("Request dose"), reverse("technologist:request", args=[step.pk]))

    def _start_act(self, step: ExamStep) -> Act:
        url = reverse("technologist:start", args=[step.pk])
        if not self.may_acquire:
            return Act(_("Awaits scan"), why=_("You may not start acquisitions."))
        window, elapsed = self.window, self.elapsed_min
        inside = not window or (elapsed is not None and window["min"] <= elapsed <= window["max"])
        ready = elapsed is not None and window is not None and elapsed >= window["min"]
        tone = "primary" if ready or not window else ""
        return Act(_("Start scan"), url, tone, dialog=not inside)


def devices(by: Actor) -> list[Device]:
    """The scanners that a technologist may stand at."""
    by.require("exams.view")
    return list(
        Device.objects.filter(kind=Device.Kind.SCANNER)
        .exclude(availability=Device.Availability.RETIRED)
        .select_related("room")
        .order_by("sort", "id")
    )


def rows(by: Actor, *, tab: str = "active", device: str = "") -> list[Row]:
    """The rows of a tab, in the order in which they need hands: windows closing first."""
    exams = _exams(by, device).filter(state__in=TABS[tab])
    return sorted(_rows(by, list(exams)), key=_urgency)


def row(by: Actor, number: str) -> Row | None:
    """The row of one examination, on whatever day."""
    found = _rows(by, list(_prefetched(visible_to(by).filter(number=number))))
    return found[0] if found else None


def counts(by: Actor, device: str = "") -> dict[str, int]:
    """How many examinations each tab holds."""
    states = list(_exams(by, device, bare=True).values_list("pk", "state"))
    by_exam = dict(states)
    return {tab: sum(state in wanted for state in by_exam.values()) for tab, wanted in TABS.items()}


def _exams(by: Actor, device: str, *, bare: bool = False) -> Any:
    """Examinations with a step today (a delayed picture of yesterday's injection is today's work)."""
    today = timezone.localdate()
    seen = visible_to(by)
    steps = ExamStep.objects.filter(
        starts_at__gte=timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0),
        starts_at__lt=timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        + timedelta(days=1),
    )
    if device:
        steps = steps.filter(device__code=device)
    exams = seen.filter(pk__in=steps.values("exam"))
    if not device:
        exams = exams | on_day(seen, today)
    return exams if bare else _prefetched(exams)


def _prefetched(exams: Any) -> Any:
    usable = DispensedUnit.objects.filter(state__in=dose_states.USABLE)
    steps = (
        ExamStep.objects.select_related("phase", "tracer", "device__room")
        .prefetch_related(
            Prefetch(
                "administrations",
                Administration.objects.select_related(
                    "unit__batch__tracer__nuclide"
                ).prefetch_related("unit__assays"),
            ),
            Prefetch("units", usable, to_attr="usable_units"),
            Prefetch("dose_requests", DoseRequest.objects.filter(closed_at=None), to_attr="asked"),
        )
        .order_by("number")
    )
    tickets = Ticket.objects.filter(state__in=queue_states.OPEN).select_related(
        "room", "service_point"
    )
    return exams.select_related("patient", "item", "modality_class").prefetch_related(
        Prefetch("steps", steps), Prefetch("tickets", tickets, to_attr="open_tickets")
    )


def _rows(by: Actor, exams: Sequence[Any]) -> list[Row]:
    now = timezone.now()
    may_administer, may_acquire = by.may("doses.administer"), by.may("exams.acquire")
    found = []
    for exam in exams:
        steps = list(exam.steps.all())
        step = next((s for s in steps if s.state not in ENDED), steps[-1] if steps else None)
        given: list[Administration] = [a for s in steps for a in s.administrations.all()]
        units = list(getattr(step, "usable_units", ()))
        asked = list(getattr(step, "asked", ()))
        found.append(
            Row(
                exam=exam,
                steps=steps,
                step=step,
                administration=given[-1] if given else None,
                unit=units[0] if units else None,
                request=asked[0] if asked else None,
                ticket=next(iter(exam.open_tickets), None),
                now=now,
                may_administer=may_administer,
                may_acquire=may_acquire,
            )
        )
    return found


def _urgency(row: Row) -> tuple[int, datetime]:
    """Scanning first, then by when the window closes, then by when the dose is due."""
    far = row.now + timedelta(days=1)
    if row.exam.state == "scanning":
        return (0, (row.step and row.step.started_at) or far)
    if row.given_at and row.window:
        return (1, row.given_at + timedelta(minutes=row.window["target"]))
    return (2, row.due_at or row.exam.booked_for or far)

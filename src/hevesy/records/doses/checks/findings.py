"""What a finding is, what is judged, and by which limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from django.utils import timezone

from hevesy.records.catalogue.queries import policy
from hevesy.records.doses.models import DispensedUnit
from hevesy.records.exams.models import ExamStep


class Level(IntEnum):
    """How much a finding weighs. WARN goes on with a reason, SECOND also needs a second person, STOP never goes on."""

    OK = 0
    NOTE = 1
    WARN = 2
    SECOND = 3
    STOP = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `field`: the input to correct, empty for a finding about patient, drug or unit."""

    code: str
    level: Level
    message: str
    field: str = ""

    @property
    def tone(self) -> str:
        """The chip's colour."""
        return ("ok", "amber", "amber", "red", "critical")[self.level]


@dataclass(frozen=True, slots=True)
class Limits:
    """The site's dosing limits, from the policy page."""

    warn_percent: float
    second_percent: float
    glucose_mmol_l: float

    @classmethod
    def of_site(cls) -> Limits:
        """As the department has decided; the delivered values are common practice (department.md §2.4)."""
        return cls(
            float(policy("doses.warn_percent", 10)),
            float(policy("doses.second_percent", 20)),
            float(policy("interview.glucose_limit_mmol_l", 11.1)),
        )


@dataclass(frozen=True, slots=True)
class Intent:
    """What somebody is about to do: this unit, into the patient of this step, at this time."""

    step: ExamStep
    unit: DispensedUnit
    started_at: datetime
    now: datetime
    planned_mbq: float | None
    activity_mbq: float | None
    """What the syringe holds at `started_at`; None if it was never measured."""
    assayed_at: datetime | None = None
    clock_skew_s: float | None = None
    identified_by: str = "scan"
    manual: bool = False


def planned_mbq(step: ExamStep) -> float | None:
    """The activity ordered for the step in MBq: as planned, else by the item's rule and today's weight."""
    if step.planned_activity_mbq is not None:
        return float(step.planned_activity_mbq)
    phase = step.phase
    if phase is None:
        return None
    if phase.activity_mbq is not None:
        return float(phase.activity_mbq)
    if phase.activity_mbq_per_kg is None or step.exam.weight_kg is None:
        return None
    activity = float(phase.activity_mbq_per_kg) * float(step.exam.weight_kg)
    if phase.activity_min_mbq is not None:
        activity = max(activity, float(phase.activity_min_mbq))
    if phase.activity_max_mbq is not None:
        activity = min(activity, float(phase.activity_max_mbq))
    return activity


def clock(at: datetime) -> str:
    """A time of day in the site's zone."""
    return timezone.localtime(at).strftime("%H:%M")

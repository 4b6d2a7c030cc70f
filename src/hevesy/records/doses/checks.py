"""What is looked at before a radiopharmaceutical goes into a patient (clause 4.2; reliability H1, H5, H8).

Pure judgement: reads the records handed in, writes nothing, asks nobody. The page shows the list while the syringe is
still in its shield; `actions.administer` judges again under locks, so nothing that changes in between slips through.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.records.catalogue.queries import policy
from hevesy.records.doses import states
from hevesy.records.doses.models import Administration, DispensedUnit
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.states import look

CLOCK_NOTE_S: Final = 15.0
CLOCK_CONFIRM_S: Final = 60.0
CLOCK_REFUSE_S: Final = 300.0
"""Skew of a workstation or calibrator clock. 18 s are 1 % of a C-11 dose, 95 s 1 % of an F-18 dose."""

UNIT_SLIP: Final = 100.0
"""A factor that no dosing explains and a kBq/MBq or GBq/MBq slip does."""

AGE_MAY_BE_PREGNANT: Final = range(12, 56)
STALE_HALF_LIVES: Final = 3
FUTURE: Final = timedelta(seconds=60)
TYPED_TO: Final = timedelta(seconds=1)
"""Times are typed to the second; readings of a connected calibrator are finer."""


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


def identity(step: ExamStep, unit: DispensedUnit) -> list[Finding]:
    """Patient × syringe × order: the three that must agree. Every refusal here is a full stop."""
    found: list[Finding] = []
    meant = unit.step
    if meant is None:
        found.append(
            Finding(
                "identity",
                Level.STOP,
                _("Syringe %(unit)s is not assigned to anybody. Return it to the hot laboratory.")
                % {"unit": unit.number},
            )
        )
    elif meant.exam.patient_id != step.exam.patient_id:
        found.append(
            Finding("identity", Level.STOP, _("This syringe is not meant for this patient."))
        )
    elif meant.pk != step.pk:
        found.append(
            Finding(
                "step",
                Level.STOP,
                _("This syringe is for examination %(exam)s, injection %(number)s.")
                % {"exam": meant.exam.number, "number": meant.number},
            )
        )
    else:
        found.append(Finding("identity", Level.OK, _("Patient and syringe agree")))
    if step.tracer_id != unit.batch.tracer_id:
        ordered = step.tracer.plain if step.tracer else _("no radiopharmaceutical")
        found.append(
            Finding(
                "product",
                Level.STOP,
                _("The syringe holds %(held)s, the order says %(ordered)s.")
                % {"held": unit.batch.tracer.plain, "ordered": ordered},
            )
        )
    return [*found, _unit_state(unit), *_batch_state(unit)]


def _unit_state(unit: DispensedUnit) -> Finding:
    if unit.state in states.USABLE:
        return Finding("unused", Level.OK, _("Not used before"))
    if unit.state == states.ADMINISTERED:
        given = Administration.objects.filter(unit=unit).first()
        at = clock(given.started_at) if given else "?"
        return Finding(
            "used", Level.STOP, _("This syringe was already used at %(time)s.") % {"time": at}
        )
    return Finding(
        "used",
        Level.STOP,
        _("This syringe is %(state)s and must not be used.") % {"state": unit.state_label},
    )


def _batch_state(unit: DispensedUnit) -> list[Finding]:
    batch = unit.batch
    # A batch that is used up was released when the last dose was drawn from it.
    if batch.state in (states.RELEASED, states.USED_UP):
        return [Finding("released", Level.OK, _("Batch released"))]
    return [
        Finding(
            "released",
            Level.STOP,
            _("Batch %(batch)s is %(state)s: its doses must not be given.")
            % {"batch": batch.number, "state": batch.state_label},
        )
    ]


def judge(intent: Intent, limits: Limits) -> list[Finding]:
    """Everything there is to say about the intended administration, worst things included; order of the page."""
    return [
        *identity(intent.step, intent.unit),
        *_expiry(intent),
        *_step(intent),
        *_times(intent),
        *_activity(intent, limits),
        *_patient(intent, limits),
        *_clocks(intent),
    ]


def _expiry(intent: Intent) -> list[Finding]:
    expires = intent.unit.batch.expires_at
    if intent.started_at > expires:
        return [
            Finding(
                "expired",
                Level.STOP,
                _("The batch expired at %(time)s.") % {"time": clock(expires)},
            )
        ]
    return [Finding("expired", Level.OK, _("Good until %(time)s") % {"time": clock(expires)})]


def _step(intent: Intent) -> list[Finding]:
    # A dynamic study is acquired while the drug goes in.
    if intent.step.state in ("planned", "ready", "acquiring") and not intent.step.administered_at:
        return []
    return [
        Finding(
            "step_state",
            Level.STOP,
            _("Injection %(number)s of this examination is not open any more (%(state)s).")
            % {"number": intent.step.number, "state": look(intent.step.state).word},
        )
    ]


def _times(intent: Intent) -> list[Finding]:
    found = []
    if intent.started_at > intent.now + FUTURE:
        found.append(
            Finding("future", Level.STOP, _("The injection time is in the future."), "started_at")
        )
    if intent.assayed_at and intent.assayed_at - intent.started_at >= TYPED_TO:
        found.append(
            Finding(
                "time_order",
                Level.STOP,
                _("The syringe was measured at %(time)s, after the injection time entered.")
                % {"time": clock(intent.assayed_at)},
                "started_at",
            )
        )
    if intent.assayed_at and intent.unit.batch.half_life_s:
        age_s = (intent.started_at - intent.assayed_at).total_seconds()
        if age_s > STALE_HALF_LIVES * intent.unit.batch.half_life_s:
            found.append(
                Finding(
                    "stale_assay",
                    Level.WARN,
                    _("The syringe was measured more than %(number)s half-lives ago.")
                    % {"number": STALE_HALF_LIVES},
                )
            )
    return found


def _activity(intent: Intent, limits: Limits) -> list[Finding]:
    if intent.activity_mbq is None:
        if intent.manual:
            return [Finding("assay", Level.WARN, _("Activity typed, not measured"))]
        return [
            Finding(
                "assay",
                Level.STOP,
                _("The syringe has not been measured. Measure it in the dose calibrator."),
                "pre_assay",
            )
        ]
    if not intent.planned_mbq:
        per_kg = intent.step.phase and intent.step.phase.activity_mbq_per_kg
        if per_kg and intent.step.exam.weight_kg is None:
            return [
                Finding(
                    "weight",
                    Level.STOP,
                    _("The dose goes by body weight and no weight is recorded. Weigh the patient."),
                    "weight_kg",
                )
            ]
        return [Finding("activity", Level.NOTE, _("No activity was ordered"))]
    ratio = intent.activity_mbq / intent.planned_mbq
    if ratio >= UNIT_SLIP or ratio <= 1 / UNIT_SLIP:
        return [
            Finding(
                "unit_slip",
                Level.STOP,
                _("%(activity)s MBq is %(ratio)s times the order: was it read in another unit?")
                % {"activity": f"{intent.activity_mbq:.4g}", "ratio": f"{ratio:.3g}"},
                "pre_assay",
            )
        ]
    off = abs(ratio - 1) * 100
    if off <= limits.warn_percent:
        words = _("%(percent)s %% of the order") % {"percent": f"{ratio * 100:.1f}"}
        return [Finding("activity", Level.OK, words)]
    level, limit = (
        (Level.SECOND, limits.second_percent)
        if off > limits.second_percent
        else (Level.WARN, limits.warn_percent)
    )
    words = _("%(percent)s %% of the order, outside ±%(limit)s %%") % {
        "percent": f"{ratio * 100:.1f}",
        "limit": f"{limit:g}",
    }
    return [Finding("activity", level, words)]


def age_on(exam: Exam, at: datetime) -> int | None:
    """Age in whole years, None if the birth date is unknown."""
    born = exam.patient.birth_date
    if born is None:
        return None
    on = timezone.localdate(at)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _patient(intent: Intent, limits: Limits) -> list[Finding]:
    return [
        *_pregnancy(intent.step.exam, intent.now),
        *_glucose(intent, limits),
        *_notes(intent),
    ]


def _pregnancy(exam: Exam, now: datetime) -> list[Finding]:
    if exam.pregnancy == Exam.Pregnancy.DEFINITE:
        return [Finding("pregnancy", Level.STOP, _("The patient is pregnant."))]
    if exam.pregnancy == Exam.Pregnancy.POSSIBLE:
        return [Finding("pregnancy", Level.SECOND, _("The patient may be pregnant"))]
    age = age_on(exam, now)
    asked = exam.pregnancy == Exam.Pregnancy.NOT
    of_age = age is None or age in AGE_MAY_BE_PREGNANT
    if exam.patient.sex != "M" and of_age and not asked:
        return [
            Finding(
                "pregnancy",
                Level.STOP,
                _("Pregnancy is not answered. Ask, and record it in the interview."),
            )
        ]
    return [Finding("pregnancy", Level.OK, _("Not pregnant"))] if asked else []


def _glucose(intent: Intent, limits: Limits) -> list[Finding]:
    if intent.unit.batch.tracer.short != "FDG":
        return []
    glucose = intent.step.exam.glucose_mmol_l
    if glucose is None:
        return [Finding("glucose", Level.NOTE, _("Glucose not measured"))]
    values = {"glucose": f"{glucose:.1f}", "limit": f"{limits.glucose_mmol_l:g}"}
    if float(glucose) > limits.glucose_mmol_l:
        return [
            Finding(
                "glucose", Level.WARN, _("Glucose %(glucose)s, above %(limit)s mmol/L") % values
            )
        ]
    return [
        Finding("glucose", Level.OK, _("Glucose %(glucose)s, not above %(limit)s mmol/L") % values)
    ]


def _notes(intent: Intent) -> list[Finding]:
    found = []
    exam = intent.step.exam
    if exam.weight_kg is None:
        found.append(Finding("weight", Level.NOTE, _("Weight not recorded: no SUV possible")))
    else:
        found.append(
            Finding(
                "weight", Level.OK, _("Weight %(weight)s kg") % {"weight": f"{exam.weight_kg:.1f}"}
            )
        )
    if exam.patient.allergies:
        found.append(
            Finding(
                "allergy", Level.NOTE, _("Allergies: %(what)s") % {"what": exam.patient.allergies}
            )
        )
    if intent.identified_by != "scan":
        found.append(Finding("manual", Level.WARN, _("Identified by hand, not by scan")))
    return found


def _clocks(intent: Intent) -> list[Finding]:
    skew = intent.clock_skew_s
    if skew is None:
        return []
    seconds = {"seconds": f"{abs(skew):.1f}"}
    if abs(skew) >= CLOCK_REFUSE_S:
        words = _("Clocks differ by %(seconds)s s: set this computer's clock first.") % seconds
        return [Finding("clock", Level.STOP, words, "clock")]
    level = Level.OK
    if abs(skew) >= CLOCK_NOTE_S:
        level = Level.WARN if abs(skew) >= CLOCK_CONFIRM_S else Level.NOTE
    return [Finding("clock", level, _("Clocks differ by %(seconds)s s") % seconds)]


def worst(findings: Sequence[Finding]) -> Level:
    """The heaviest level in the list."""
    return max((finding.level for finding in findings), default=Level.OK)


def unanswered(findings: Sequence[Finding], overrides: Sequence[dict[str, Any]]) -> list[Finding]:
    """Findings that want a reason and have none."""
    answered = {
        str(override.get("check"))
        for override in overrides
        if str(override.get("reason", "")).strip()
    }
    return [
        finding
        for finding in findings
        if finding.level in (Level.WARN, Level.SECOND) and finding.code not in answered
    ]

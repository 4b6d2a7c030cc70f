"""Patient, syringe and order; state, age and activity of what is in the syringe; the clocks that say so."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from hevesy.records.doses import states
from hevesy.records.doses.checks.findings import Finding, Intent, Level, Limits, clock
from hevesy.records.doses.models import Administration, DispensedUnit
from hevesy.records.exams.models import ExamStep
from hevesy.records.exams.states import look

CLOCK_NOTE_S: Final = 15.0
CLOCK_CONFIRM_S: Final = 60.0
CLOCK_REFUSE_S: Final = 300.0
"""Skew of a workstation or calibrator clock. 18 s are 1 % of a C-11 dose, 95 s 1 % of an F-18 dose."""

UNIT_SLIP: Final = 100.0
"""A factor that no dosing explains and a kBq/MBq or GBq/MBq slip does."""

STALE_HALF_LIVES: Final = 3
FUTURE: Final = timedelta(seconds=60)
TYPED_TO: Final = timedelta(seconds=1)
"""Times are typed to the second; readings of a connected calibrator are finer."""


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


def expiry(intent: Intent) -> list[Finding]:
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


def step(intent: Intent) -> list[Finding]:
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


def times(intent: Intent) -> list[Finding]:
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


def activity(intent: Intent, limits: Limits) -> list[Finding]:
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


def clocks(intent: Intent) -> list[Finding]:
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

"""Units: requested, drawn, measured, received, returned, discarded (clauses 4.2, 9.1, 9.2)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.records.catalogue.queries import policy
from hevesy.records.doses import numbering, states, stock
from hevesy.records.doses.actions.common import (
    DoseRefused,
    activity,
    locked_batch,
    locked_unit,
    move_batch,
    move_unit,
    not_future,
    volume,
)
from hevesy.records.doses.checks import CLOCK_REFUSE_S, UNIT_SLIP, clock, planned_mbq
from hevesy.records.doses.models import Assay, Batch, DispensedUnit, DoseRequest
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep

EXPECTED_WITHIN = 0.20
"""A reading further than this from concentration × volume is a slip, unless somebody says why."""


def _locked_step(step: ExamStep) -> ExamStep:
    return (
        ExamStep.objects.select_for_update(of=("self",), no_key=True)
        .select_related("exam__patient", "tracer", "phase")
        .get(pk=step.pk)
    )


@transaction.atomic
def request_dose(
    by: Actor, step: ExamStep, *, wanted_at: datetime | None = None, note: str = ""
) -> DoseRequest:
    """The injection room asks the hot laboratory for the dose of a step. Asking twice is the same request."""
    by.require("doses.administer")
    step = _locked_step(step)
    if step.tracer_id is None or not step.administers:
        raise DoseRefused(_("Nothing is administered in this step."))
    if step.state not in ("planned", "ready", "acquiring") or step.administered_at:
        raise DoseRefused(_("The dose of this step was already given."))
    planned = planned_mbq(step)
    request, new = DoseRequest.objects.get_or_create(
        step=step,
        closed_at=None,
        defaults={
            "wanted_at": wanted_at or timezone.now(),
            "wanted_mbq": None if planned is None else Decimal(f"{planned:.6f}"),
            "note": note.strip()[:120],
            "created_by": by.user,
        },
    )
    if new:
        record(by, "dose.request", request, patient_id=step.exam.patient_id, step=step.pk)
        publish("doses", request=step.pk)
    return request


@transaction.atomic
def dispense(
    by: Actor,
    batch: Batch,
    step: ExamStep | None,
    volume_ml: Any,
    assay_mbq: Any,
    assayed_at: datetime,
    device: Device | None = None,
    *,
    planned_at: datetime | None = None,
    reason: str = "",
    clock_skew_s: float | None = None,
) -> DispensedUnit:
    """Draw a dose from a released, unexpired batch and measure it.

    The row of the batch is the lock: two people drawing the last dose get one dose. Volume never goes below zero,
    and the activities of all draws, decayed to one time, never exceed what was made (beyond the calibrator's
    tolerance `doses.balance_percent`). `reason` answers a reading far from concentration × volume.
    """
    by.require("doses.dispense")
    drawn_ml = volume(volume_ml, "volume_ml")
    measured = activity(assay_mbq, "assay_mbq")
    not_future(assayed_at, "assayed_at")
    if clock_skew_s is not None and abs(clock_skew_s) >= CLOCK_REFUSE_S:
        raise DoseRefused(
            _("This computer's clock is %(seconds)s s off. Set it first, then measure again.")
            % {"seconds": f"{abs(clock_skew_s):.0f}"},
            field="assayed_at",
        )
    batch = locked_batch(batch)
    _may_draw(batch, assayed_at, planned_at)
    if step is not None:
        step = _locked_step(step)
        _may_dispense_for(step, batch)
    units = list(DispensedUnit.objects.filter(batch=batch).prefetch_related("assays"))
    _enough(batch, units, drawn_ml, measured, assayed_at)
    _expected(batch, drawn_ml, measured, assayed_at, reason)
    unit = DispensedUnit.objects.create(
        code=numbering.unit_code(),
        number=numbering.unit_number(timezone.now()),
        batch=batch,
        step=step,
        state=states.DISPENSED,
        volume_ml=drawn_ml,
        planned_mbq=_as_decimal(planned_mbq(step)) if step else None,
        planned_at=planned_at,
        dispensed_at=timezone.now(),
        dispensed_by=by.user,
    )
    Assay.objects.create(
        unit=unit,
        kind=Assay.Kind.PRE,
        activity_mbq=measured,
        at=assayed_at,
        device=device,
        observer=by.user,
        reason=reason.strip()[:200],
    )
    if step is not None:
        DoseRequest.objects.filter(step=step, closed_at=None).update(closed_at=timezone.now())
    record(
        by,
        "unit.dispense",
        unit,
        patient_id=step.exam.patient_id if step else None,
        number=unit.number,
        batch=batch.number,
        volume_ml=str(drawn_ml),
        activity_mbq=str(measured),
        assayed_at=assayed_at.isoformat(),
        reason=reason.strip()[:200],
    )
    publish("doses", unit=unit.number, batch=batch.number, state=unit.state)
    if sum((u.volume_ml for u in units), drawn_ml) == batch.volume_ml:
        move_batch(by, batch, "empty")
    return unit


def _as_decimal(number: float | None) -> Decimal | None:
    return None if number is None else Decimal(f"{number:.6f}")


def _may_draw(batch: Batch, at: datetime, planned_at: datetime | None) -> None:
    if batch.state != states.RELEASED:
        raise DoseRefused(
            _("Batch %(number)s is “%(state)s”: only a released batch may be dispensed.")
            % {"number": batch.number, "state": batch.state_label}
        )
    for moment in (at, timezone.now(), planned_at):
        if moment and moment > batch.expires_at:
            raise DoseRefused(
                _("Batch %(number)s expires at %(time)s. Choose another batch.")
                % {"number": batch.number, "time": clock(batch.expires_at)}
            )


def _may_dispense_for(step: ExamStep, batch: Batch) -> None:
    if step.tracer_id != batch.tracer_id:
        ordered = step.tracer.plain if step.tracer else _("no radiopharmaceutical")
        raise DoseRefused(
            _("The order says %(ordered)s, this batch is %(held)s.")
            % {"ordered": ordered, "held": batch.tracer.plain}
        )
    if step.state not in ("planned", "ready", "acquiring") or step.administered_at:
        raise DoseRefused(_("The dose of this step was already given."))
    waiting = step.units.filter(state__in=states.USABLE).first()
    if waiting:
        raise DoseRefused(
            _("Syringe %(number)s is already dispensed for this step. Return it first.")
            % {"number": waiting.number}
        )


def _enough(
    batch: Batch,
    units: list[DispensedUnit],
    drawn_ml: Decimal,
    measured: Decimal,
    at: datetime,
) -> None:
    left_ml = batch.volume_ml - sum((unit.volume_ml for unit in units), Decimal(0))
    if drawn_ml > left_ml:
        raise DoseRefused(
            _("Only %(left)s mL are left in batch %(number)s.")
            % {"left": f"{left_ml:.2f}", "number": batch.number},
            field="volume_ml",
        )
    left = stock.remaining(batch, units, at)
    tolerance = float(policy("doses.balance_percent", 3)) / 100 * left.produced_mbq
    if float(measured) > left.produced_mbq - left.drawn_mbq + tolerance:
        raise DoseRefused(
            _("Only %(left)s MBq are left in batch %(number)s at %(time)s. Check reading and unit.")
            % {
                "left": f"{left.activity_mbq:.1f}",
                "number": batch.number,
                "time": clock(at),
            },
            field="assay_mbq",
        )


def _expected(
    batch: Batch, drawn_ml: Decimal, measured: Decimal, at: datetime, reason: str
) -> None:
    expected = batch.produced_mbq(at) / float(batch.volume_ml) * float(drawn_ml)
    ratio = float(measured) / expected
    if 1 - EXPECTED_WITHIN <= ratio <= 1 + EXPECTED_WITHIN:
        return
    slip = ratio >= UNIT_SLIP or ratio <= 1 / UNIT_SLIP
    if slip or not reason.strip():
        raise DoseRefused(
            _(
                "%(volume)s mL should hold %(expected)s MBq, the reading is %(read)s MBq. "
                "Check volume, reading and unit; if both are right, give the reason."
            )
            % {
                "volume": f"{drawn_ml.normalize():f}",
                "expected": f"{expected:.1f}",
                "read": f"{measured.normalize():f}",
            },
            field="assay_mbq",
        )


@transaction.atomic
def assay_unit(
    by: Actor,
    unit: DispensedUnit,
    *,
    activity_mbq: Any,
    at: datetime,
    device: Device | None = None,
    reason: str = "",
) -> Assay:
    """Measure a dispensed unit again before it is given; the earlier reading stays."""
    if not by.may("doses.administer"):
        by.require("doses.dispense")
    measured = activity(activity_mbq, "pre_assay")
    not_future(at, "pre_assay_at")
    unit = locked_unit(unit)
    if unit.state not in states.USABLE:
        raise DoseRefused(
            _("Syringe %(number)s is “%(state)s”; this is not possible now.")
            % {"number": unit.number, "state": unit.state_label}
        )
    assay = Assay.objects.create(
        unit=unit,
        kind=Assay.Kind.PRE,
        activity_mbq=measured,
        at=at,
        device=device,
        observer=by.user,
        reason=reason.strip()[:200],
    )
    record(
        by,
        "unit.assay",
        unit,
        patient_id=unit.step.exam.patient_id if unit.step else None,
        number=unit.number,
        activity_mbq=str(measured),
        at=at.isoformat(),
    )
    publish("doses", unit=unit.number, state=unit.state)
    return assay


@transaction.atomic
def receive_unit(by: Actor, unit: DispensedUnit) -> DispensedUnit:
    """The syringe arrived at the injection room. Receiving it twice is once."""
    unit = locked_unit(unit)
    if unit.state == states.RECEIVED:
        return unit
    return move_unit(by, unit, "receive", received_at=timezone.now(), received_by=by.user)


@transaction.atomic
def return_unit(
    by: Actor,
    unit: DispensedUnit,
    reason: str,
    *,
    activity_mbq: Any = None,
    at: datetime | None = None,
) -> DispensedUnit:
    """Take an unused dose back. It never goes to another patient; its activity is measured if somebody can."""
    reason = reason.strip()
    if not reason:
        raise DoseRefused(_("Say why the dose comes back."), field="reason")
    unit = locked_unit(unit)
    move_unit(by, unit, "return", closed_at=timezone.now(), closed_reason=reason[:200])
    if activity_mbq not in (None, ""):
        measured_at = at or timezone.now()
        not_future(measured_at, "at")
        Assay.objects.create(
            unit=unit,
            kind=Assay.Kind.RETURN,
            activity_mbq=activity(activity_mbq, "activity_mbq", zero=True),
            at=measured_at,
            observer=by.user,
        )
    return unit


@transaction.atomic
def discard_unit(by: Actor, unit: DispensedUnit, reason: str) -> DispensedUnit:
    """The dose goes to decay."""
    reason = reason.strip()
    if not reason:
        raise DoseRefused(_("Say why the dose is discarded."), field="reason")
    return move_unit(
        by, locked_unit(unit), "discard", closed_at=timezone.now(), closed_reason=reason[:200]
    )

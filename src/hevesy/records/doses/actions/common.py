"""Refusals, and how numbers, batches and units are taken under lock."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.records.doses import states
from hevesy.records.doses.checks import Finding
from hevesy.records.doses.models import Batch, DispensedUnit

LARGEST_MBQ = 2_000_000
"""Two terabecquerel: above what any department holds in one vial; a larger number is a slip of the unit."""
LARGEST_ML = 10_000
FUTURE_S = 60


class DoseRefused(Refused):
    """The dose cannot be recorded like this. `field` names the input to correct, if it is one."""

    def __init__(self, message: str, *, field: str = "") -> None:
        self.field = field
        super().__init__(message)


class DoseStop(DoseRefused):
    """A hard stop before the injection: no reason and no second person goes past it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = list(findings)
        first = self.findings[0]
        super().__init__(first.message, field=first.field)


def positive(value: Any, field: str, name: str, *, largest: float, zero: bool = False) -> Decimal:
    """A finite number above zero (or zero, if allowed) and not absurdly large, as Decimal with six places."""
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        raise DoseRefused(_("%(name)s: enter a number.") % {"name": name}, field=field) from None
    if not number.is_finite() or number < 0 or (number == 0 and not zero):
        raise DoseRefused(
            _("%(name)s must be greater than zero.") % {"name": name}
            if not zero
            else _("%(name)s must not be negative.") % {"name": name},
            field=field,
        )
    if number > Decimal(str(largest)):
        raise DoseRefused(
            _("%(name)s is larger than possible (%(largest)s). Check the unit.")
            % {"name": name, "largest": f"{largest:g}"},
            field=field,
        )
    return number.quantize(Decimal("0.000001"))


def activity(value: Any, field: str, *, zero: bool = False) -> Decimal:
    """An activity in MBq."""
    return positive(value, field, _("Activity (MBq)"), largest=LARGEST_MBQ, zero=zero)


def volume(value: Any, field: str) -> Decimal:
    """A volume in mL, three places."""
    number = positive(value, field, _("Volume (mL)"), largest=LARGEST_ML)
    rounded = number.quantize(Decimal("0.001"))
    if not rounded:
        raise DoseRefused(
            _("%(name)s must be greater than zero.") % {"name": _("Volume (mL)")}, field=field
        )
    return rounded


def not_future(at: datetime, field: str) -> None:
    """Refuse a time that has not come; a minute is forgiven to a clock."""
    if at.utcoffset() is None:
        raise DoseRefused(_("The time needs a time zone."), field=field)
    if (at - timezone.now()).total_seconds() > FUTURE_S:
        raise DoseRefused(_("The time is in the future."), field=field)


def mbq(number: float) -> Decimal:
    """A computed activity as the database keeps it."""
    if not math.isfinite(number):
        raise DoseRefused(_("The activity could not be computed. Check the readings."))
    return Decimal(repr(number)).quantize(Decimal("0.000001"))


def locked_batch(batch: Batch | int) -> Batch:
    """The batch, locked until the transaction ends."""
    pk = batch if isinstance(batch, int) else batch.pk
    return (
        Batch.objects.select_for_update(of=("self",), no_key=True)
        .select_related("tracer__nuclide")
        .get(pk=pk)
    )


def locked_unit(unit: DispensedUnit) -> DispensedUnit:
    """The unit and its batch, both locked; the batch first, everywhere, so that nobody waits in a circle."""
    batch = locked_batch(unit.batch_id)
    found = (
        DispensedUnit.objects.select_for_update(of=("self",), no_key=True)
        .select_related("step__exam__patient", "step__tracer", "step__phase")
        .get(pk=unit.pk)
    )
    found.batch = batch
    return found


def move_batch(by: Actor, batch: Batch, step: str, **fields: Any) -> Batch:
    """Move a locked batch by the table, save, audit, tell."""
    try:
        state, permission = states.BATCH[batch.state, step]
    except KeyError:
        raise DoseRefused(
            _("Batch %(number)s is “%(state)s”; this is not possible now.")
            % {"number": batch.number, "state": batch.state_label}
        ) from None
    by.require(permission)
    before, batch.state = batch.state, state
    for name, value in fields.items():
        setattr(batch, name, value)
    batch.save(update_fields=["state", *fields])
    record(
        by,
        f"batch.{step}",
        batch,
        number=batch.number,
        before=before,
        after=state,
        reason=fields.get("closed_reason") or fields.get("release_reason") or "",
    )
    publish("doses", batch=batch.number, state=state)
    return batch


def move_unit(by: Actor, unit: DispensedUnit, step: str, **fields: Any) -> DispensedUnit:
    """Move a locked unit by the table, save, audit, tell."""
    try:
        state, permissions = states.UNIT[unit.state, step]
    except KeyError:
        raise DoseRefused(
            _("Syringe %(number)s is “%(state)s”; this is not possible now.")
            % {"number": unit.number, "state": unit.state_label}
        ) from None
    if not any(by.may(permission) for permission in permissions):
        by.require(permissions[0])
    before, unit.state = unit.state, state
    for name, value in fields.items():
        setattr(unit, name, value)
    unit.save(update_fields=["state", *fields])
    record(
        by,
        f"unit.{step}",
        unit,
        patient_id=unit.step.exam.patient_id if unit.step else None,
        number=unit.number,
        before=before,
        after=state,
        reason=fields.get("closed_reason", ""),
    )
    publish("doses", unit=unit.number, state=state)
    return unit

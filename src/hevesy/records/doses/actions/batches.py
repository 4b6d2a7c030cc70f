"""Batches: recorded, tested, released by a second person, recalled (clauses 9.1-9.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses import numbering, qc, states
from hevesy.records.doses.actions.common import (
    DoseRefused,
    activity,
    locked_batch,
    move_batch,
    volume,
)
from hevesy.records.doses.events import batch_recalled, batch_released
from hevesy.records.doses.models import Batch, Lot

LONGEST_LIFE = timedelta(days=365)


@transaction.atomic
def record_lot(
    by: Actor,
    *,
    kind: str,
    code: str,
    name: str = "",
    maker: str = "",
    expires_on: date | None = None,
) -> Lot:
    """Enter a material, an elution or a cyclotron run; the same lot twice is the same row."""
    by.require("doses.produce")
    code = code.strip()
    if not code:
        raise DoseRefused(_("Enter the lot number."), field="code")
    if kind not in Lot.Kind.values:
        raise DoseRefused(_("Choose what kind of material this is."), field="kind")
    lot, new = Lot.objects.get_or_create(
        kind=kind,
        code=code[:40],
        maker=maker.strip()[:80],
        defaults={"name": name.strip()[:80], "expires_on": expires_on, "created_by": by.user},
    )
    if new:
        record(by, "lot.record", lot, kind=kind, code=lot.code)
    return lot


@transaction.atomic
def record_batch(
    by: Actor,
    *,
    tracer: Tracer,
    activity_mbq: Any,
    reference_at: datetime,
    volume_ml: Any,
    expires_at: datetime,
    qc: Mapping[str, Any] | None = None,
    origin: str = Batch.Origin.PET,
    lots: Iterable[Lot] = (),
    note: str = "",
) -> Batch:
    """Enter a batch as made or received; it waits for its release. `qc`: readings by test code, the rest may follow."""
    by.require("doses.produce")
    lots = list(lots)
    activity_mbq = activity(activity_mbq, "activity_mbq")
    volume_ml = volume(volume_ml, "volume_ml")
    if reference_at.utcoffset() is None or expires_at.utcoffset() is None:
        raise DoseRefused(_("The time needs a time zone."), field="reference_at")
    if expires_at <= reference_at:
        raise DoseRefused(
            _("The batch would expire before its reference time."), field="expires_at"
        )
    if expires_at - reference_at > LONGEST_LIFE:
        raise DoseRefused(_("Check the expiry: it is more than a year away."), field="expires_at")
    today = timezone.localdate()
    for lot in lots:
        if lot.expires_on and lot.expires_on < today:
            raise DoseRefused(
                _("Lot %(code)s expired on %(date)s.")
                % {"code": lot.code, "date": lot.expires_on.isoformat()},
                field="lots",
            )
    batch = Batch.objects.create(
        number=numbering.batch_number(tracer, timezone.now()),
        tracer=tracer,
        origin=origin,
        state=states.RECORDED,
        activity_mbq=activity_mbq,
        reference_at=reference_at,
        volume_ml=volume_ml,
        expires_at=expires_at,
        note=note.strip()[:200],
        created_by=by.user,
    )
    batch.lots.set(lots)
    _read(by, batch, qc or {})
    record(
        by,
        "batch.record",
        batch,
        number=batch.number,
        activity_mbq=str(activity_mbq),
        reference_at=reference_at.isoformat(),
        lots=[lot.code for lot in lots],
    )
    publish("doses", batch=batch.number, state=batch.state)
    return batch


def _read(by: Actor, batch: Batch, values: Mapping[str, Any], reason: str = "") -> None:
    """Add readings to a batch that is locked or new; nothing read before is erased."""
    known = {test.code: test for test in qc.tests_for(batch.tracer.short)}
    for code, value in values.items():
        if value in (None, ""):
            continue
        if code not in known:
            raise DoseRefused(_("There is no test “%(code)s”.") % {"code": code}, field="qc")
        try:
            entry = qc.entry(known[code], value, by=str(by), at=timezone.now(), reason=reason)
        except (TypeError, ValueError):
            raise DoseRefused(
                _("%(name)s: enter a number.") % {"name": known[code].name}, field=f"qc_{code}"
            ) from None
        batch.qc.setdefault(code, []).append(entry)
    batch.save(update_fields=["qc"])


@transaction.atomic
def record_qc(by: Actor, batch: Batch, code: str, value: Any, *, reason: str = "") -> Batch:
    """Add a reading: a late result, or a repetition with its reason. A failed late result asks for a recall."""
    by.require("doses.produce")
    batch = locked_batch(batch)
    if batch.qc.get(code) and not reason.strip():
        raise DoseRefused(_("This test has a result. Say why it is read again."), field="reason")
    _read(by, batch, {code: value}, reason.strip()[:200])
    record(
        by,
        "batch.qc",
        batch,
        number=batch.number,
        test=code,
        passed=batch.qc[code][-1]["passed"],
        reading=len(batch.qc[code]),
        reason=reason.strip()[:200],
    )
    publish("doses", batch=batch.number, state=batch.state)
    return batch


@transaction.atomic
def release_batch(by: Actor, batch: Batch, *, override_reason: str = "") -> Batch:
    """Release: every test due before it has passed, and whoever made the batch does not release it.

    With nobody else in the house the maker may, with a reason that is logged (GMP wants it to be the exception).
    """
    by.require("doses.release")
    batch = locked_batch(batch)
    if batch.expires_at <= timezone.now():
        raise DoseRefused(_("The batch has expired. Reject it."))
    blocking = qc.blocks_release(batch)
    if blocking:
        raise DoseRefused(
            _("Not released. Missing or failed: %(tests)s.")
            % {"tests": "、".join(reading.test.name for reading in blocking)},
            field="qc",
        )
    reason = override_reason.strip()
    own = (
        batch.created_by_id is not None
        and by.user is not None
        and by.user.pk == batch.created_by_id
    )
    if own and not reason:
        raise DoseRefused(
            _(
                "You made this batch: a second person releases it. If nobody is there, give the reason."
            ),
            field="override_reason",
        )
    move_batch(
        by,
        batch,
        "release",
        released_by=by.user,
        released_at=timezone.now(),
        release_reason=reason[:200] if own else "",
    )
    transaction.on_commit(lambda: batch_released.send(Batch, batch=batch), robust=True)
    return batch


@transaction.atomic
def reject_batch(by: Actor, batch: Batch, reason: str) -> Batch:
    """The batch is not to be used."""
    return move_batch(by, locked_batch(batch), "reject", closed_reason=_reason(reason))


@transaction.atomic
def recall_batch(by: Actor, batch: Batch, reason: str) -> Batch:
    """Stop the batch after its release: no unit of it may be given any more, whoever got one is listed by the trace."""
    batch = move_batch(by, locked_batch(batch), "recall", closed_reason=_reason(reason))
    transaction.on_commit(
        lambda: batch_recalled.send(Batch, batch=batch, reason=batch.closed_reason), robust=True
    )
    return batch


@transaction.atomic
def mark_used_up(by: Actor, batch: Batch) -> Batch:
    """The vial is empty."""
    return move_batch(by, locked_batch(batch), "empty")


def expire_batches(now: datetime | None = None) -> int:
    """Move batches past their expiry; run by the clock. Returns how many."""
    by = system_actor("clock", "doses.produce")
    late = Batch.objects.filter(
        state__in=(states.RECORDED, states.RELEASED), expires_at__lt=now or timezone.now()
    ).values_list("pk", flat=True)
    moved = 0
    for pk in list(late):
        with transaction.atomic():
            batch = locked_batch(pk)
            if (batch.state, "expire") in states.BATCH:
                move_batch(by, batch, "expire")
                moved += 1
    return moved


@transaction.atomic
def note_export(by: Actor, subject: str, rows: int) -> None:
    """Put on record that a list of patients left the department (a recall by telephone)."""
    by.require("patients.export")
    record(by, "dose.export", None, what=subject[:80], rows=rows)


def _reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise DoseRefused(_("Give the reason."), field="reason")
    return reason[:200]

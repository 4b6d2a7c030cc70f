"""What is recorded of an administration afterwards: residual, activity, correction, reaction (clause 4.2; H4)."""

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
from hevesy.imaging.quantify.decay import net_administered_mbq
from hevesy.records.doses import checks, states
from hevesy.records.doses.actions.administering import check_form
from hevesy.records.doses.actions.common import DoseRefused, activity, mbq, not_future
from hevesy.records.doses.events import dose_changed
from hevesy.records.doses.models import (
    Administration,
    Assay,
    Correction,
    DispensedUnit,
    Reaction,
)
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep

CORRECTABLE = ("started_at", "ended_at", "site", "laterality", "extravasation_percent")


def _locked(administration: Administration) -> Administration:
    locked = Administration.objects.select_for_update(of=("self",), no_key=True).get(
        pk=administration.pk
    )
    locked.unit = (
        DispensedUnit.objects.select_related("batch__tracer__nuclide", "step__exam")
        .prefetch_related("assays")
        .get(pk=locked.unit_id)
    )
    return locked


def _compute(administration: Administration) -> Decimal | None:
    """Net activity at injection from the assays that count; None while one is missing."""
    unit = DispensedUnit.objects.prefetch_related("assays").get(pk=administration.unit_id)
    pre, post = unit.latest(Assay.Kind.PRE), unit.latest(Assay.Kind.POST)
    if pre is None or post is None:
        return None
    try:
        net = net_administered_mbq(
            assayed_mbq=pre.activity_mbq,
            assayed_at=pre.at,
            administered_at=administration.started_at,
            half_life_s=administration.half_life_s,
            residual_mbq=post.activity_mbq,
            residual_at=post.at,
        )
    except ValueError:
        raise DoseRefused(
            _("The residual is larger than what the syringe held. Check reading and unit."),
            field="residual_mbq",
        ) from None
    return mbq(net)


@transaction.atomic
def record_residual(
    by: Actor,
    administration: Administration,
    activity_mbq: Any,
    at: datetime,
    *,
    device: Device | None = None,
    reason: str = "",
) -> Administration:
    """Measure what stayed in the syringe and compute what the patient got. A second reading wants a reason."""
    by.require("doses.administer")
    administration = _locked(administration)
    residual = activity(activity_mbq, "residual_mbq", zero=True)
    not_future(at, "residual_at")
    if at < administration.started_at:
        raise DoseRefused(_("The residual is measured after the injection."), field="residual_at")
    if administration.method == Administration.Method.MANUAL:
        raise DoseRefused(
            _("The activity of this injection was typed; a residual changes nothing.")
        )
    if administration.unit.latest(Assay.Kind.POST) and not reason.strip():
        raise DoseRefused(
            _("The residual is already recorded. Say why it is measured again."), field="reason"
        )
    Assay.objects.create(
        unit=administration.unit,
        kind=Assay.Kind.POST,
        activity_mbq=residual,
        at=at,
        device=device,
        observer=by.user,
        reason=reason.strip()[:200],
    )
    before = administration.administered_mbq
    administration.administered_mbq = _compute(administration)
    administration.save(update_fields=["administered_mbq"])
    _changed(
        by, administration, "dose.residual",
        residual_mbq=str(residual), at=at.isoformat(), before=str(before or ""),
        administered_mbq=str(administration.administered_mbq), reason=reason.strip()[:200],
    )  # fmt: skip
    return administration


def _changed(by: Actor, administration: Administration, verb: str, **details: Any) -> None:
    exam = administration.unit.step.exam if administration.unit.step else None
    record(by, verb, administration, patient_id=exam.patient_id if exam else None, **details)
    publish("doses", unit=administration.unit.number, state=states.ADMINISTERED)
    transaction.on_commit(
        lambda: dose_changed.send(Administration, administration=administration), robust=True
    )


@transaction.atomic
def set_manual_activity(
    by: Actor, administration: Administration, activity_mbq: Any, reason: str
) -> Administration:
    """Type the administered activity where it cannot be computed (broken calibrator); always marked as typed."""
    by.require("doses.administer")
    if not reason.strip():
        raise DoseRefused(
            _("The activity is computed from measurements. To type it, give the reason."),
            field="manual_reason",
        )
    administration = _locked(administration)
    before = administration.administered_mbq
    administration.administered_mbq = activity(activity_mbq, "manual_mbq")
    administration.method = Administration.Method.MANUAL
    administration.manual_reason = reason.strip()[:200]
    administration.save(update_fields=["administered_mbq", "method", "manual_reason"])
    _correct(
        by, administration, "administered_mbq", before, administration.administered_mbq, reason
    )
    _changed(
        by, administration, "dose.manual", before=str(before or ""), reason=reason.strip()[:200]
    )
    return administration


def _correct(
    by: Actor, administration: Administration, field: str, before: Any, after: Any, reason: str
) -> None:
    Correction.objects.create(
        administration=administration,
        field=field,
        before="" if before is None else str(before)[:60],
        after="" if after is None else str(after)[:60],
        reason=reason.strip()[:200],
        by=by.user,
    )


@transaction.atomic
def correct_administration(
    by: Actor, administration: Administration, *, reason: str, **changes: Any
) -> Administration:
    """Correct time or place after the fact. The original stays readable, the activity is computed anew (H4)."""
    by.require("doses.administer")
    if not reason.strip():
        raise DoseRefused(_("Say why this is corrected."), field="reason")
    unknown = set(changes) - set(CORRECTABLE)
    if unknown:
        raise ValueError(f"not correctable: {', '.join(sorted(unknown))}")
    administration = _locked(administration)
    changed = {
        field: value for field, value in changes.items() if getattr(administration, field) != value
    }
    if not changed:
        return administration
    started_at = changed.get("started_at", administration.started_at)
    ended_at = changed.get("ended_at", administration.ended_at)
    check_form(
        started_at,
        ended_at,
        administration.route,
        changed.get("site", administration.site),
        None,
        "",
    )
    assay = administration.unit.latest(Assay.Kind.PRE)
    if assay and assay.at > started_at:
        raise DoseRefused(
            _("The syringe was measured at %(time)s, after the injection time entered.")
            % {"time": checks.clock(assay.at)},
            field="started_at",
        )
    residual = administration.unit.latest(Assay.Kind.POST)
    if residual and residual.at < started_at:
        raise DoseRefused(_("The residual is measured after the injection."), field="started_at")
    for field, value in changed.items():
        _correct(by, administration, field, getattr(administration, field), value, reason)
        setattr(administration, field, value)
    if administration.method == Administration.Method.COMPUTED:
        administration.administered_mbq = _compute(administration)
    administration.save(update_fields=[*changed, "administered_mbq"])
    if "started_at" in changed:
        ExamStep.objects.filter(pk=administration.step_id).update(administered_at=started_at)
    _changed(
        by, administration, "dose.correct", fields=sorted(changed), reason=reason.strip()[:200]
    )
    return administration


@transaction.atomic
def note_reaction(
    by: Actor,
    administration: Administration,
    text: str,
    *,
    grade: int = Reaction.Grade.MILD,
    at: datetime | None = None,
    treatment: str = "",
) -> Reaction:
    """Note an adverse reaction or an extravasation (clauses 4.2, 9.2)."""
    by.require("doses.administer")
    text = text.strip()
    if not text:
        raise DoseRefused(_("Describe the reaction."), field="text")
    if grade not in Reaction.Grade.values:
        raise DoseRefused(_("Choose how severe the reaction is."), field="grade")
    at = at or timezone.now()
    not_future(at, "at")
    administration = _locked(administration)
    if at < administration.started_at:
        raise DoseRefused(_("The reaction cannot come before the injection."), field="at")
    reaction = Reaction.objects.create(
        administration=administration,
        at=at,
        grade=grade,
        text=text[:300],
        treatment=treatment.strip()[:300],
        by=by.user,
    )
    _changed(by, administration, "dose.reaction", grade=grade)
    return reaction

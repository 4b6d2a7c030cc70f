"""The administration: verified, given, residual measured, corrected (clause 4.2; reliability H1, H4, H5, H7, H8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.imaging.quantify.decay import activity_at, net_administered_mbq
from hevesy.records.doses import checks, numbering, states
from hevesy.records.doses.actions.common import (
    DoseRefused,
    DoseStop,
    activity,
    locked_unit,
    mbq,
    move_unit,
    not_future,
)
from hevesy.records.doses.checks import Finding, Intent, Level, Limits
from hevesy.records.doses.events import dose_administered, dose_changed
from hevesy.records.doses.models import (
    Administration,
    Assay,
    Correction,
    DispensedUnit,
    Reaction,
)
from hevesy.records.equipment.models import Device
from hevesy.records.exams.actions.steps import move_step
from hevesy.records.exams.models import Exam, ExamStep

ROUTES_WITH_SITE = frozenset({"IV", "IM", "ID", "SC", "IA", "IT"})


@dataclass(frozen=True, slots=True)
class Measured:
    """A reading of a dose calibrator: MBq, when, on which device."""

    activity_mbq: Any
    at: datetime
    device: Device | None = None


def verify(by: Actor, step: ExamStep, unit: DispensedUnit) -> list[Finding]:
    """Patient × syringe × order, when both are scanned. A mismatch is put on record, also if nobody injects."""
    by.require("doses.administer")
    unit = (
        DispensedUnit.objects.select_related("batch__tracer__nuclide", "step__exam__patient")
        .prefetch_related("assays")
        .get(pk=unit.pk)
    )
    step = ExamStep.objects.select_related("exam__patient", "tracer", "phase").get(pk=step.pk)
    findings = checks.identity(step, unit)
    _record_stop(by, step, unit, findings)
    return findings


def _record_stop(
    by: Actor, step: ExamStep, unit: DispensedUnit, findings: Sequence[Finding]
) -> None:
    stops = [finding for finding in findings if finding.level is Level.STOP]
    if not stops:
        return
    with transaction.atomic():
        record(
            by,
            "dose.stop",
            unit,
            patient_id=step.exam.patient_id,
            outcome="refused",
            number=unit.number,
            exam=step.exam.number,
            checks=[finding.code for finding in stops],
        )
        publish("doses", unit=unit.number, stop=True)


def administer(
    by: Actor,
    step: ExamStep,
    unit: DispensedUnit,
    *,
    started_at: datetime,
    ended_at: datetime | None = None,
    route: str = "IV",
    site: str = "",
    laterality: str = "",
    pre_assay: Measured | None = None,
    overrides: Sequence[Mapping[str, Any]] = (),
    second: User | None = None,
    clock_skew_s: float | None = None,
    identified_by: str = "scan",
    manual_mbq: Any = None,
    manual_reason: str = "",
) -> Administration:
    """Record that this unit went into the patient of this step.

    Everything of `checks.judge` is judged again under locks. A STOP raises `DoseStop` and leaves an audit row; a WARN
    wants `{"check": code, "reason": …}` in `overrides`; a SECOND wants that and either the right `doses.override` or
    `second`, another person who may administer. `pre_assay` adds a reading made just now. The activity is computed
    when the residual is recorded; `manual_mbq` with `manual_reason` where nothing can be measured.
    """
    by.require("doses.administer")
    try:
        return _administer(
            by, step, unit,
            started_at=started_at, ended_at=ended_at, route=route, site=site.strip(),
            laterality=laterality, pre_assay=pre_assay, overrides=[dict(row) for row in overrides],
            second=second, clock_skew_s=clock_skew_s, identified_by=identified_by,
            manual_mbq=manual_mbq, manual_reason=manual_reason.strip(),
        )  # fmt: skip
    except DoseStop as stop:
        # The attempt itself is a safety event: it stays although the transaction is gone.
        _record_stop(by, step, unit, stop.findings)
        raise


@transaction.atomic
def _administer(
    by: Actor,
    step: ExamStep,
    unit: DispensedUnit,
    *,
    started_at: datetime,
    ended_at: datetime | None,
    route: str,
    site: str,
    laterality: str,
    pre_assay: Measured | None,
    overrides: list[dict[str, Any]],
    second: User | None,
    clock_skew_s: float | None,
    identified_by: str,
    manual_mbq: Any,
    manual_reason: str,
) -> Administration:
    now = timezone.now()
    _check_form(started_at, ended_at, route, site, manual_mbq, manual_reason)
    # Locks in the order of the house: exam, batch, unit, step.
    Exam.objects.select_for_update(no_key=True).get(pk=step.exam_id)
    unit = locked_unit(unit)
    step = (
        ExamStep.objects.select_for_update(of=("self",), no_key=True)
        .select_related("exam__patient", "tracer", "phase")
        .get(pk=step.pk)
    )
    reading, read_at = _reading(unit, pre_assay)
    held = None
    if reading is not None and read_at is not None:
        held = activity_at(
            reading, measured_at=read_at, at=started_at, half_life_s=unit.batch.half_life_s
        )
    findings = checks.judge(
        Intent(
            step=step,
            unit=unit,
            started_at=started_at,
            now=now,
            planned_mbq=checks.planned_mbq(step),
            activity_mbq=held,
            assayed_at=read_at,
            clock_skew_s=clock_skew_s,
            identified_by=identified_by,
            manual=manual_mbq not in (None, ""),
        ),
        Limits.of_site(),
    )
    stops = [finding for finding in findings if finding.level is Level.STOP]
    if stops:
        raise DoseStop(stops)
    accepted = _accept(by, findings, overrides, second)
    if pre_assay is not None:
        Assay.objects.create(
            unit=unit,
            kind=Assay.Kind.PRE,
            activity_mbq=activity(pre_assay.activity_mbq, "pre_assay"),
            at=pre_assay.at,
            device=pre_assay.device,
            observer=by.user,
        )
    manual = manual_mbq not in (None, "")
    administration = Administration.objects.create(
        uid=numbering.event_uid(),
        step=step,
        unit=unit,
        started_at=started_at,
        ended_at=ended_at,
        route=route,
        site=site[:40],
        laterality=laterality[:1],
        half_life_s=unit.batch.half_life_s,
        administered_mbq=activity(manual_mbq, "manual_mbq") if manual else None,
        method=Administration.Method.MANUAL if manual else Administration.Method.COMPUTED,
        manual_reason=manual_reason[:200],
        identified_by=identified_by,
        by=by.user,
        second=second,
        overrides=accepted,
    )
    move_unit(by, unit, "administer", closed_at=now)
    move_step(by, step, "administer", at=started_at)
    if step.phase and not step.phase.acquires:
        # A therapy dose or a capsule for tomorrow's picture: nothing else happens in this step.
        move_step(
            system_actor("doses", "exams.acquire", channel=by.channel),
            step,
            "finish",
            at=started_at,
        )
    record(
        by,
        "dose.administer",
        administration,
        patient_id=step.exam.patient_id,
        unit=unit.number,
        batch=unit.batch.number,
        exam=step.exam.number,
        step=step.number,
        started_at=started_at.isoformat(),
        activity_mbq=None if held is None else round(held, 3),
        overrides=accepted,
        second=second.pk if second else None,
        identified_by=identified_by,
    )
    transaction.on_commit(
        lambda: dose_administered.send(Administration, administration=administration), robust=True
    )
    return administration


def _check_form(
    started_at: datetime,
    ended_at: datetime | None,
    route: str,
    site: str,
    manual_mbq: Any,
    manual_reason: str,
) -> None:
    not_future(started_at, "started_at")
    if ended_at is not None:
        not_future(ended_at, "ended_at")
        if ended_at < started_at:
            raise DoseRefused(_("The injection would end before it began."), field="ended_at")
    if route in ROUTES_WITH_SITE and not site:
        raise DoseRefused(_("Enter the injection site."), field="site")
    if manual_mbq not in (None, "") and not manual_reason:
        raise DoseRefused(
            _("The activity is computed from measurements. To type it, give the reason."),
            field="manual_reason",
        )


def _reading(
    unit: DispensedUnit, pre_assay: Measured | None
) -> tuple[Decimal | None, datetime | None]:
    if pre_assay is not None:
        not_future(pre_assay.at, "pre_assay_at")
        return activity(pre_assay.activity_mbq, "pre_assay"), pre_assay.at
    assay = unit.latest(Assay.Kind.PRE)
    return (assay.activity_mbq, assay.at) if assay else (None, None)


def _accept(
    by: Actor, findings: Sequence[Finding], overrides: list[dict[str, Any]], second: User | None
) -> list[dict[str, Any]]:
    """Check that every warning is answered and return the answers as they are stored."""
    open_findings = checks.unanswered(findings, overrides)
    if open_findings:
        raise DoseRefused(
            _("Give a reason: %(what)s.")
            % {"what": "；".join(finding.message for finding in open_findings)},
            field=f"override_{open_findings[0].code}",
        )
    needs_second = [finding for finding in findings if finding.level is Level.SECOND]
    if needs_second and not by.may("doses.override"):
        fits = (
            second is not None
            and by.user is not None
            and second.pk != by.user.pk
            and (second.may("doses.administer") or second.may("doses.override"))
        )
        if not fits:
            raise DoseRefused(
                _("A second person must agree: %(what)s.")
                % {"what": "；".join(finding.message for finding in needs_second)},
                field="second",
            )
    reasons = {str(row.get("check")): str(row.get("reason", "")).strip() for row in overrides}
    return [
        {
            "check": finding.code,
            "level": finding.level.name.lower(),
            "message": finding.message,
            "reason": reasons[finding.code][:200],
        }
        for finding in findings
        if finding.level in (Level.WARN, Level.SECOND)
    ]


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


CORRECTABLE = ("started_at", "ended_at", "site", "laterality", "extravasation_percent")


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
    _check_form(
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

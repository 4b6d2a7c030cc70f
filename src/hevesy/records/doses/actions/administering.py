"""The administration itself: who is it, is it right, given (clause 4.2; reliability H1, H5, H7, H8)."""

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
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.doses import checks, numbering
from hevesy.records.doses.actions.common import (
    DoseRefused,
    DoseStop,
    activity,
    locked_unit,
    move_unit,
    not_future,
)
from hevesy.records.doses.checks import Finding, Intent, Level, Limits
from hevesy.records.doses.events import dose_administered
from hevesy.records.doses.models import (
    Administration,
    Assay,
    DispensedUnit,
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
    check_form(started_at, ended_at, route, site, manual_mbq, manual_reason)
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


def check_form(
    started_at: datetime,
    ended_at: datetime | None,
    route: str,
    site: str,
    manual_mbq: Any,
    manual_reason: str,
) -> None:
    """Raise `DoseRefused` for times and places that no injection can have."""
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

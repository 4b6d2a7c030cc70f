"""The page of the check before the injection: its tiles, chips and fields, or the red screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.desks.technologist import checking, forms, sites
from hevesy.desks.technologist.checking import Check
from hevesy.foundation.accounts.guards import StaffRequest
from hevesy.records.doses import checks
from hevesy.records.doses.actions import DoseRefused, verify
from hevesy.records.doses.actions.administering import ROUTES_WITH_SITE
from hevesy.records.doses.checks import Finding, Intent, Level, Limits
from hevesy.records.doses.models import Assay, DispensedUnit
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep


def show(
    request: StaffRequest,
    check: Check,
    *,
    refusal: DoseRefused | None = None,
    data: Mapping[str, Any] | None = None,
) -> HttpResponse:
    step, unit = checking.load_step(check.step), checking.load_unit(check.unit)
    if step and unit and check.complete:
        stops = [f for f in verify(request.actor, step, unit) if f.level is Level.STOP]
        if stops:
            return red_screen(request, check, step, unit, stops)
    context = context_of(request, check, step, unit, data or {})
    context["refusal"] = refusal
    context["bad"] = forms.faults(refusal)
    template = "technologist/_inject.html" if request.htmx else "technologist/inject.html"
    return render(request, template, context, status=422 if refusal else 200)


def context_of(
    request: StaffRequest,
    check: Check,
    step: ExamStep | None,
    unit: DispensedUnit | None,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    tiles = checking.tiles(check, step, unit)
    route = step.tracer.route if step and step.tracer else "IV"
    context: dict[str, Any] = {
        "bad": forms.faults(None),
        "check": check,
        "signed": check.signed(),
        "tiles": tiles,
        "step": step,
        "unit": unit,
        "complete": check.complete,
        "sites": sites.OPTIONS,
        "wants_site": route in ROUTES_WITH_SITE,
        "route": sites.route_word(route),
        "data": data,
        "calibrators": _calibrators(),
        "of": step.exam.steps.filter(administers=True).count() if step else 0,
    }
    if step and unit and check.complete:
        context["assay"] = unit.latest(Assay.Kind.PRE)
        context.update(_judged(request, check, step, unit, data))
        if step.uptake_min:
            started = context["started_at"]
            context["target_at"] = started + timedelta(minutes=step.uptake_min)
            context["earliest_at"] = started + timedelta(
                minutes=step.uptake_earliest_min or step.uptake_min
            )
            context["latest_at"] = started + timedelta(
                minutes=step.uptake_latest_min or step.uptake_min
            )
    return context


def _calibrators() -> list[tuple[str, str]]:
    found = Device.objects.filter(kind=Device.Kind.DOSE_CALIBRATOR).order_by("sort", "id")
    return [(device.code, device.name) for device in found]


def _judged(
    request: StaffRequest,
    check: Check,
    step: ExamStep,
    unit: DispensedUnit,
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """Chips, and which of them ask for a reason; by the form as far as it is filled."""
    now = timezone.now()
    started_at, held, assayed_at = now, None, None
    try:
        started_at = forms.moment(data.get("started_time", ""), "started_time") or now
        measured = forms.reading(data, "pre")
        if measured:
            held, assayed_at = (
                _decayed(unit, float(measured.activity_mbq), measured.at, started_at),
                measured.at,
            )
    except DoseRefused:
        pass  # half-typed: the commit says what is wrong
    if held is None:
        latest = unit.latest(Assay.Kind.PRE)
        if latest:
            held, assayed_at = unit.activity_mbq(started_at), latest.at
    findings = checks.judge(
        Intent(
            step=step,
            unit=unit,
            started_at=started_at,
            now=now,
            planned_mbq=checks.planned_mbq(step),
            activity_mbq=held,
            assayed_at=assayed_at,
            clock_skew_s=forms.skew_s(data),
            identified_by=check.identified_by,
            manual=bool(data.get("manual_mbq")),
        ),
        Limits.of_site(),
    )
    asked = [f for f in findings if f.level in (Level.WARN, Level.SECOND)]
    given = {row["check"]: row["reason"] for row in forms.reasons(data)}
    if check.reason:
        given.setdefault("manual", check.reason)
    return {
        "findings": findings,
        "asked": [(f, given.get(f.code, "")) for f in asked],
        "stops": [f for f in findings if f.level is Level.STOP],
        "needs_second": any(f.level is Level.SECOND for f in asked)
        and not request.actor.may("doses.override"),
        "gross_mbq": held,
        "planned_mbq": checks.planned_mbq(step),
        "started_at": started_at,
    }


def _decayed(unit: DispensedUnit, activity: float, at: datetime, when: datetime) -> float:
    from hevesy.imaging.quantify.decay import activity_at

    return activity_at(activity, measured_at=at, at=when, half_life_s=unit.batch.half_life_s)


def red_screen(
    request: StaffRequest,
    check: Check,
    step: ExamStep,
    unit: DispensedUnit,
    stops: list[Finding],
) -> HttpResponse:
    """The red screen. Its only way out puts the syringe down."""
    right = step.units.filter(state__in=("dispensed", "received")).first()
    todo = [_("Put syringe %(unit)s down, back into its shield.") % {"unit": unit.number}]
    if right and right.pk != unit.pk:
        todo.append(_("Take syringe %(unit)s and scan it.") % {"unit": right.number})
    else:
        todo.append(_("Ask the hot laboratory for the right dose."))
    owner = unit.step.exam.patient if unit.step else None
    if owner and _alike(owner.name_zh, step.exam.patient.name_zh):
        todo.append(_("The names are alike: let the patient say full name and birth date."))
    station = request.actor.station
    context = {
        "line": " ".join(finding.message for finding in stops[:2]),
        "tiles": checking.tiles(check, step, unit),
        "todo": todo,
        "signed": check.without_unit().signed(),
        "unit": unit,
        "foot": _("Recorded: %(time)s, %(who)s%(where)s.")
        % {
            "time": timezone.localtime().strftime("%H:%M:%S"),
            "who": str(request.actor),
            "where": f", {station.name}" if station else "",
        },
    }
    template = "technologist/_stop.html" if request.htmx else "technologist/stop.html"
    return render(request, template, context)


def _alike(one: str, other: str) -> bool:
    """Whether two names are easily taken for each other: same surname and length, or one sign apart."""
    if one == other:
        return True
    if len(one) != len(other):
        return False
    return one[0] == other[0] or sum(a != b for a, b in zip(one, other, strict=True)) == 1

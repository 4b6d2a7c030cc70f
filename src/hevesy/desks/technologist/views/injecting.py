"""The injection: patient × syringe × order, then time and place, then what stayed in the syringe (clauses 4.2, 4.3)."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from hevesy.desks.technologist import checking, forms, sites
from hevesy.desks.technologist.checking import Check, CheckRefused
from hevesy.desks.technologist.views.check_page import context_of, red_screen, show
from hevesy.desks.technologist.views.residual import residual_dialog
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.accounts.models import User
from hevesy.foundation.stations import qr
from hevesy.foundation.ui.toasts import toast
from hevesy.records.doses import checks
from hevesy.records.doses.actions import (
    DoseRefused,
    DoseStop,
    administer,
    receive_unit,
    return_unit,
)
from hevesy.records.doses.models import DispensedUnit
from hevesy.records.doses.queries import unit_by_code, unit_by_number
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.queries import by_code, by_number, visible_to
from hevesy.records.patients.identity import read_date

HARD = frozenset({"identity", "product", "used", "released", "expired", "step"})
"""Findings that fill the screen. The others belong to a field and are shown where they can be answered."""


@needs("doses.administer")
def inject(request: StaffRequest) -> HttpResponse:
    """Open the check: from a row (`step`), from a scanned code (`code`), or empty."""
    check = checking.read(request.GET.get("check", ""), request.actor)
    if step := request.GET.get("step", ""):
        found = get_object_or_404(ExamStep, pk=step if step.isdecimal() else 0)
        check = Check(check.user, step=found.pk)
    if text := request.GET.get("code", ""):
        return _take(request, check, text, "scan" if request.GET.get("scanned") else "manual")
    return show(request, check)


@needs("doses.administer")
@require_POST
def scan(request: StaffRequest) -> HttpResponse:
    """One more code was scanned: patient or syringe, in any order."""
    check = checking.read(request.POST.get("check", ""), request.actor)
    how = "scan" if request.headers.get("X-Hevesy-Scan") else "manual"
    return _take(request, check, request.POST.get("text", ""), how)


def _take(request: StaffRequest, check: Check, text: str, how: str) -> HttpResponse:
    scanned = qr.read(text)
    if scanned.kind == "E":
        exam = by_code(scanned.code)
        if exam is None or not visible_to(request.actor).filter(pk=exam.pk).exists():
            raise CheckRefused(_("No examination belongs to this code."))
        return _with_patient(request, check, exam, how)
    if scanned.kind == "U":
        unit = unit_by_code(scanned.code)
        if unit is None:
            raise CheckRefused(_("This syringe is unknown here. Ask the hot laboratory."))
        return _with_unit(request, check, unit, how)
    raise CheckRefused(_("Scan the patient's code and the syringe."))


def _with_patient(
    request: StaffRequest, check: Check, exam: Exam, how: str, reason: str = ""
) -> HttpResponse:
    chosen = checking.load_step(check.step)
    if chosen is not None and chosen.exam_id != exam.pk:
        if check.unit_by and not check.patient_by:
            # The syringe came first: its order stands, and the person in the chair is somebody else.
            step = _open_step(exam) or exam.steps.first()
            return show(request, check.with_patient(_need(step), how, reason))
        raise CheckRefused(
            _("This is %(name)s, %(number)s; the row you opened is %(other)s. Open the right one.")
            % {
                "name": exam.patient.name_zh,
                "number": exam.number,
                "other": chosen.exam.patient.name_zh,
            }
        )
    step = chosen or _open_step(exam)
    if step is None and not check.unit_by:
        # Nothing to inject: the patient comes for the scan, or asks something.
        response = redirect("technologist:side", exam.number)
        return HttpResponseClientRedirect(response.url) if request.htmx else response
    if step is None:
        raise CheckRefused(
            _("%(name)s, %(number)s: no injection is open.")
            % {"name": exam.patient.name_zh, "number": exam.number}
        )
    return show(request, check.with_patient(step, how, reason))


def _need(step: ExamStep | None) -> ExamStep:
    if step is None:
        raise CheckRefused(_("This examination has no steps."))
    return step


def _open_step(exam: Exam) -> ExamStep | None:
    """The first step that still wants its dose."""
    return (
        exam.steps.filter(
            administers=True,
            tracer__isnull=False,
            administered_at=None,
            state__in=("planned", "ready", "acquiring"),
        )
        .order_by("number")
        .first()
    )


def _with_unit(
    request: StaffRequest, check: Check, unit: DispensedUnit, how: str, reason: str = ""
) -> HttpResponse:
    if unit.state == "dispensed":
        # The first scan at the injection room is the receipt.
        receive_unit(request.actor, unit)
    return show(request, check.with_unit(unit, how, reason))


@needs("doses.administer")
@require_POST
def manual(request: StaffRequest) -> HttpResponse:
    """Two identifiers and a reason instead of a scan; marked as such for ever (GUIDE §6)."""
    check = checking.read(request.POST.get("check", ""), request.actor)
    reason = request.POST.get("reason", "").strip()
    if not reason:
        raise CheckRefused(_("Say why it is not scanned."))
    if request.POST.get("what") == "unit":
        unit = unit_by_number(request.POST.get("unit", ""))
        name = request.POST.get("name", "").strip()
        owner = unit.step.exam.patient.name_zh if unit and unit.step else ""
        if unit is None or not name or name != owner:
            raise CheckRefused(
                _("Unit number and the name on the label do not belong together. Read both again.")
            )
        return _with_unit(request, check, unit, "manual", reason)
    exam = by_number(request.POST.get("number", ""))
    born = read_date(request.POST.get("born", ""))
    known = exam is not None and visible_to(request.actor).filter(pk=exam.pk).exists()
    if not known or exam is None or born is None or exam.patient.birth_date != born:
        raise CheckRefused(
            _("Number and birth date do not belong together. Ask the patient again.")
        )
    return _with_patient(request, check, exam, "manual", reason)


@needs("doses.administer")
@require_POST
def judge(request: StaffRequest) -> HttpResponse:
    """The chips anew while the form is filled in."""
    check = checking.read(request.POST.get("check", ""), request.actor)
    step, unit = checking.load_step(check.step), checking.load_unit(check.unit)
    if not (step and unit and check.complete):
        raise Http404
    return render(
        request, "technologist/_judged.html", context_of(request, check, step, unit, request.POST)
    )


@needs("doses.administer")
@require_POST
def commit(request: StaffRequest) -> HttpResponse:
    """The syringe was emptied into the patient: write it, then ask for the residual."""
    check = checking.read(request.POST.get("check", ""), request.actor)
    step, unit = checking.load_step(check.step), checking.load_unit(check.unit)
    if not (step and unit and check.complete):
        raise CheckRefused(_("Scan patient and syringe first."))
    data = request.POST
    try:
        started_at = forms.moment(data.get("started_time", ""), "started_time")
        if started_at is None:
            raise DoseRefused(_("Enter when the injection began (F7: now)."), field="started_time")
        words, side = sites.SITES.get(data.get("site", ""), ("", ""))
        answers = forms.reasons(data)
        if check.reason and all(row["check"] != "manual" for row in answers):
            answers.append({"check": "manual", "reason": check.reason})
        administration = administer(
            request.actor,
            step,
            unit,
            started_at=started_at,
            ended_at=forms.moment(data.get("ended_time", ""), "ended_time"),
            route=step.tracer.route if step.tracer else "IV",
            site=str(words),
            laterality=side,
            pre_assay=forms.reading(data, "pre"),
            overrides=answers,
            second=_second(request),
            clock_skew_s=forms.skew_s(data),
            identified_by=check.identified_by,
            manual_mbq=forms.number(data.get("manual_mbq", ""), "manual_mbq"),
            manual_reason=data.get("manual_reason", ""),
        )
    except DoseStop as stop:
        hard = [finding for finding in stop.findings if finding.code in HARD]
        if hard:
            return red_screen(request, check, step, unit, hard)
        return show(request, check, refusal=stop, data=data)
    except DoseRefused as refusal:
        return show(request, check, refusal=refusal, data=data)
    toast(
        request,
        _("%(name)s: injection recorded at %(time)s.")
        % {"name": step.exam.patient.name_zh, "time": checks.clock(started_at)},
    )
    return residual_dialog(request, administration)


def _second(request: StaffRequest) -> User | None:
    """The second person, who shows who they are by name and password; nobody is logged in by it."""
    username = request.POST.get("second_username", "").strip()
    password = request.POST.get("second_password", "")
    if not username or not password:
        return None
    person = authenticate(request, username=username, password=password)
    if person is None:
        raise DoseRefused(_("Name or password of the second person is wrong."), field="second")
    return person if isinstance(person, User) else None


@needs("doses.administer")
@require_POST
def give_back(request: StaffRequest, code: str) -> HttpResponse:
    """The dose is not given: it goes back to the hot laboratory with a reason."""
    unit = get_object_or_404(DispensedUnit, code=code)
    return_unit(
        request.actor,
        unit,
        request.POST.get("reason", ""),
        activity_mbq=forms.number(request.POST.get("return_mbq", ""), "return_mbq"),
    )
    toast(request, _("Syringe %(unit)s was returned.") % {"unit": unit.number})
    from hevesy.desks.technologist.views.acquiring import close

    return close(HttpResponse(status=204))

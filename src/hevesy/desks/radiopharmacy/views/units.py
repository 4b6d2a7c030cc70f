"""Drawing a dose, its page, and what becomes of one that is not given (clauses 9.1, 9.2, 9.4)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from hevesy.desks.radiopharmacy import boards, forms
from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.imaging.quantify.decay import activity_at
from hevesy.records.doses import actions, qc, queries, states
from hevesy.records.doses.actions import DoseRefused
from hevesy.records.doses.checks import planned_mbq
from hevesy.records.doses.models import DispensedUnit
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep

CALIBRATOR_KEY = "radiopharmacy_calibrator"


@require_http_methods(["GET", "POST"])
@needs("doses.dispense")
def dispense_for(request: StaffRequest, pk: int) -> HttpResponse:
    """Draw and measure the dose of a step: batch, volume to draw, reading."""
    step = get_object_or_404(
        ExamStep.objects.select_related(
            "exam__patient", "exam__item", "tracer__nuclide", "phase"
        ).exclude(tracer=None),
        pk=pk,
    )
    refusal = None
    if request.method == "POST":
        try:
            made = _dispense(request, step)
        except DoseRefused as refused:
            refusal = refused
        else:
            toast(request, _("%(number)s is dispensed.") % {"number": made.number})
            return redirect(f"{reverse('radiopharmacy:unit', args=[made.number])}?drawn=1")
    return _form(request, step, refusal)


def _form(request: StaffRequest, step: ExamStep, refusal: DoseRefused | None) -> HttpResponse:
    now = timezone.now()
    wanted = planned_mbq(step)
    due = max(queries.injection_due(step) or now, now)
    data = request.POST if request.method == "POST" else request.GET
    choices = boards.choices(request.actor, step, wanted, due, data.get("batch", ""))
    chosen = next((choice for choice in choices if choice.chosen), None)
    suggested = f"{chosen.volume_ml:.2f}" if chosen and chosen.volume_ml else ""
    drawn_now = None
    if wanted and step.tracer:
        drawn_now = activity_at(
            wanted, measured_at=due, at=now, half_life_s=step.tracer.nuclide.half_life_s
        )
    context: dict[str, Any] = {
        "step": step,
        "exam": step.exam,
        "wanted": wanted,
        "wanted_now": drawn_now,
        "due": due,
        "choices": choices,
        "chosen": chosen,
        "suggested": suggested,
        "data": data,
        "volume": data.get("volume_ml", suggested) if request.method == "POST" else suggested,
        "calibrators": [("", "—")]
        + [
            (device.code, device.name)
            for device in Device.objects.filter(kind=Device.Kind.DOSE_CALIBRATOR)
        ],
        "calibrator": data.get("device") or request.session.get(CALIBRATOR_KEY, ""),
        "refusal": refusal,
        "bad": {
            name: forms.faults(refusal).get(name, "")
            for name in ("volume_ml", "assay_mbq", "assayed_at", "batch")
        },
        "usable": step.units.filter(state__in=states.USABLE).first(),
        "following": [row for row in boards.waiting(request.actor) if row.step.pk != step.pk][:6],
    }
    template = "radiopharmacy/_dispense.html" if request.htmx else "radiopharmacy/dispense.html"
    return render(request, template, context, status=422 if refusal else 200)


def _dispense(request: StaffRequest, step: ExamStep) -> DispensedUnit:
    data = request.POST
    batch = queries.batch(request.actor, forms.printable(data.get("batch", "")))
    if batch is None:
        raise DoseRefused(_("Choose the batch."), field="batch")
    if not data.get("assay_time", "").strip():
        raise DoseRefused(_("A reading needs its time."), field="assayed_at")
    code = data.get("device", "")
    device = Device.objects.filter(
        code=forms.printable(code), kind=Device.Kind.DOSE_CALIBRATOR
    ).first()
    now = timezone.now()
    made = actions.dispense(
        request.actor,
        batch,
        step,
        forms.plain(data.get("volume_ml", "")),
        forms.plain(data.get("assay_mbq", "")),
        forms.time_of_day(data["assay_time"], "assayed_at"),
        device,
        planned_at=max(queries.injection_due(step) or now, now),
        reason=data.get("reason", ""),
    )
    request.session[CALIBRATOR_KEY] = device.code if device else ""
    return made


def _load(request: StaffRequest, number: str) -> DispensedUnit:
    text = forms.printable(number)
    found = queries.unit_by_code(text) or queries.unit_by_number(text)
    if found is None:
        raise Http404
    return found


def _may(by: Actor, unit: DispensedUnit, move: str) -> bool:
    _next, permissions = states.UNIT.get((unit.state, move), ("", ()))
    return any(by.may(permission) for permission in permissions)


@needs("doses.view")
def unit(request: StaffRequest, number: str) -> HttpResponse:
    """One unit: back to batch, lots, tests and signatures; forward to the patient."""
    found, by = _load(request, number), request.actor
    batch = queries.batch(by, found.batch.number)
    if batch is None:
        raise Http404
    given = [row for row in queries.recipients(by, [batch]) if row.unit_id == found.pk]
    context = {
        "unit": found,
        "chip": boards.unit_chip(found),
        "batch": batch,
        "batch_chip": boards.batch_chip(batch),
        "readings": qc.readings(batch),
        "given": given,
        "assays": list(found.assays.all()),
        "moves": [move for move in ("return", "discard") if _may(by, found, move)],
        "may_print": by.may("documents.print"),
        "drawn": "drawn" in request.GET,
        "following": next(iter(boards.waiting(by)), None) if by.may("doses.dispense") else None,
    }
    return render(request, "radiopharmacy/unit.html", context)


@require_http_methods(["GET", "POST"])
@needs("doses.dispense", "doses.administer")
def give_up(request: StaffRequest, number: str, move: str) -> HttpResponse:
    """Take an unused dose back, or send it to decay; both with a reason."""
    if move not in ("return", "discard"):
        raise Http404
    if move == "discard":
        request.actor.require("doses.dispense")
    found = _load(request, number)
    refusal = None
    if request.method == "POST":
        reason = request.POST.get("reason", "")
        try:
            if move == "return":
                activity = forms.plain(request.POST.get("activity_mbq", ""))
                actions.return_unit(request.actor, found, reason, activity_mbq=activity)
            else:
                actions.discard_unit(request.actor, found, reason)
        except DoseRefused as refused:
            refusal = refused
        else:
            toast(request, _("%(number)s is recorded.") % {"number": found.number})
            address = reverse("radiopharmacy:unit", args=[found.number])
            if request.htmx:
                return HttpResponse(status=204, headers={"HX-Redirect": address})
            return redirect(address)
    bad = forms.faults(refusal)
    context = {
        "unit": found,
        "move": move,
        "data": request.POST,
        "refusal": refusal,
        "bad_reason": bad.get("reason", ""),
        "bad_activity": bad.get("activity_mbq", ""),
    }
    template = "radiopharmacy/_give_up.html" if request.htmx else "radiopharmacy/give_up.html"
    return render(request, template, context, status=422 if refusal else 200)

"""After the injection: what stayed in the syringe, what the patient got, how the patient bears it (clause 4.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from hevesy.desks.technologist import forms
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.imaging.quantify.decay import net_administered_mbq
from hevesy.records.doses.actions import (
    DoseRefused,
    note_reaction,
    record_residual,
    set_manual_activity,
)
from hevesy.records.doses.checks import planned_mbq
from hevesy.records.doses.models import Administration, Assay, Reaction
from hevesy.records.equipment.models import Device


def _load(pk: int) -> Administration:
    return get_object_or_404(
        Administration.objects.select_related(
            "unit__batch__tracer__nuclide", "step__exam__patient", "step__phase", "step__tracer"
        ).prefetch_related("unit__assays", "reactions"),
        pk=pk,
    )


def residual_dialog(
    request: StaffRequest, administration: Administration, refusal: DoseRefused | None = None
) -> HttpResponse:
    """The second half of the injection: residual, reaction."""
    administration = _load(administration.pk)
    context = {
        "administration": administration,
        "exam": administration.step.exam,
        "assay": administration.unit.latest(Assay.Kind.PRE),
        "residual": administration.unit.latest(Assay.Kind.POST),
        "refusal": refusal,
        "bad": forms.faults(refusal),
        "data": request.POST if refusal else {},
        "calibrators": [
            (device.code, device.name)
            for device in Device.objects.filter(kind=Device.Kind.DOSE_CALIBRATOR)
        ],
        "grades": Reaction.Grade.choices,
        **_net(administration, None, None),
    }
    template = "technologist/_residual.html" if request.htmx else "technologist/residual.html"
    return render(request, template, context, status=422 if refusal else 200)


def _net(administration: Administration, activity: Any, at: datetime | None) -> dict[str, Any]:
    """Net activity with the residual of the form, else as recorded, else gross; and how it compares to the order."""
    assay = administration.unit.latest(Assay.Kind.PRE)
    net, provisional = administration.best_mbq, administration.is_provisional
    if activity is not None and at is not None and assay is not None:
        try:
            net = net_administered_mbq(
                assayed_mbq=assay.activity_mbq,
                assayed_at=assay.at,
                administered_at=administration.started_at,
                half_life_s=administration.half_life_s,
                residual_mbq=activity,
                residual_at=at,
            )
            provisional = False
        except ValueError:
            return {
                "net_mbq": None,
                "line": _("The residual is larger than the dose."),
                "tone": "red",
            }
    planned = planned_mbq(administration.step)
    line, tone = "", "ok"
    if net and planned:
        percent = net / planned * 100
        line = _("%(percent)s %% of the order") % {"percent": f"{percent:.1f}"}
        tone = "ok" if abs(percent - 100) <= 10 else "amber"
    parts = []
    if assay:
        minutes = (administration.started_at - assay.at).total_seconds() / 60
        parts.append(
            _("%(assay)s MBq, %(minutes)s min of decay")
            % {"assay": f"{assay.activity_mbq:.1f}", "minutes": f"{minutes:.1f}"}
        )
    if provisional:
        parts.append(_("residual still to be measured"))
    elif activity is not None:
        parts.append(_("minus residual %(residual)s") % {"residual": f"{float(activity):g}"})
    tracer = administration.unit.batch.tracer
    if net and tracer.effective_dose_msv_per_mbq:
        dose = f"{net * tracer.effective_dose_msv_per_mbq:.1f}"
        parts.append(_("effective dose about %(dose)s mSv") % {"dose": dose})
    how = pgettext("between parts", "; ").join(parts)
    return {"net_mbq": net, "line": line, "tone": tone, "how": how}


@needs("doses.administer")
def residual(request: StaffRequest, pk: int) -> HttpResponse:
    """Record the residual; GET opens the dialog again for one that was left for later."""
    administration = _load(pk)
    if request.method != "POST":
        return residual_dialog(request, administration)
    data = request.POST
    try:
        activity = forms.number(data.get("residual_mbq", ""), "residual_mbq")
        at = forms.moment(data.get("residual_time", ""), "residual_time")
        if activity is not None and at is None:
            raise DoseRefused(_("A reading needs its time."), field="residual_time")
        if activity is not None and at is not None:
            device = Device.objects.filter(code=data.get("residual_device", "")).first()
            administration = record_residual(
                request.actor,
                administration,
                activity,
                at,
                device=device,
                reason=data.get("reason", ""),
            )
        elif typed := forms.number(data.get("manual_mbq", ""), "manual_mbq"):
            administration = set_manual_activity(
                request.actor, administration, typed, data.get("manual_reason", "")
            )
        if data.get("reaction", "").strip():
            _note(request, administration)
    except DoseRefused as refusal:
        return residual_dialog(request, administration, refusal)
    if administration.administered_mbq is not None:
        toast(
            request,
            _("Administered: %(activity)s MBq.")
            % {"activity": f"{administration.administered_mbq:.1f}"},
        )
    if not request.htmx:
        return redirect("technologist:worklist")
    from hevesy.desks.technologist.views.acquiring import close

    return close(HttpResponse(status=204))


def _note(request: StaffRequest, administration: Administration) -> None:
    grade = request.POST.get("grade", "1")
    note_reaction(
        request.actor,
        administration,
        request.POST["reaction"],
        grade=int(grade) if grade.isdecimal() else 1,
        treatment=request.POST.get("treatment", ""),
    )


@needs("doses.administer")
@require_POST
def preview(request: StaffRequest, pk: int) -> HttpResponse:
    """The net activity while the residual is typed; computed here, not in the browser."""
    administration = _load(pk)
    try:
        activity = forms.number(request.POST.get("residual_mbq", ""), "residual_mbq")
        at = forms.moment(request.POST.get("residual_time", ""), "residual_time")
    except DoseRefused:
        activity = at = None
    if activity is not None and activity < 0:
        activity = None
    return render(request, "technologist/_net.html", _net(administration, activity, at))

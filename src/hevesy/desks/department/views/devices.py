"""Devices: network data, calendar, state of service and what is booked on one that is down."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.department.forms.devices import DeviceForm, ServiceForm
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.equipment.actions import save_device, set_availability
from hevesy.records.equipment.models import Device
from hevesy.records.exams import queries

VIEWS = ("equipment.edit", "catalogue.edit")


@require_GET
@needs(*VIEWS)
def devices(request: StaffRequest) -> HttpResponse:
    """Every device, those out of use last."""
    rows = Device.objects.select_related("room").prefetch_related("modality_classes")
    context = {
        "rows": rows.order_by("-active", "sort", "id"),
        "may_edit": request.actor.may("equipment.edit"),
    }
    return render(request, "department/devices.html", context)


@require_http_methods(["GET", "POST"])
@needs("equipment.edit")
def device(request: StaffRequest, code: str = "") -> HttpResponse:
    """Add or change a device."""
    row = get_object_or_404(Device, code=code) if code else None
    form = DeviceForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        classes = list(values.pop("modality_classes"))
        try:
            fresh = Device.objects.get(pk=row.pk) if row else None
            saved = save_device(request.actor, fresh, values, modality_classes=classes)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            toast(request, _("%(name)s is saved.") % {"name": saved.name})
            return redirect("department:device", saved.code)
    context: dict[str, Any] = {"form": form, "row": row, "service": None, "booked": []}
    if row is not None:
        context["row"] = Device.objects.get(pk=row.pk)
        context["service"] = ServiceForm(initial={"availability": row.availability})
        context["booked"] = _booked(request, row)
    status = 400 if request.method == "POST" and form.errors else 200
    return render(request, "department/device.html", context, status=status)


def _booked(request: StaffRequest, row: Device) -> list[object]:
    """What is booked on a device that is out of service: to be rescheduled."""
    if row.availability == Device.Availability.IN_SERVICE:
        return []
    exams = queries.with_rows(queries.visible_to(request.actor)).filter(
        steps__device=row,
        steps__starts_at__gte=timezone.now(),
        state__in=("scheduled", "arrived", "interviewed"),
    )
    return list(exams.distinct().order_by("booked_for")[:200])


@require_POST
@needs("equipment.edit")
def service(request: StaffRequest, code: str) -> HttpResponse:
    """Take a device out of service, or back."""
    row = get_object_or_404(Device, code=code)
    form = ServiceForm(request.POST)
    if form.is_valid():
        changed = set_availability(request.actor, row, **form.cleaned_data)
        word = changed.get_availability_display()
        toast(request, _("%(name)s: %(state)s.") % {"name": changed.name, "state": word})
    else:
        toast(request, _("Please give a reason."), "amber")
    return redirect("department:device", row.code)

"""What the DICOM gateway adds to the page of a device."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.gateways.dicom.echo import ask_device
from hevesy.records.equipment.models import Device


def device_panel(request: HttpRequest, device: Device) -> dict[str, Any] | None:
    """The button that asks the device whether it hears us."""
    return {"device": device} if device.ae_title else None


@require_POST
@needs("equipment.edit")
def echo(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask a device by C-ECHO, and say in words what came of it."""
    device = get_object_or_404(Device, pk=pk)
    answer = ask_device(request.actor, device)
    if request.htmx:
        return render(request, "dicom/_echo.html", {"echo": answer})
    toast(request, answer.text, "ok" if answer.heard else "red")
    return redirect("department:device", device.code)

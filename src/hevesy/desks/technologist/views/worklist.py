"""The list, its side panel, and asking the hot laboratory for a dose (clauses 4.1, 4.2)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST

from hevesy.desks.technologist import boards
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive
from hevesy.foundation.ui.toasts import toast
from hevesy.records.doses.actions import request_dose
from hevesy.records.exams.models import ExamStep

DEVICE_KEY = "technologist_device"


def _device(request: StaffRequest) -> str:
    """The scanner this workstation stands at; remembered."""
    if "device" in request.GET:
        request.session[DEVICE_KEY] = request.GET["device"]
    return str(request.session.get(DEVICE_KEY, ""))


def _tab(request: StaffRequest) -> str:
    tab = request.GET.get("tab", "active")
    return tab if tab in boards.TABS else "active"


def _list(request: StaffRequest) -> dict[str, Any]:
    tab, device = _tab(request), _device(request)
    return {
        "rows": boards.rows(request.actor, tab=tab, device=device),
        "tab": tab,
        "query": urlencode({"tab": tab, "device": device}),
    }


@needs("exams.acquire", "doses.administer")
def worklist(request: StaffRequest) -> HttpResponse:
    """Everybody with a step today: what is done, what is next, how long since the injection."""
    device = _device(request)
    devices = boards.devices(request.actor)
    counts = boards.counts(request.actor, device)
    words = {
        "active": pgettext("check", "Under way"),
        "expected": pgettext("check", "Expected"),
        "done": pgettext("check", "Done"),
    }
    chosen = _tab(request)
    here = reverse("technologist:worklist")
    context = {
        **_list(request),
        "tabs": [
            {
                "value": tab,
                "word": words[tab],
                "count": counts[tab],
                "on": tab == chosen,
                "href": f"{here}?tab={tab}",
            }
            for tab in boards.TABS
        ],
        "devices": devices,
        "chosen_device": device,
        "point": _point(devices, device),
    }
    return render(request, "technologist/worklist.html", context)


def _point(devices: list[Any], code: str) -> str:
    """The queue to call from: the scanner's if one is chosen, else the injection's."""
    from hevesy.records.queues.models import ServicePoint

    device = next((row for row in devices if row.code == code), None)
    if device is not None and device.room_id:
        point = ServicePoint.objects.filter(active=True, rooms=device.room_id).first()
        if point:
            return str(point.code)
    point = ServicePoint.objects.filter(active=True, kind="injection").first()
    return str(point.code) if point else ""


@passive
@needs("exams.acquire", "doses.administer")
def rows(request: StaffRequest) -> HttpResponse:
    """The rows alone, for the live region."""
    return render(request, "technologist/_rows.html", _list(request))


@needs("exams.acquire", "doses.administer")
def side(request: StaffRequest, number: str) -> HttpResponse:
    """What is known of one patient: interview, doses, and what else may be done."""
    row = boards.row(request.actor, number)
    if row is None:
        raise Http404
    context = {"row": row, "exam": row.exam}
    template = "technologist/_side.html" if request.htmx else "technologist/side.html"
    return render(request, template, context)


@needs("doses.administer")
@require_POST
def request_for(request: StaffRequest, pk: int) -> HttpResponse:
    """Ask the hot laboratory for the dose of a step."""
    step = get_object_or_404(ExamStep, pk=pk)
    request_dose(request.actor, step)
    toast(request, _("The hot laboratory has been asked."))
    return answer(request)


def answer(request: StaffRequest) -> HttpResponse:
    """The rows anew, or the page without scripts."""
    if request.htmx:
        return render(request, "technologist/_rows.html", _list(request))
    return redirect("technologist:worklist")

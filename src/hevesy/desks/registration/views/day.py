"""The list of a day, the work without a time, and arrival by scan."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hevesy.desks.registration import boards
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.stations import qr
from hevesy.foundation.ui.toasts import toast
from hevesy.records.catalogue.queries import offered_classes
from hevesy.records.equipment.models import Device
from hevesy.records.exams import queries, states
from hevesy.records.exams.actions import mark_arrived


@require_GET
@needs(*boards.DESK)
def day(request: StaffRequest) -> HttpResponse:
    """The examinations of a day; htmx gets the list alone."""
    chosen = _day(request.GET.get("day", ""))
    state = request.GET.get("state", "")
    modality_class = request.GET.get("class", "")
    if not modality_class.isprintable():
        modality_class = ""
    device = request.GET.get("device", "")
    exams = queries.day_list(request.actor, chosen)
    show = request.GET.get("show", "") or ("open" if chosen == timezone.localdate() else "all")
    if state in states.STATES:
        exams = exams.filter(state=state)
    elif show == "open":
        exams = exams.filter(state__in=boards.UNDER_WAY)
    if modality_class:
        exams = exams.filter(modality_class__code=modality_class[:40])
    if device.isdecimal():
        exams = exams.filter(steps__device=int(device)).distinct()
    kept = {"class": modality_class, "device": device}
    kept = {key: value for key, value in kept.items() if value}
    today = timezone.localdate()
    context: dict[str, Any] = {
        "rows": boards.rows(request.actor, list(exams[:500])),
        "flow": boards.flow(request.actor, chosen, state, **kept),
        "day": chosen,
        "today": today,
        "previous": chosen - timedelta(days=1),
        "next": chosen + timedelta(days=1),
        "state": state,
        "show": "all" if state else show,
        "chosen_class": modality_class,
        "chosen_device": device,
        "classes": offered_classes(),
        "used_classes": set(
            queries.visible_to(request.actor)
            .order_by()
            .values_list("modality_class__code", flat=True)
            .distinct()
        ),
        "devices": Device.objects.filter(active=True, modality_classes__isnull=False).distinct(),
        "query": request.GET.urlencode(),
        "may_book": request.actor.may("exams.book"),
    }
    if request.htmx.target == "day-list":
        template = "registration/_day_list.html"
    else:
        template = "registration/_day.html" if request.htmx else "registration/day.html"
    return render(request, template, context)


@require_GET
@needs("exams.book")
def waiting(request: StaffRequest) -> HttpResponse:
    """Registered without a time, and people of whom no number is known."""
    exams = list(queries.waiting(request.actor)[:300])
    context = {"rows": boards.rows(request.actor, exams)}
    template = "registration/_waiting.html" if request.htmx else "registration/waiting.html"
    return render(request, template, context)


@require_POST
@needs("exams.arrive")
def scan(request: StaffRequest) -> HttpResponse:
    """A code scanned at the front desk: today's patient has arrived, any other examination opens."""
    scanned = qr.read(request.POST.get("text", ""))
    exam = queries.by_code(scanned.code) if scanned.kind == "E" else None
    if exam is None:
        raise qr.CodeRefused(_("No examination belongs to this code."))
    expected = exam.booked_for and timezone.localdate(exam.booked_for) == timezone.localdate()
    label = exam.number
    if exam.state == "scheduled" and expected:
        mark_arrived(request.actor, exam)
        label = _("%(name)s has arrived.") % {"name": exam.patient.name_zh}
        toast(request, label)
    return JsonResponse({"url": reverse("registration:exam", args=[exam.number]), "label": label})


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return timezone.localdate()

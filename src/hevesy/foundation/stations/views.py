"""Pages of stations, the claiming of a browser, and the answer to a scan."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from hevesy.foundation.accounts.guards import StaffRequest, needs, people_only, public
from hevesy.foundation.stations import actions, homes, queries, scans
from hevesy.foundation.stations.drawing import qr_svg
from hevesy.foundation.stations.forms import NewStationForm, StationForm
from hevesy.foundation.stations.middleware import COOKIE
from hevesy.foundation.stations.models import Station

COOKIE_DAYS = 400
"""How long a browser stays a station: the longest that browsers allow."""


@needs("stations.manage")
def station_list(request: StaffRequest) -> HttpResponse:
    """Every station and when it was last seen."""
    return render(
        request, "stations/station_list.html", {"stations": queries.stations(request.actor)}
    )


@needs("stations.manage")
def new_station(request: StaffRequest) -> HttpResponse:
    """Register a station."""
    form = NewStationForm(request.POST or None)
    if form.is_valid():
        station = actions.register_station(request.actor, **form.cleaned_data)
        return redirect("stations:station", station.pk)
    return render(
        request, "stations/station_new.html", {"form": form}, status=400 if form.is_bound else 200
    )


@needs("stations.manage")
def station(request: StaffRequest, pk: int) -> HttpResponse:
    """One station: what it is called, where it stands, its settings."""
    found = get_object_or_404(Station, pk=pk)
    form = StationForm(request.POST or None, instance=found)
    if form.is_valid():
        changes = {**form.cleaned_data, "settings": form.cleaned_data["settings"] or {}}
        actions.change_station(request.actor, found, **changes)
        messages.success(request, _("Saved."))
        return redirect("stations:station", pk)
    return render(
        request,
        "stations/station.html",
        {"station": Station.objects.get(pk=pk), "form": form},
        status=400 if form.is_bound else 200,
    )


@needs("stations.manage")
@require_POST
def claim_code(request: StaffRequest, pk: int) -> HttpResponse:
    """A one-time code for the browser that shall become this station, shown once."""
    found = get_object_or_404(Station, pk=pk)
    code = actions.make_claim(request.actor, found)
    url = request.build_absolute_uri(reverse("stations:claim", args=[code]))
    response = render(
        request,
        "stations/claim_code.html",
        {
            "station": found,
            "code": code,
            "url": url,
            "qr": qr_svg(url),
            "minutes": actions.CLAIM_MINUTES,
        },
    )
    response["Cache-Control"] = "no-store"
    return response


@needs("stations.manage")
@require_POST
def release(request: StaffRequest, pk: int) -> HttpResponse:
    """Take the station away from its browser."""
    actions.release(request.actor, get_object_or_404(Station, pk=pk))
    messages.success(request, _("The browser is no longer this station."))
    return redirect("stations:station", pk)


@public
@people_only
@never_cache
def claim(request: HttpRequest, code: str) -> HttpResponse:
    """In the browser that shall be the station: confirm, and it is. Opening the page uses nothing up."""
    if request.method != "POST":
        return render(request, "stations/claim.html", {"station": actions.find_claim(code)})
    found, token = actions.claim(code, address=request.META.get("REMOTE_ADDR"))
    response = redirect(homes.home_of(found))
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_DAYS * 86400,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
    return response


@needs()
@require_POST
def scan(request: StaffRequest) -> HttpResponse:
    """Where a scanned code leads: as htmx redirect, or as JSON `{url, label}` for scripts and programs."""
    target = scans.resolve(request.POST.get("text", ""), request)
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Redirect"] = target.url
        return response
    return JsonResponse({"url": target.url, "label": target.label})

"""The department's side: what waits, what is out, who read it, and taking it back (clause 7.1)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from hevesy.desks.publishing import queries
from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.toasts import toast
from hevesy.records.reports.actions import publish_report, withdraw_report
from hevesy.records.reports.models import Report

PAGE = 50
WORDS = {
    "waiting": lambda: _("To publish"),
    "published": lambda: _("Published"),
    "withdrawn": lambda: _("Withdrawn"),
}


@require_GET
@needs("publishing.publish")
def manage(request: StaffRequest) -> HttpResponse:
    """One of the three lists, and beside it the chosen report with its history and its readers."""
    shelves = queries.shelves(request.actor)
    key = request.GET.get("list", "")
    shelf = shelves.get(key) or shelves["waiting"]
    text = queries.plain(request.GET.get("q", ""))
    rows = queries.listed(shelf.reports, request.actor, text)
    chosen = _chosen(request)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "shelf": shelf.key,
        "q": text,
        "seg": [
            {
                "word": WORDS[one.key](),
                "href": f"?{urlencode({'list': one.key})}",
                "on": one.key == shelf.key,
                "count": one.reports.count() if one.key != "published" else None,
                "tone": "amber" if one.key == "waiting" and one.reports.exists() else "",
            }
            for one in shelves.values()
        ],
        "chosen": chosen,
        "readers": queries.readers(chosen, request.actor) if chosen else [],
    }
    part = request.htmx and request.htmx.target == "reports"
    return render(request, "publishing/_rows.html" if part else "publishing/manage.html", context)


def _chosen(request: StaffRequest) -> Report | None:
    number = queries.plain(request.GET.get("exam", ""))
    if not number:
        return None
    rows = queries.listed(Report.objects.filter(audited_at__isnull=False), request.actor, "")
    return rows.filter(exam__number=number).first()


@require_POST
@needs("publishing.publish")
def publish(request: StaffRequest, number: str) -> HttpResponse:
    """Let the clinicians read the audited version."""
    report = _report(number)
    publish_report(request.actor, report)
    toast(request, _("%(number)s is published.") % {"number": report.exam.number})
    return _back(request, "waiting")


@require_POST
@needs("publishing.publish")
def withdraw(request: StaffRequest, number: str) -> HttpResponse:
    """Take it back; without a reason nothing happens and what was typed stays."""
    report = _report(number)
    try:
        withdraw_report(request.actor, report, reason=request.POST.get("reason", ""))
    except Refused as refusal:
        toast(request, str(refusal), "amber")
        return redirect(_address("published", report.exam.number))
    toast(request, _("%(number)s is withdrawn.") % {"number": report.exam.number})
    return redirect(_address("withdrawn", report.exam.number))


def _report(number: str) -> Report:
    rows = Report.objects.filter(audited_at__isnull=False).select_related("exam")
    return get_object_or_404(rows, exam__number=queries.plain(number))


def _address(shelf: str, number: str = "") -> str:
    asked = {"list": shelf} | ({"exam": number} if number else {})
    return f"{reverse('publishing:manage')}?{urlencode(asked)}"


def _back(request: StaffRequest, shelf: str) -> HttpResponse:
    address = _address(shelf)
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)

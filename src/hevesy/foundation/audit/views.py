"""The audit page of the audit administrator."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hevesy.foundation.accounts.guards import StaffRequest, needs, people_only
from hevesy.foundation.audit import actions, queries
from hevesy.foundation.audit.forms import FilterForm
from hevesy.foundation.audit.verbs import word
from hevesy.foundation.files.csv_export import csv_response
from hevesy.foundation.ui.toasts import toast

PAGE_ROWS = 100


@require_safe
@needs("audit.read")
@people_only
def trail(request: StaffRequest) -> HttpResponse:
    """Who did what, to search; reading it leaves a row too."""
    form = FilterForm(request.GET)
    wanted = form.wanted()
    page = Paginator(queries.events(request.actor, wanted), PAGE_ROWS).get_page(
        request.GET.get("page")
    )
    query = request.GET.copy()
    query.pop("page", None)
    numbers = queries.patient_numbers(page.object_list)
    context = {
        "form": form,
        "page": page,
        "lines": [
            (event, word(event.verb), numbers.get(event.patient_id or 0, ""))
            for event in page.object_list
        ],
        "query": query.urlencode(),
    }
    if request.htmx:
        return render(request, "audit/_trail.html", context)
    actions.note_reading(request.actor, "audit.read", wanted.named())
    return render(request, "audit/trail.html", {**context, "chain": queries.chain_state()})


@require_safe
@needs("audit.read")
@people_only
def export(request: StaffRequest) -> StreamingHttpResponse:
    """The rows that the filters name, as CSV."""
    wanted = FilterForm(request.GET).wanted()
    actions.note_reading(request.actor, "audit.export", wanted.named())
    name = f"audit-{timezone.localtime():%Y%m%d-%H%M}.csv"
    return csv_response(name, queries.EXPORT_HEADS, queries.export_rows(request.actor, wanted))


@require_POST
@needs("audit.read")
@people_only
def check(request: StaffRequest) -> HttpResponse:
    """Ask for a check of all chains."""
    actions.ask_for_check(request.actor)
    toast(request, _("The check runs. Reload this page in a moment."))
    return redirect("audit:trail")

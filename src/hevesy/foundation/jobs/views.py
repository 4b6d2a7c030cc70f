"""The job page of the system administrator."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.jobs import actions, queries
from hevesy.foundation.jobs.models import Job

PAGE_ROWS = 50


@require_safe
@needs("system.manage")
def jobs(request: StaffRequest) -> HttpResponse:
    """The list, or its rows for a fragment."""
    return _list(request)


@require_POST
@needs("system.manage")
def retry(request: StaffRequest, pk: int) -> HttpResponse:
    """Let a failed job run again."""
    actions.retry(request.actor, get_object_or_404(Job, pk=pk))
    return _list(request)


@require_POST
@needs("system.manage")
def cancel(request: StaffRequest, pk: int) -> HttpResponse:
    """Cancel a waiting or running job."""
    actions.cancel(request.actor, get_object_or_404(Job, pk=pk))
    return _list(request)


def _list(request: StaffRequest) -> HttpResponse:
    state, text = request.GET.get("state", ""), request.GET.get("q", "").strip()
    found = queries.listing(request.actor, state=state, text=text)
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    counts = queries.counts()
    context = {
        "page": page,
        "lines": [queries.line(job) for job in page.object_list],
        "states": [
            ("", _("Every state")),
            *((value, f"{word} {counts[value]}") for value, word in Job.State.choices),
        ],
        "state": state,
        "q": text,
        "query": query.urlencode(),
        "address": f"{reverse('jobs:jobs')}?{request.GET.urlencode()}",
    }
    template = "jobs/_jobs.html" if request.htmx else "jobs/jobs.html"
    return render(request, template, context)

"""`/healthz` for load balancers and people, `/metrics` for Prometheus."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.models import Count, Max, Min
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.views.decorators.http import require_safe

from hevesy.foundation.accounts.guards import public
from hevesy.foundation.audit.models import AuditEvent, AuditSeal
from hevesy.foundation.files.store import is_filling, store
from hevesy.foundation.jobs.clock import LEASE
from hevesy.foundation.jobs.leases import database_now
from hevesy.foundation.jobs.models import Job, Lease
from hevesy.records.archive.scrubbing import damaged_open

LATE_S = 300
"""A due job that waits so long, or a clock silent for so long, is worth a look."""


def _age_s(moment: datetime | None) -> float | None:
    return max(0.0, (database_now() - moment).total_seconds()) if moment else None


def waiting_s() -> float:
    """How long the oldest due job has waited."""
    now = database_now()
    due = Job.objects.filter(state=Job.State.READY, run_after__lte=now)
    return _age_s(due.aggregate(oldest=Min("run_after"))["oldest"]) or 0.0


@public
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this node can serve, 503 when database or storage cannot be used.

    Late jobs and a filling disk only degrade.
    """
    parts: dict[str, str] = {}
    try:
        connection.ensure_connection()
        parts["database"] = "ok"
        parts["jobs"] = "late" if waiting_s() > LATE_S else "ok"
        clock = Lease.objects.filter(name=LEASE).first()
        late = clock is None or (database_now() - clock.until).total_seconds() > LATE_S
        parts["clock"] = "late" if late else "ok"
    except DatabaseError:
        parts["database"] = "failed"
    try:
        store().check()
        parts["storage"] = "filling" if is_filling(store()) else "ok"
    except OSError:
        parts["storage"] = "failed"
    failed = "failed" in parts.values()
    status = (
        "failed" if failed else "degraded" if {"late", "filling"} & set(parts.values()) else "ok"
    )
    return JsonResponse({"status": status, **parts}, status=503 if failed else 200)


def may_scrape(request: HttpRequest) -> bool:
    """A program on this very machine (not through a proxy), or one with a token of the right to run the system."""
    user = request.user
    if user.is_authenticated and user.may("system.manage"):
        return True
    if request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded"):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


@public
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Counters and gauges in Prometheus' text format."""
    if not may_scrape(request):
        return HttpResponseForbidden("a token with system.manage, or from loopback\n")
    return HttpResponse("\n".join(_lines()) + "\n", content_type="text/plain; version=0.0.4")


def _lines() -> list[str]:
    by_state = dict(Job.objects.values_list("state").annotate(count=Count("pk")))
    seal = AuditSeal.objects.order_by("-number").values_list("last_id", "at").first()
    clock = Lease.objects.filter(name=LEASE).first()
    last_row = AuditEvent.objects.aggregate(last=Max("pk"))["last"] or 0
    gauges: list[tuple[str, str, float]] = [
        ("hevesy_jobs_waiting_seconds", "age of the oldest due job", waiting_s()),
        ("hevesy_audit_rows_unsealed", "newest row minus newest sealed row",
         last_row - (seal[0] if seal else 0)),
        ("hevesy_clock_silent_seconds", "since the clock's lease ended (0: it runs)",
         _age_s(clock.until) or 0.0 if clock else float("inf")),
        ("hevesy_storage_free_bytes", "free for objects", _free_bytes()),
        ("hevesy_storage_damaged_objects", "found damaged and not settled", damaged_open()),
    ]  # fmt: skip
    lines: list[str] = [
        "# HELP hevesy_jobs jobs by state",
        "# TYPE hevesy_jobs gauge",
        *(f'hevesy_jobs{{state="{state}"}} {by_state.get(state, 0)}' for state in Job.State.values),
    ]
    for name, help_text, value in gauges:
        shown = "+Inf" if value == float("inf") else f"{value:g}"
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge", f"{name} {shown}"]
    return lines


def _free_bytes() -> int:
    try:
        return store().free_bytes()
    except OSError:
        return 0

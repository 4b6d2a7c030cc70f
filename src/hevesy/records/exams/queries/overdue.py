"""Examinations that have stayed too long in a state (clause 1.6): the department's days per step of the way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.queries import policies
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries.lists import visible_to

SOON = 0.8
"""From this share of the limit on an examination is late soon."""

_LIMITS = {
    "book": ("warning.book_to_scan_days", 14, ("ordered", "scheduled", "no_show"), "created_at"),
    "report": ("warning.scan_to_report_days", 1, ("acquired",), "state_since"),
    "audit": ("warning.report_to_audit_days", 1, ("submitted",), "state_since"),
    "publish": ("warning.audit_to_publish_days", 1, ("audited",), "state_since"),
}


def overdue(by: Actor, *, now: datetime | None = None) -> QuerySet[Exam]:
    """Those past their limit, shown red everywhere. A booking whose day is still to come is not late."""
    return visible_to(by).filter(_since(now or timezone.now(), 1.0))


def due_soon(by: Actor, *, now: datetime | None = None) -> QuerySet[Exam]:
    """Those past four fifths of their limit, not yet past it."""
    now = now or timezone.now()
    return visible_to(by).filter(_since(now, SOON)).exclude(_since(now, 1.0))


def _since(now: datetime, share: float) -> Q:
    days: dict[str, Any] = policies(**{name: rule[0] for name, rule in _LIMITS.items()})
    wanted = Q(pk__in=[])
    for name, (_key, default, states, column) in _LIMITS.items():
        limit = default if days[name] is None else float(days[name])
        before = now - timedelta(days=limit * share)
        late = Q(state__in=states) & Q(**{f"{column}__lt": before})
        if name == "book":
            late &= Q(booked_for__isnull=True) | Q(booked_for__lt=now)
        wanted |= late
    return wanted

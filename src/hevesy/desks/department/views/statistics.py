"""Counts by modality class, examination, tracer, body part and device (clauses 10.13, 10.17)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.drawings import Chart, Series
from hevesy.records.exams.queries.statistics import DIMENSIONS, GROUPS, Line, by_day, counted

WORDS = {
    "modality_class": gettext_lazy("By modality class"),
    "item": gettext_lazy("By examination"),
    "tracer": gettext_lazy("By tracer"),
    "body_part": gettext_lazy("By body part"),
    "device": gettext_lazy("By device"),
}
MOST_DAYS = 366
CHART_DAYS = 92


@require_GET
@needs("statistics.view")
def statistics(request: StaffRequest) -> HttpResponse:
    """The tables; every number leads to the list it counts."""
    today = timezone.localdate()
    last = _date(request.GET.get("to", ""), today)
    first = _date(request.GET.get("from", ""), today - timedelta(days=29))
    first = max(min(first, last), last - timedelta(days=MOST_DAYS))
    english = (get_language() or "").startswith("en")
    tables = []
    for dimension in DIMENSIONS:
        lines = counted(request.actor, dimension, first, last, english=english)
        tables.append(
            {
                "title": WORDS[dimension],
                "lines": [_linked(dimension, line, first, last) for line in lines],
                "total": sum(line.total for line in lines),
            }
        )
    context: dict[str, Any] = {
        "first": first,
        "last": last,
        "groups": [word for word, _states in GROUPS.values()],
        "tables": tables,
        "chart": _chart(request, first, last),
        "presets": _presets(today, first, last),
    }
    return render(request, "department/statistics.html", context)


def _linked(dimension: str, line: Line, first: date, last: date) -> dict[str, Any]:
    base = [(dimension, str(line.key)), ("from", first.isoformat()), ("to", last.isoformat())]
    cells = []
    for group, (_word, states) in GROUPS.items():
        query = [*base, *(("state", state) for state in states)]
        cells.append((line.counts[group], f"{reverse('registration:search')}?{urlencode(query)}"))
    kept = [
        state for group, (_w, states) in GROUPS.items() if group != "dropped" for state in states
    ]
    total = f"{reverse('registration:search')}?{urlencode([*base, *(('state', s) for s in kept)])}"
    return {"name": line.name, "cells": cells, "total": line.total, "total_url": total}


def _chart(request: StaffRequest, first: date, last: date) -> Chart | None:
    if (last - first).days >= CHART_DAYS:
        return None
    days = by_day(request.actor, first, last)
    today = timezone.localdate()
    return Chart(
        "bars",
        [f"{day.month}/{day.day}" for day, _count in days],
        [Series(_("Examinations"), [count for _day, count in days])],
        label=_("Examinations per day from %(first)s to %(last)s")
        % {"first": first.isoformat(), "last": last.isoformat()},
        running=next((n for n, (day, _c) in enumerate(days) if day == today), None),
        width=1090,
        height=170,
    )


def _presets(today: date, first: date, last: date) -> list[dict[str, Any]]:
    month = today.replace(day=1)
    before = (month - timedelta(days=1)).replace(day=1)
    ranges = [
        (_("Today"), today, today),
        (_("7 days"), today - timedelta(days=6), today),
        (_("30 days"), today - timedelta(days=29), today),
        (_("This month"), month, today),
        (_("Last month"), before, month - timedelta(days=1)),
        (_("This year"), today.replace(month=1, day=1), today),
    ]
    return [
        {
            "value": word,
            "word": word,
            "href": f"?from={start.isoformat()}&to={end.isoformat()}",
            "on": (start, end) == (first, last),
        }
        for word, start, end in ranges
    ]


def _date(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return default

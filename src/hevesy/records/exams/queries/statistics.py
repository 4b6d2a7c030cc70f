"""Counts for the department (clauses 10.13, 10.17): every number is the length of a list one can open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries.lists import visible_to

GROUPS: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "waiting": (_("to come"), ("ordered", "scheduled", "arrived", "interviewed")),
    "under_way": (_("under way"), ("uptake", "scanning")),
    "acquired": (_("examined"), ("acquired",)),
    "reporting": (_("being reported"), ("reporting", "submitted")),
    "final": (_("reported"), ("audited", "published")),
    "dropped": (_("cancelled, not come, stopped"), ("cancelled", "no_show", "discontinued")),
}
"""Columns of the tables: states that belong together."""

DIMENSIONS = {
    "modality_class": ("modality_class__id", "modality_class__name_zh", "modality_class__name_en"),
    "item": ("item__id", "item__name_zh", "item__name_en"),
    "tracer": ("steps__tracer__id", "steps__tracer__plain", "steps__tracer__plain"),
    "body_part": (
        "item__body_parts__id",
        "item__body_parts__name_zh",
        "item__body_parts__name_en",
    ),
    "device": ("steps__device__id", "steps__device__name_zh", "steps__device__name_en"),
}
"""By what can be counted; the keys are the criteria of the search page."""


@dataclass(slots=True)
class Line:
    """One line: what, how many in each group of states, and all that were not dropped."""

    key: int | None
    name: str
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All but those that were cancelled, missed or stopped."""
        return sum(count for group, count in self.counts.items() if group != "dropped")


def counted(
    by: Actor, dimension: str, first: date, last: date, *, english: bool = False
) -> list[Line]:
    """Examinations booked between two local days (both included), by `dimension` and group of states.

    An examination with two tracers counts once under each; one without (densitometry) counts under none.
    """
    key, zh, en = DIMENSIONS[dimension]
    name = en if english else zh
    rows = (
        _between(visible_to(by), first, last)
        .order_by()
        .values(key, name, "state")
        .annotate(n=Count("id", distinct=True))
    )
    group_of = {state: group for group, (_word, states) in GROUPS.items() for state in states}
    lines: dict[int | None, Line] = {}
    for row in rows:
        if row[key] is None:
            continue
        line = lines.setdefault(row[key], Line(row[key], row[name], dict.fromkeys(GROUPS, 0)))
        line.counts[group_of[row["state"]]] += row["n"]
    return sorted(lines.values(), key=lambda line: (-line.total, line.name))


def by_day(by: Actor, first: date, last: date) -> list[tuple[date, int]]:
    """How many were booked for each day, without the dropped ones."""
    exams = _between(visible_to(by), first, last).exclude(state__in=GROUPS["dropped"][1])
    counts: dict[date, int] = {}
    for moment in _moments(exams):
        day = timezone.localdate(moment)
        counts[day] = counts.get(day, 0) + 1
    days = (last - first).days + 1
    return [
        (first + timedelta(days=n), counts.get(first + timedelta(days=n), 0)) for n in range(days)
    ]


def _moments(exams: QuerySet[Exam]) -> Iterable[datetime]:
    return (moment for moment in exams.values_list("booked_for", flat=True) if moment is not None)


def _between(exams: QuerySet[Exam], first: date, last: date) -> QuerySet[Exam]:
    begin = timezone.make_aware(datetime.combine(first, time()))
    end = timezone.make_aware(datetime.combine(last + timedelta(days=1), time()))
    return exams.filter(booked_for__gte=begin, booked_for__lt=end)

"""What the lists of the front desk are made of: the flow line, the filters, the next legal step of a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams import queries, states
from hevesy.records.exams.models import Exam

FLOW = states.STATES[: states.STATES.index("cancelled")]
UNDER_WAY = ("ordered", "scheduled", "arrived", "interviewed", "uptake", "scanning", "no_show")
"""What the front desk may still have to do with; today's list begins with these."""
DESK = ("exams.book", "exams.arrive")
"""Who works at the front desk, and so with its lists."""
LATE_AFTER = timedelta(minutes=15)
"""A patient who is not here this long after the time is marked amber."""


def flow(by: Actor, day: date, chosen: str = "", **kept: str) -> list[dict[str, Any]]:
    """The day as one line of states with counts; each leads to the list of that state."""
    counts = queries.counts_by_state(by, day)
    late = queries.on_day(queries.overdue(by), day).order_by().values_list("state", flat=True)
    red = list(late)
    page, where = reverse("registration:day"), {"day": day.isoformat()}
    if not any(by.may(right) for right in DESK):
        # The list is the desk's; everybody else reads the search.
        page, where = reverse("registration:search"), dict.fromkeys(("from", "to"), day.isoformat())
    items = []
    for state in FLOW:
        look = states.look(state)
        query = {**where, **kept}
        if state != chosen:
            query["state"] = state
        items.append(
            {
                "key": look.colour,
                "icon": look.icon,
                "word": look.word,
                "number": counts.get(state, 0),
                "late": red.count(state) or "",
                "href": f"{page}?{urlencode(query)}",
                "on": state == chosen,
            }
        )
    return items


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one button of a row: what is legally next at the front desk."""

    word: str | Promise
    url: str
    primary: bool = False
    post: bool = False


def next_step(by: Actor, exam: Exam, today: date) -> NextStep | None:
    """What the desk does next with this examination; None when its turn is over."""
    day = timezone.localdate(exam.booked_for) if exam.booked_for else None
    number = exam.number
    if exam.visit_state == "ordered" and by.may("exams.book"):
        return NextStep(_("Schedule"), reverse("registration:reschedule", args=[number]), True)
    if exam.state == "scheduled" and day == today and by.may("exams.arrive"):
        return NextStep(
            _("Arrived"), reverse("registration:arrive", args=[number]), True, post=True
        )
    if exam.state in ("scheduled", "no_show") and by.may("exams.book"):
        return NextStep(_("Reschedule"), reverse("registration:reschedule", args=[number]))
    return None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the day list."""

    exam: Exam
    next: NextStep | None
    tone: str
    remark: str | Promise


def rows(by: Actor, exams: list[Exam], *, now: datetime | None = None) -> list[Row]:
    """The lines, with rails: amber when the patient is late, red when the department is (clause 1.6)."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    late = set(
        queries.overdue(by).filter(pk__in=[exam.pk for exam in exams]).values_list("pk", flat=True)
    )
    found = []
    for exam in exams:
        tone = ""
        remark: str | Promise = ""
        if exam.pk in late:
            tone, remark = "is-red", _("late")
        elif exam.state == "scheduled" and exam.booked_for and exam.booked_for + LATE_AFTER < now:
            tone, remark = "is-amber", _("not here yet")
        found.append(Row(exam, next_step(by, exam, today), tone, remark))
    return found

"""Searching examinations by anything recorded (clause 2.5): every criterion narrows, empty ones do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries.lists import visible_to, with_rows
from hevesy.records.patients.queries import search as search_patients

BASES = {
    "booked": "booked_for",
    "registered": "created_at",
    "examined": "steps__ended_at",
    "administered": "steps__administered_at",
    "state": "state_since",
}
"""What a date range is measured by."""

EXACT = {
    "modality_class": "modality_class__in",
    "item": "item__in",
    "state": "state__in",
    "source": "source__in",
    "priority": "priority__in",
    "device": "steps__device__in",
    "tracer": "steps__tracer__in",
    "body_part": "item__body_parts__in",
    "sex": "patient__sex__in",
}
CONTAINS = {
    "department": "requesting_department__icontains",
    "physician": "requesting_physician__icontains",
    "bed": "bed__icontains",
}
MOST_PATIENTS = 500
"""A text that means more people than this narrows no list."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What is looked for. `text` is the one-box search; `words` must all occur in diagnosis, question or answers."""

    text: str = ""
    basis: str = "booked"
    first: date | None = None
    last: date | None = None
    words: str = ""
    flag: str = ""
    age_from: int | None = None
    age_to: int | None = None
    late: bool = False
    without_number: bool = False
    exact: tuple[tuple[str, Sequence[str]], ...] = ()
    contains: tuple[tuple[str, str], ...] = ()


def find(by: Actor, criteria: Criteria) -> QuerySet[Exam]:
    """The examinations that fit, newest first, with what a row shows."""
    from hevesy.records.exams.queries.overdue import overdue

    exams = overdue(by) if criteria.late else visible_to(by)
    if criteria.text.strip():
        exams = exams.filter(_text(by, criteria.text.strip()))
    column = BASES.get(criteria.basis, "booked_for")
    if criteria.first is not None:
        exams = exams.filter(**{f"{column}__gte": _midnight(criteria.first)})
    if criteria.last is not None:
        exams = exams.filter(**{f"{column}__lt": _midnight(criteria.last + timedelta(days=1))})
    for name, values in criteria.exact:
        if values:
            exams = exams.filter(**{EXACT[name]: list(values)})
    for name, value in criteria.contains:
        if value.strip():
            exams = exams.filter(**{CONTAINS[name]: value.strip()})
    for word in criteria.words.split():
        exams = exams.filter(
            Q(clinical_diagnosis__icontains=word)
            | Q(clinical_question__icontains=word)
            | Q(item__name_zh__icontains=word)
            | Q(item__name_en__icontains=word)
        )
    if criteria.flag:
        # Flags are a short JSON list of fixed words; the quoted word occurs in it or not, on both databases.
        exams = exams.filter(flags__icontains=f'"{criteria.flag}"')
    exams = _by_age(exams, criteria)
    if criteria.without_number:
        exams = exams.filter(patient__identifiers__isnull=True)
    return with_rows(exams.distinct()).order_by("-booked_for", "-id")


def _text(by: Actor, text: str) -> Q:
    people = [patient.pk for patient in search_patients(text, by, limit=MOST_PATIENTS)]
    return Q(patient__in=people) | Q(number__istartswith=text)


def _by_age(exams: QuerySet[Exam], criteria: Criteria) -> QuerySet[Exam]:
    today = timezone.localdate()
    if criteria.age_from is not None:
        exams = exams.filter(patient__birth_date__lte=_years_before(today, criteria.age_from))
    if criteria.age_to is not None:
        exams = exams.filter(patient__birth_date__gt=_years_before(today, criteria.age_to + 1))
    return exams


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def waiting(by: Actor) -> QuerySet[Exam]:
    """Registered without a time, and booked for people of whom no number is known yet: work for the desk."""
    unscheduled = Q(state="ordered")
    nameless = Q(patient__identifiers__isnull=True) & ~Q(
        state__in=("cancelled", "published", "discontinued")
    )
    exams = visible_to(by).filter(unscheduled | nameless).distinct()
    return with_rows(exams).order_by("priority", "created_at")

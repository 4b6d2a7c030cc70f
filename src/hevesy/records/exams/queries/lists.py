"""Lists of examinations."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import Count, Prefetch, QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams.models import Exam, ExamStep


def visible_to(by: Actor) -> QuerySet[Exam]:
    """Examinations this actor may read; nobody's for those who may not (the three administrators, for example)."""
    return Exam.objects.all() if by.may("exams.view") else Exam.objects.none()


def by_code(code: str) -> Exam | None:
    """The examination whose QR code carries `code`."""
    return Exam.objects.filter(code=_clean(code).upper()).first()


def by_number(number: str) -> Exam | None:
    """The examination with this number, as typed or read from a bar code."""
    number = _clean(number)
    return Exam.objects.filter(number__in={number, number.upper()}).first()


def with_rows(exams: QuerySet[Exam]) -> QuerySet[Exam]:
    """Everything that a list row shows, in two queries."""
    steps = ExamStep.objects.select_related("tracer", "device").order_by("number")
    return exams.select_related("patient", "item", "modality_class").prefetch_related(
        Prefetch("steps", queryset=steps)
    )


def on_day(exams: QuerySet[Exam], day: date, days: int = 1) -> QuerySet[Exam]:
    """Those booked for a local day."""
    begin = timezone.make_aware(datetime.combine(day, time()))
    return exams.filter(booked_for__gte=begin, booked_for__lt=begin + timedelta(days=days))


def day_list(by: Actor, day: date) -> QuerySet[Exam]:
    """The day's examinations in the order of their times, with what a row shows."""
    return with_rows(on_day(visible_to(by), day)).order_by("booked_for", "priority", "id")


def counts_by_state(by: Actor, day: date) -> dict[str, int]:
    """How many of the day's examinations are in each state; states without any are absent."""
    rows = on_day(visible_to(by), day).order_by().values("state").annotate(n=Count("id"))
    return {row["state"]: row["n"] for row in rows}


def _clean(text: str) -> str:
    # PostgreSQL refuses NUL outright; no number or code holds control characters.
    return "".join(character for character in text if character.isprintable()).strip()

"""What the front desk adds to the frame of every page: navigation, search, alarms, scans, home cards."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from hevesy.foundation.accounts.guards import actor_of
from hevesy.foundation.stations import qr, scans
from hevesy.foundation.ui import alarms, nav, search, slots
from hevesy.records.exams import queries
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import chip, sex_and_age
from hevesy.records.patients.masking import mask_phone
from hevesy.records.patients.models import Patient
from hevesy.records.patients.queries import search as search_patients


def register() -> None:
    """Called once, when the app is ready."""
    for entry in (
        nav.NavEntry(
            "front",
            gettext_lazy("Registration"),
            "calendar-plus",
            "registration:day",
            ("exams.book", "exams.arrive"),
            10,
            _expected_today,
        ),
        nav.NavEntry(
            "front",
            gettext_lazy("To be scheduled"),
            "clipboard-list",
            "registration:waiting",
            "exams.book",
            15,
            _waiting,
        ),
        nav.NavEntry(
            "front",
            gettext_lazy("Find examinations"),
            "search",
            "registration:search",
            "exams.view",
            30,
        ),
    ):
        nav.register(entry)
    search.register(
        search.Finder(gettext_lazy("Patients"), find_patients, "patients.view", order=10)
    )
    search.register(search.Finder(gettext_lazy("Do"), offer_new, "exams.book", order=90))
    for alarm in (
        alarms.Alarm(
            gettext_lazy("Late"),
            "exclamation-circle",
            "red",
            "registration:search",
            _overdue,
            "exams.view",
            20,
            "late=1",
        ),
    ):
        alarms.register(alarm)
    scans.register("E", lead_to_exam)
    slots.fill("home.flow", "registration/_home_flow.html", home_flow, "exams.view", 10)
    slots.fill(
        "home.actions", "registration/_home_actions.html", lambda *_args: {}, "exams.book", 10
    )
    slots.fill("home.cards", "registration/_home_expected.html", home_expected, "exams.arrive", 20)


def _expected_today(request: HttpRequest) -> int:
    by, today = actor_of(request), timezone.localdate()
    return queries.on_day(queries.visible_to(by), today).filter(state="scheduled").count()


def _waiting(request: HttpRequest) -> int:
    return queries.visible_to(actor_of(request)).filter(state="ordered").count()


def _overdue(request: HttpRequest) -> int:
    return queries.overdue(actor_of(request)).count()


def find_patients(request: HttpRequest, text: str, limit: int) -> list[search.Hit]:
    """Patients for the top box, each with the latest examination."""
    by = actor_of(request)
    patients = search_patients(text, by, limit)
    latest: dict[int, Exam] = {}
    exams = queries.visible_to(by).filter(patient__in=patients).select_related("item")
    for exam in exams.order_by("patient", "-id"):
        latest.setdefault(exam.patient_id, exam)
    return [_hit(patient, latest.get(patient.pk)) for patient in patients]


def _hit(patient: Patient, exam: Exam | None) -> search.Hit:
    facts = [sex_and_age(patient), patient.patient_id]
    if patient.phone:
        facts.append(mask_phone(patient.phone))
    line: tuple[str, ...] = ()
    if exam is not None:
        day = timezone.localdate(exam.booked_for or exam.created_at)
        when = _("today") if day == timezone.localdate() else f"{day:%Y-%m-%d}"
        line = (f"{when} {exam.item.name}", exam.number)
    return search.Hit(
        url=reverse("registration:patient", args=[patient.pk]),
        title=patient.name_zh,
        facts=tuple(facts),
        line=line,
        chip=chip(exam.state) if exam is not None else None,
    )


def offer_new(request: HttpRequest, text: str, limit: int) -> list[search.Hit]:
    """The two things to do with a text that found nobody, or not the right one."""
    from urllib.parse import urlencode

    return [
        search.Hit(
            url=f"{reverse('registration:new_patient')}?{urlencode({'q': text})}",
            title=_("New registration for “%(text)s”") % {"text": text},
            icon="calendar-plus",
        ),
        search.Hit(
            url=f"{reverse('registration:search')}?{urlencode({'q': text})}",
            title=_("Search the examinations"),
            icon="adjustments",
            key="F4",
        ),
    ]


def lead_to_exam(code: str, request: HttpRequest) -> scans.Target:
    """A scanned examination opens its page; whoever may not read it is told no more than for an unknown code."""
    exam = queries.by_code(code)
    by = actor_of(request)
    if exam is None or not queries.visible_to(by).filter(pk=exam.pk).exists():
        raise qr.CodeRefused(_("No examination belongs to this code."))
    return scans.Target(reverse("registration:exam", args=[exam.number]), exam.number)


def home_flow(request: HttpRequest, _subject: Any) -> dict[str, Any]:
    """Today's examinations as one line of states."""
    from hevesy.desks.registration.boards import flow

    return {"flow": flow(actor_of(request), timezone.localdate())}


def home_expected(request: HttpRequest, _subject: Any) -> dict[str, Any] | None:
    """Who is expected within the hour."""
    from datetime import timedelta

    now = timezone.now()
    exams = queries.with_rows(queries.visible_to(actor_of(request))).filter(
        state="scheduled",
        booked_for__gte=now - timedelta(minutes=30),
        booked_for__lte=now + timedelta(minutes=90),
    )
    return {"exams": list(exams.order_by("booked_for")[:8])}

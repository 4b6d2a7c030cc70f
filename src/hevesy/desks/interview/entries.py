"""What the interview adds to other pages: navigation, a panel with the answers, a button."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy

from hevesy.desks.interview import answers
from hevesy.foundation.accounts.guards import actor_of
from hevesy.foundation.ui import nav, slots
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import on_day, visible_to


def register() -> None:
    """Called once, when the app is ready."""
    nav.register(
        nav.NavEntry(
            "exam",
            gettext_lazy("Interviews"),
            "clipboard-heart",
            "interview:home",
            "exams.interview",
            20,
            _waiting,
        )
    )
    slots.fill("exam.panels", "interview/_panel.html", exam_panel, "exams.view", 20, place="side")
    slots.fill("exam.actions", "interview/_action.html", exam_action, "exams.interview", 20)


def _waiting(request: HttpRequest) -> int:
    exams = on_day(visible_to(actor_of(request)), timezone.localdate())
    return exams.filter(state="arrived", item__requires_interview=True).count()


def exam_panel(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """The last interview for everybody who treats the patient (clause 4.1), earlier ones below."""
    if not visible_to(actor_of(request)).filter(pk=exam.pk).exists():
        return None
    history = answers.history(exam)
    return {"history": history, "last": history[0]} if history else None


def exam_action(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """The way to the interview while the patient is here."""
    return {"exam": exam} if exam.visit_state in ("arrived", "interviewed") else None

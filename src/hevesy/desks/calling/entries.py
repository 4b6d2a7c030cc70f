"""What calling shows on pages of others: a count in the side bar, the ticket of an exam."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from hevesy.desks.calling.boards import CHIPS
from hevesy.records.exams.models import Exam
from hevesy.records.queues import queries, states
from hevesy.records.queues.models import Ticket


def waiting_count(request: HttpRequest) -> int:
    """How many patients wait to be called today."""
    return Ticket.objects.filter(day=timezone.localdate(), state=states.WAITING).count()


def exam_ticket(request: HttpRequest, exam: Exam) -> dict[str, Any] | None:
    """The open ticket of the exam; nothing if the patient is in no queue."""
    ticket = queries.open_ticket(exam.pk)
    if ticket is None:
        return None
    return {"ticket": ticket, "chip": CHIPS[ticket.state]}

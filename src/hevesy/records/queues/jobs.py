"""The clock of the queues."""

from __future__ import annotations

from django.utils import timezone

from hevesy.foundation.jobs.clock import every
from hevesy.records.exams.models import Exam
from hevesy.records.queues import pathway, states
from hevesy.records.queues.actions import close_yesterday, follow
from hevesy.records.queues.models import Ticket


@every(seconds=60, name="queues.follow")
def catch_up() -> None:
    """Repeat for every patient who is here what an event may have failed to do (a crash right after a commit)."""
    close_yesterday()
    today = timezone.localdate()
    here = Exam.objects.filter(visit_state__in=pathway.HERE, report_state="").exclude(
        state__in=("acquired", "discontinued")
    )
    for exam in here.filter(steps__starts_at__date=today).distinct():
        follow(exam)
    for ticket in Ticket.objects.filter(day=today, state__in=states.OPEN).select_related("exam"):
        follow(ticket.exam)

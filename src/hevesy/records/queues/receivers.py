"""The queue follows what happens to an exam. A missed event is made good by the clock (jobs.py)."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from hevesy.records.exams import events
from hevesy.records.exams.models import Exam
from hevesy.records.queues.actions import follow


@receiver(events.exam_moved)
def exam_has_moved(sender: type[Exam], exam: Exam, **kwargs: Any) -> None:
    """Arrival, interview, every step and every cancellation come through here."""
    follow(exam)

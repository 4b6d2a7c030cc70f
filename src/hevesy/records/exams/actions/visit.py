"""Arrival, no-show, cancelling and restoring a visit."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams import events
from hevesy.records.exams.actions.moves import MoveRefused, lock, move_visit, refuse_when_begun
from hevesy.records.exams.models import Exam, SlotHold

AROUND_MIDNIGHT = timedelta(hours=4)
"""Somebody booked shortly after midnight comes before it, somebody late comes after it: both are of the same night."""


@transaction.atomic
def mark_arrived(by: Actor, exam: Exam, *, other_day_reason: str = "") -> Exam:
    """The patient is here. Refused on another day than booked, unless a reason says why that is right."""
    exam = lock(exam)
    now, booked = timezone.now(), exam.booked_for
    day = timezone.localdate(booked) if booked else None
    if (
        exam.visit_state in ("scheduled", "no_show")
        and day != timezone.localdate(now)
        and not (booked and abs(booked - now) <= AROUND_MIDNIGHT)
        and not other_day_reason
    ):
        assert day is not None
        raise MoveRefused(
            _(
                "%(number)s is booked for %(day)s, not for today. "
                "Give it a time today, or ask the patient to come then."
            )
            % {"number": exam.number, "day": date_format(day, "DATE_FORMAT")},
            state=exam.visit_state,
            move="arrive",
        )
    return move_visit(by, exam, "arrive", reason=other_day_reason, tell=events.exam_arrived)


@transaction.atomic
def take_arrival_back(by: Actor, exam: Exam, reason: str) -> Exam:
    """The arrival was confirmed by mistake."""
    exam = lock(exam)
    refuse_when_begun(exam, "unarrive")
    return move_visit(by, exam, "unarrive", reason=reason)


@transaction.atomic
def mark_no_show(by: Actor, exam: Exam, reason: str = "") -> Exam:
    """The patient did not come. Only from the booked time on; the slots that are still to come are given back."""
    exam = lock(exam)
    now = timezone.now()
    if exam.visit_state == "scheduled" and exam.booked_for and exam.booked_for > now:
        raise MoveRefused(
            _("%(number)s is booked for %(time)s; until then the patient may still come.")
            % {
                "number": exam.number,
                "time": date_format(timezone.localtime(exam.booked_for), "DATETIME_FORMAT"),
            },
            state=exam.visit_state,
            move="miss",
        )
    exam = move_visit(by, exam, "miss", reason=reason, tell=events.exam_cancelled)
    SlotHold.objects.filter(step__exam=exam, starts_at__gte=now).delete()
    return exam


@transaction.atomic
def cancel_exam(by: Actor, exam: Exam, reason: str) -> Exam:
    """Cancel before anything has begun. The number is never used again; the slots are free at once."""
    exam = lock(exam)
    refuse_when_begun(exam, "cancel")
    exam = move_visit(by, exam, "cancel", reason=reason, tell=events.exam_cancelled)
    SlotHold.objects.filter(step__exam=exam).delete()
    return exam


@transaction.atomic
def restore_exam(by: Actor, exam: Exam, reason: str) -> Exam:
    """Take a cancellation back. The old time is gone: the examination waits for a new one."""
    exam = lock(exam)
    exam.booked_for = None
    exam.steps.update(starts_at=None)
    return move_visit(by, exam, "restore", reason=reason)

"""Moving a scheduled step: ready, administer, start, finish, discontinue, back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.exams import events, states
from hevesy.records.exams.actions.moves import (
    MoveRefused,
    lock,
    not_offered,
    settle,
    target,
)
from hevesy.records.exams.models import Exam, ExamStep


@transaction.atomic
def move_step(
    by: Actor,
    step: ExamStep,
    move: str,
    *,
    at: datetime | None = None,
    reason: str = "",
) -> ExamStep:
    """Move a step by the STEP table; the examination's state follows.

    `at` is when it really happened (a scan of a code, an MPPS), else now; never in the future. What a device reports
    (`by.channel == "dicom"`) is a fact: it is taken also when the paper lags behind, except for a cancelled visit.
    """
    exam = lock(Exam(pk=step.exam_id))
    step = ExamStep.objects.select_for_update().get(pk=step.pk)
    now = timezone.now()
    at = min(at or now, now)
    before = step.state
    after = target(by, exam, states.STEP, before, move, reason)
    if exam.visit_state in ("cancelled", "ordered"):
        raise not_offered(exam, exam.visit_state, move)
    if by.channel != "dicom" and move in ("ready", "administer", "start", "discontinue"):
        _refuse_unprepared(exam, step, move)

    if move == "administer":
        step.administered_at = at
    elif move == "start":
        step.started_at = at
        step.ended_at = None
    elif move in ("finish", "discontinue"):
        step.ended_at = at
    elif move == "back":
        if before == "administered":
            step.administered_at = None
        elif before == "acquiring":
            step.started_at = None
            after = "administered" if step.administered_at else "ready"
        else:
            step.ended_at = None
            if before == "discontinued" and step.administered_at:
                after = "administered"
    step.state = after
    step.save()
    if move == "discontinue":
        _free_later_slots(step, at)
    settle(
        by,
        exam,
        f"step.{move}",
        step=step,
        from_state=before,
        to_state=after,
        at=at,
        reason=reason,
        audit={"step": step.number},
        tell=events.exam_cancelled if exam_is_over(exam) else None,
    )
    return step


def exam_is_over(exam: Exam) -> bool:
    """Whether every step was discontinued."""
    step_states = set(exam.steps.values_list("state", flat=True))
    return step_states == {"discontinued"}


@transaction.atomic
def discontinue_exam(by: Actor, exam: Exam, reason: str) -> Exam:
    """Stop an examination that has begun: every step that has not ended is discontinued with the reason."""
    exam = lock(exam)
    open_steps = exam.steps.exclude(state__in=states.ENDED)
    if not open_steps.exists():
        raise MoveRefused(
            _("%(number)s has no step left that could be discontinued.") % {"number": exam.number}
        )
    for step in open_steps:
        move_step(by, step, "discontinue", reason=reason)
    return Exam.objects.get(pk=exam.pk)


def _refuse_unprepared(exam: Exam, step: ExamStep, move: str) -> None:
    """The order of the visit: arrival, interview, administration, acquisition."""
    if exam.visit_state not in ("arrived", "interviewed"):
        raise not_offered(exam, exam.visit_state, move)
    asks = exam.item.requires_interview and exam.visit_state == "arrived"
    if asks and move in ("administer", "start") and exam.priority != Exam.Priority.EMERGENCY:
        raise not_offered(exam, "arrived", move)
    if move == "administer" and not step.administers:
        raise MoveRefused(
            _("Step %(step)d of %(number)s needs no drug: it images what was given before.")
            % {"step": step.number, "number": exam.number},
            state=step.state,
            move=move,
        )
    earlier = exam.steps.filter(number__lt=step.number).exclude(state__in=states.ENDED)
    # Two phases of one injection may overlap only in the order of their numbers.
    if move == "start" and earlier.exists():
        raise MoveRefused(
            _("Step %(step)d of %(number)s comes first. Finish or discontinue it.")
            % {"step": min(row.number for row in earlier), "number": exam.number},
            state=step.state,
            move=move,
        )
    if move == "start" and step.administers and step.uptake_min and not step.administered_at:
        raise MoveRefused(
            _("Nothing was administered for step %(step)d of %(number)s. Administer first.")
            % {"step": step.number, "number": exam.number},
            state=step.state,
            move=move,
        )


def _free_later_slots(step: ExamStep, at: datetime) -> None:
    """A discontinued step gives the rest of its time back to the calendar."""
    step.holds.filter(starts_at__gte=at).delete()

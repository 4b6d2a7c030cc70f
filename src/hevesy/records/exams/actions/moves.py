"""The one writer of examination states: locks the row, asks the table, appends a timeline row, tells others."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.exams import events, states
from hevesy.records.exams.live import publish
from hevesy.records.exams.models import Exam, ExamStep, TimelineRow


class MoveRefused(Refused):
    """A move that the present state does not offer. The message names the state and the right step."""

    def __init__(self, message: str, *, state: str = "", move: str = "") -> None:
        self.state, self.move = state, move
        super().__init__(message)


def not_offered(exam: Exam, state: str, move: str) -> MoveRefused:
    """The refusal of a move out of order."""
    return MoveRefused(
        _("%(number)s is now “%(state)s”; “%(move)s” is not possible. %(hint)s")
        % {
            "number": exam.number,
            "state": states.LOOKS[state].word,
            "move": states.MOVE_WORDS.get(move, move),
            "hint": states.RIGHT_STEP.get(state, ""),
        },
        state=state,
        move=move,
    )


def target(by: Actor, exam: Exam, table: states.Table, state: str, move: str, reason: str) -> str:
    """Where the move leads; refuses an unknown move, a missing permission, a missing reason."""
    found = table.get((state, move))
    if found is None:
        raise not_offered(exam, state, move)
    by.require(found.permission)
    if found.reason and not reason.strip():
        raise MoveRefused(
            _("Please give a reason for “%(move)s”.") % {"move": states.MOVE_WORDS.get(move, move)},
            state=state,
            move=move,
        )
    return found.to


def lock(exam: Exam) -> Exam:
    """The examination as it is now, locked until the transaction ends."""
    return Exam.objects.select_for_update().get(pk=exam.pk)


def settle(
    by: Actor,
    exam: Exam,
    event: str,
    *,
    step: ExamStep | None = None,
    from_state: str = "",
    to_state: str = "",
    at: datetime | None = None,
    reason: str = "",
    tell: Signal | None = None,
    audit: dict[str, Any] | None = None,
    **facts: Any,
) -> Exam:
    """Derive the state, save the examination, append the timeline and audit rows, announce after commit."""
    step_states = exam.steps.values_list("state", flat=True)
    state = states.derive(exam.visit_state, step_states, exam.report_state)
    if state != exam.state or exam.state_since is None:
        exam.state, exam.state_since = state, at or timezone.now()
    exam.version += 1
    exam.save()
    TimelineRow.objects.create(
        exam=exam,
        step=step,
        event=event,
        from_state=from_state,
        to_state=to_state,
        at=at or timezone.now(),
        user=by.user,
        actor_name=str(by)[:80],
        station=by.station.name if by.station else "",
        method=by.method,
        reason=reason.strip()[:200],
    )
    record(by, f"exam.{event}", exam, patient_id=exam.patient_id, **(audit or {}))
    publish("exams", exam=exam.pk, state=exam.state, event=event)
    transaction.on_commit(partial(_announce, exam, event, tell, facts))
    return exam


def _announce(exam: Exam, event: str, tell: Signal | None, facts: dict[str, Any]) -> None:
    if tell is not None:
        tell.send_robust(Exam, exam=exam, **facts)
    events.exam_moved.send_robust(Exam, exam=exam, event=event)


def move_visit(
    by: Actor,
    exam: Exam,
    move: str,
    *,
    at: datetime | None = None,
    reason: str = "",
    tell: Signal | None = None,
    **facts: Any,
) -> Exam:
    """Move a locked examination by the VISIT table."""
    before = exam.visit_state
    exam.visit_state = target(by, exam, states.VISIT, before, move, reason)
    return settle(
        by,
        exam,
        move,
        from_state=before,
        to_state=exam.visit_state,
        at=at,
        reason=reason,
        tell=tell,
        **facts,
    )


def refuse_when_begun(exam: Exam, move: str) -> None:
    """What concerns the whole visit ends when the first step has begun; then steps are discontinued instead."""
    if exam.steps.filter(state__in=states.BEGUN).exists():
        raise MoveRefused(
            _(
                "%(number)s has begun (%(state)s); “%(move)s” is not possible any more. "
                "Discontinue it with a reason instead."
            )
            % {
                "number": exam.number,
                "state": states.LOOKS[exam.state].word,
                "move": states.MOVE_WORDS.get(move, move),
            },
            state=exam.state,
            move=move,
        )


@transaction.atomic
def set_report_state(by: Actor, exam: Exam, report_state: str) -> Exam:
    """Reports tell how far they are; the caller (`records.reports`) has checked the right to do so.

    Raises `ValueError` for a state that `states.REPORT_STATES` does not know.
    """
    if report_state not in states.REPORT_STATES:
        raise ValueError(f"unknown report state {report_state!r}")
    exam = lock(exam)
    before = exam.state
    if exam.visit_state == "cancelled":
        raise not_offered(exam, "cancelled", report_state)
    exam.report_state = report_state
    return settle(
        by, exam, f"report.{report_state or 'none'}", from_state=before, to_state=report_state
    )

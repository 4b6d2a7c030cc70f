"""Through which queues an exam passes, and which comes next (clause 3.1: a call flow of its own per item).

The pathway is read from the exam, not stored: interview, then for each step injection and scanner. It follows the
facts (interviewed, administered, acquired), so a step that came in by MPPS or by hand moves the queue alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.queues.models import ServicePoint

_GIVEN = frozenset({"administered", "acquiring", "acquired", "discontinued"})
_OVER = frozenset({"acquired", "discontinued"})
HERE = frozenset({"arrived", "interviewed"})
"""Visit states in which the patient is in the department."""


@dataclass(frozen=True, slots=True)
class Stop:
    """One queue on the way: at which kind of service point, for which step, and whether it lies behind."""

    kind: str
    step: ExamStep | None
    passed: bool
    rank_at: datetime
    not_before: datetime | None = None


def stops(exam: Exam, steps: Sequence[ExamStep], *, arrived_at: datetime) -> list[Stop]:
    """Every stop of the exam in order. `steps` are the exam's steps with `phase`, in order of number."""
    way: list[Stop] = []
    if exam.item.requires_interview:
        way.append(
            Stop("interview", None, exam.visit_state == "interviewed", arrived_at),
        )
    for step in steps:
        phase = step.phase
        acquires = phase.acquires if phase else True
        # Uptake zero means an injection under the camera (three-phase bone scan, renography): no injection room.
        on_table = acquires and step.uptake_min == 0
        if step.administers and step.tracer_id and not on_table:
            way.append(Stop("injection", step, step.state in _GIVEN, arrived_at))
        if acquires:
            way.append(_scanner_stop(step, steps, arrived_at))
    return way


def _scanner_stop(step: ExamStep, steps: Sequence[ExamStep], arrived_at: datetime) -> Stop:
    given_at = step.administered_at
    if given_at is None and not step.administers:
        # An early/delayed pair images one administration twice: the delay counts from the last one given before.
        given_at = max(
            (s.administered_at for s in steps if s.number < step.number and s.administered_at),
            default=None,
        )
    due, not_before = step.starts_at or arrived_at, None
    if given_at is not None and step.uptake_min:
        due = given_at + timedelta(minutes=step.uptake_min)
        earliest = step.uptake_earliest_min
        not_before = given_at + timedelta(minutes=earliest) if earliest else None
    elif given_at is None and not step.tracer_id:
        due = arrived_at
    return Stop("scanner", step, step.state in _OVER, due, not_before)


def next_stop(way: Sequence[Stop], *, after: Stop | None = None) -> Stop | None:
    """The first stop that is not passed, looking only behind `after` if given."""
    start = way.index(after) + 1 if after in way else 0
    return next((stop for stop in way[start:] if not stop.passed), None)


def find_stop(way: Sequence[Stop], *, kind: str, step_id: int | None) -> Stop | None:
    """The stop that a ticket at a point of `kind` for the step belongs to."""
    for stop in way:
        if stop.kind == kind and (stop.step is None or step_id in (None, stop.step.pk)):
            return stop
    return None


def point_for(exam: Exam, kind: str, step: ExamStep | None = None) -> ServicePoint | None:
    """The service point of `kind` for the exam: one with the step's device's room first, then one of its class."""
    points = ServicePoint.objects.filter(active=True, kind=kind).order_by("sort", "id")
    if kind == "scanner" and step is not None and step.device and step.device.room_id:
        at_device = points.filter(rooms=step.device.room_id).first()
        if at_device:
            return at_device
    own_class = points.filter(modality_classes=exam.modality_class_id).first()
    return own_class or points.filter(modality_classes=None).first()


def arrived_at(exam: Exam) -> datetime:
    """When the patient was last confirmed present; now, if the timeline does not know."""
    row = exam.timeline.filter(to_state="arrived").order_by("-id").first()
    return row.at if row else timezone.now()

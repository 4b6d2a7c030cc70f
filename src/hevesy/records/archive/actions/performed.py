"""What devices report about the steps they perform (MPPS, PS3.4 F.7): kept as said, and moving the examination.

Creation and completion may come on different associations, twice, late, or for something nobody scheduled. The report
of the device is always kept; only the move of the examination may be refused, and then the row says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.models import PerformedStep
from hevesy.records.exams.actions.steps import move_step
from hevesy.records.exams.models import ExamStep
from hevesy.records.exams.states import STEP


class PerformedRefused(Refused):
    """The report of a device cannot be taken. `why`: duplicate, unknown, closed, foreign, bad_state."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(
            {
                "duplicate": _("A performed step with this UID is known already."),
                "unknown": _("No performed step has this UID."),
                "closed": _("The performed step is over and may not change any more."),
                "foreign": _("The performed step belongs to another device."),
                "bad_state": _(
                    "A performed step begins in progress and ends completed or discontinued."
                ),
            }[why]
        )


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One item of the Scheduled Step Attributes Sequence: which scheduled step the device means."""

    step_id: str
    study_instance_uid: str
    accession_number: str


@dataclass(frozen=True, slots=True)
class Performed:
    """A decoded N-CREATE or N-SET data set; fields are empty when the message does not carry them."""

    state: str = ""
    performed_step_id: str = ""
    modality: str = ""
    station_ae_title: str = ""
    patient_id: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    discontinued_because: str = ""
    scheduled: tuple[Scheduled, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


def create_performed(
    by: Actor, sop_instance_uid: str, told: Performed, *, received_from: str
) -> PerformedStep:
    """Record that a device began a step (N-CREATE), and start every scheduled step it names.

    Raises `PerformedRefused`: `bad_state`, `duplicate`.
    """
    by.require("exams.acquire")
    if told.state != PerformedStep.State.IN_PROGRESS:
        raise PerformedRefused("bad_state")
    try:
        with transaction.atomic():
            steps, note = _scheduled_steps(told)
            performed = PerformedStep.objects.create(
                sop_instance_uid=sop_instance_uid,
                performed_step_id=told.performed_step_id[:16],
                modality=told.modality[:16],
                station_ae_title=told.station_ae_title[:16],
                received_from=received_from[:16],
                started_at=told.started_at,
                attributes=told.attributes,
                note=note,
            )
            performed.steps.set(steps)
            for step in steps:
                ExamStep.objects.filter(pk=step.pk).update(performed_uid=sop_instance_uid)
                if step.state != "acquiring":
                    _move(by, performed, step, "start", told.started_at)
            _audit(by, "archive.performed_begin", performed)
    except IntegrityError:
        raise PerformedRefused("duplicate") from None
    return performed


def update_performed(
    by: Actor, sop_instance_uid: str, told: Performed, *, received_from: str
) -> PerformedStep:
    """Record what a device adds (N-SET); COMPLETED finishes its scheduled steps, DISCONTINUED discontinues them.

    Raises `PerformedRefused`: `unknown`, `foreign`, `closed`, `bad_state`. A refused message changes nothing.
    """
    by.require("exams.acquire")
    if told.state and told.state not in PerformedStep.State.values:
        raise PerformedRefused("bad_state")
    with transaction.atomic():
        performed = (
            PerformedStep.objects.select_for_update()
            .filter(sop_instance_uid=sop_instance_uid)
            .first()
        )
        if performed is None:
            raise PerformedRefused("unknown")
        if performed.received_from != received_from[:16]:
            raise PerformedRefused("foreign")
        if performed.state != PerformedStep.State.IN_PROGRESS:
            raise PerformedRefused("closed")
        performed.attributes = {**performed.attributes, **told.attributes}
        performed.state = told.state or performed.state
        performed.ended_at = told.ended_at or performed.ended_at
        performed.save(update_fields=["attributes", "state", "ended_at"])
        for step in performed.steps.select_related("exam").order_by("exam", "number"):
            if performed.state == PerformedStep.State.COMPLETED:
                _move(by, performed, step, "finish", performed.ended_at)
            elif performed.state == PerformedStep.State.DISCONTINUED:
                reason = told.discontinued_because or _("discontinued at the device")
                _move(by, performed, step, "discontinue", performed.ended_at, reason)
        _audit(by, "archive.performed_end" if told.state else "archive.performed_set", performed)
    return performed


def _scheduled_steps(told: Performed) -> tuple[list[ExamStep], str]:
    """The steps that the device names; none of them if study, number or patient speak against one."""
    named = {item.step_id: item for item in told.scheduled if item.step_id}
    rows = ExamStep.objects.select_related("exam__patient").order_by("exam", "number")
    steps = list(rows.filter(scheduled_procedure_step_id__in=named))
    for step in steps:
        item, exam = named[step.scheduled_procedure_step_id], step.exam
        if item.study_instance_uid and item.study_instance_uid != exam.study_instance_uid:
            return [], "study_differs"
        if item.accession_number and item.accession_number != exam.number:
            return [], "accession_differs"
        if told.patient_id and told.patient_id != exam.patient.patient_id:
            return [], "patient_id_differs"
    return steps, "" if steps else "not_scheduled"


def _move(
    by: Actor,
    performed: PerformedStep,
    step: ExamStep,
    move: str,
    at: datetime | None,
    reason: str = "",
) -> None:
    step.refresh_from_db()
    target = STEP.get((step.state, move))
    if target is None and any(
        row.to == step.state for (_state, name), row in STEP.items() if name == move
    ):
        return  # somebody at the console was quicker; it is as the device says
    try:
        with transaction.atomic():
            move_step(by, step, move, at=at, reason=reason)
    except Refused:
        performed.note = f"not_moved:{step.state}"[:60]
        performed.save(update_fields=["note"])


def _audit(by: Actor, verb: str, performed: PerformedStep) -> None:
    exams = list(dict.fromkeys(step.exam for step in performed.steps.select_related("exam")))
    record(
        by,
        verb,
        performed,
        patient_id=exams[0].patient_id if exams else None,
        exam=" ".join(exam.number for exam in exams),
        state=performed.state,
        note=performed.note,
    )

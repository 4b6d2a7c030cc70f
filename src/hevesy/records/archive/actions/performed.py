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
    """Record that a device began a step (N-CREATE), and start the scheduled step it names.

    Raises `PerformedRefused`: `bad_state`, `duplicate`.
    """
    by.require("exams.acquire")
    if told.state != PerformedStep.State.IN_PROGRESS:
        raise PerformedRefused("bad_state")
    try:
        with transaction.atomic():
            step, note = _scheduled_step(told)
            performed = PerformedStep.objects.create(
                sop_instance_uid=sop_instance_uid,
                step=step,
                performed_step_id=told.performed_step_id[:16],
                modality=told.modality[:16],
                station_ae_title=told.station_ae_title[:16],
                received_from=received_from[:16],
                started_at=told.started_at,
                attributes=told.attributes,
                note=note,
            )
            if step is not None:
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
    """Record what a device adds (N-SET); COMPLETED finishes the scheduled step, DISCONTINUED discontinues it.

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
        step = performed.step
        if step is not None and performed.state != PerformedStep.State.IN_PROGRESS:
            if performed.state == PerformedStep.State.COMPLETED:
                _move(by, performed, step, "finish", performed.ended_at)
            else:
                reason = told.discontinued_because or _("discontinued at the device")
                _move(by, performed, step, "discontinue", performed.ended_at, reason)
        _audit(by, "archive.performed_end" if told.state else "archive.performed_set", performed)
    return performed


def _scheduled_step(told: Performed) -> tuple[ExamStep | None, str]:
    """The step that the device names, unless study, number or patient speak against it."""
    for item in told.scheduled:
        step = (
            ExamStep.objects.select_related("exam__patient")
            .filter(scheduled_procedure_step_id=item.step_id)
            .exclude(scheduled_procedure_step_id="")
            .first()
        )
        if step is None:
            continue
        exam = step.exam
        if item.study_instance_uid and item.study_instance_uid != exam.study_instance_uid:
            return None, "study_differs"
        if item.accession_number and item.accession_number != exam.number:
            return None, "accession_differs"
        if told.patient_id and told.patient_id != exam.patient.patient_id:
            return None, "patient_id_differs"
        return step, ""
    return None, "not_scheduled"


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
    step = performed.step
    record(
        by,
        verb,
        performed,
        patient_id=step.exam.patient_id if step else None,
        exam=step.exam.number if step else "",
        state=performed.state,
        note=performed.note,
    )

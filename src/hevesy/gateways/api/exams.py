"""Orders and exams for programs. An order is an exam that has no time yet."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router, Schema, Status

from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.records.catalogue.models import ExamItem
from hevesy.records.equipment.models import Device
from hevesy.records.exams import actions
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.queries import visible_to
from hevesy.records.exams.queries.lists import on_day
from hevesy.records.patients import queries as patients

router = Router()


class OrderIn(Schema):
    """What is asked for; `item` and `device` are codes of the catalogue."""

    patient_id: str
    item: str
    source: str = Exam.Source.OUTPATIENT
    priority: int = Exam.Priority.ROUTINE
    requesting_department: str = ""
    requesting_physician: str = ""
    clinical_diagnosis: str = ""
    clinical_question: str = ""
    bed: str = ""


class ExamIn(OrderIn):
    """An order with a time."""

    device: str = ""
    starts_at: datetime


class StepOut(Schema):
    """A scheduled procedure step."""

    number: int
    scheduled_procedure_step_id: str
    state: str
    device: str | None
    starts_at: datetime | None
    tracer: str | None
    planned_activity_mbq: Decimal | None
    administered_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @staticmethod
    def resolve_device(step: ExamStep) -> str | None:
        return step.device.code if step.device else None

    @staticmethod
    def resolve_tracer(step: ExamStep) -> str | None:
        return step.tracer.code if step.tracer else None


class ExamOut(Schema):
    """An exam with its steps."""

    number: str
    patient_id: str
    item: str
    modality_class: str
    state: str
    source: str
    priority: int
    booked_for: datetime | None
    study_instance_uid: str
    weight_kg: Decimal | None
    height_cm: Decimal | None
    glucose_mmol_l: Decimal | None
    flags: list[str]
    steps: list[StepOut]

    @staticmethod
    def resolve_patient_id(exam: Exam) -> str:
        return exam.patient.patient_id

    @staticmethod
    def resolve_item(exam: Exam) -> str:
        return exam.item.code

    @staticmethod
    def resolve_modality_class(exam: Exam) -> str:
        return exam.modality_class.code

    @staticmethod
    def resolve_steps(exam: Exam) -> list[ExamStep]:
        return list(exam.steps.all())


class TimelineOut(Schema):
    """One thing that happened."""

    event: str
    from_state: str
    to_state: str
    at: datetime
    actor_name: str
    station: str
    method: str
    reason: str


class Reason(Schema):
    """Why."""

    reason: str = ""


class NewTime(Schema):
    """Another time, and another device if one is named."""

    starts_at: datetime
    device: str = ""
    reason: str = ""


class Answers(Schema):
    """Answers of the interview by the keys of its template."""

    answers: dict[str, Any]


class MoveIn(Schema):
    """A move of a step: ready, start, finish, discontinue, back."""

    move: str
    at: datetime | None = None
    reason: str = ""


def _rows(request: ApiRequest) -> Any:
    rows = visible_to(request.actor).select_related("patient", "item", "modality_class")
    return rows.prefetch_related("steps__device", "steps__tracer")


def exam_of(request: ApiRequest, number: str) -> Exam:
    """The exam if the asker may see it."""
    found: Exam = get_object_or_404(_rows(request), number=number)
    return found


def _ordered(request: ApiRequest, body: OrderIn) -> dict[str, Any]:
    facts = body.dict(exclude={"patient_id", "item", "device", "starts_at"})
    return {
        **facts,
        "patient": get_object_or_404(
            patients.visible_to(request.actor), patient_id=body.patient_id
        ),
        "item": get_object_or_404(ExamItem, code=body.item, active=True),
    }


def _device(code: str) -> Device | None:
    return get_object_or_404(Device, code=code) if code else None


@router.post("/orders", response={201: ExamOut, **FAULTS})
def place_order(request: ApiRequest, body: OrderIn) -> Status[Exam]:
    """An order without a time: it waits to be booked."""
    return Status(201, actions.book_exam(request.actor, **_ordered(request, body)))


@router.get("/orders", response={200: list[ExamOut], **FAULTS})
def waiting_orders(request: ApiRequest) -> Any:
    """Orders that wait for a time, the oldest first."""
    request.actor.require("exams.view")
    return _rows(request).filter(visit_state="ordered").order_by("id")[:500]


@router.get("/exams", response={200: list[ExamOut], **FAULTS})
def list_exams(request: ApiRequest, day: date | None = None, state: str = "") -> Any:
    """The exams of a day (today), in one state if it is named."""
    request.actor.require("exams.view")
    rows = on_day(_rows(request), day or timezone.localdate())
    return rows.filter(state=state) if state else rows


@router.post("/exams", response={201: ExamOut, **FAULTS})
def book(request: ApiRequest, body: ExamIn) -> Status[Exam]:
    """Book an exam; refused with the next free time when somebody was quicker."""
    facts = _ordered(request, body)
    exam = actions.book_exam(
        request.actor, device=_device(body.device), starts_at=body.starts_at, **facts
    )
    return Status(201, exam)


@router.get("/exams/{number}", response={200: ExamOut, **FAULTS})
def one_exam(request: ApiRequest, number: str) -> Exam:
    """One exam."""
    return exam_of(request, number)


@router.get("/exams/{number}/timeline", response={200: list[TimelineOut], **FAULTS})
def timeline(request: ApiRequest, number: str) -> Any:
    """Everything that happened to an exam, in order."""
    return exam_of(request, number).timeline.all()


@router.post("/exams/{number}/reschedule", response={200: ExamOut, **FAULTS})
def reschedule(request: ApiRequest, number: str, body: NewTime) -> Exam:
    """Give it another time."""
    exam = exam_of(request, number)
    return actions.reschedule(
        request.actor,
        exam,
        starts_at=body.starts_at,
        device=_device(body.device),
        reason=body.reason,
    )


@router.post("/exams/{number}/cancel", response={200: ExamOut, **FAULTS})
def cancel(request: ApiRequest, number: str, body: Reason) -> Exam:
    """Cancel it with a reason."""
    return actions.cancel_exam(request.actor, exam_of(request, number), body.reason)


@router.post("/exams/{number}/arrive", response={200: ExamOut, **FAULTS})
def arrive(request: ApiRequest, number: str, body: Reason) -> Exam:
    """The patient is here; on another day than booked a reason is needed."""
    return actions.mark_arrived(
        request.actor, exam_of(request, number), other_day_reason=body.reason
    )


@router.post("/exams/{number}/interview", response={200: ExamOut, **FAULTS})
def interview(request: ApiRequest, number: str, body: Answers) -> Exam:
    """Record an interview."""
    actions.record_interview(request.actor, exam_of(request, number), body.answers)
    return exam_of(request, number)


@router.post("/exams/{number}/steps/{step}/move", response={200: ExamOut, **FAULTS})
def move(request: ApiRequest, number: str, step: int, body: MoveIn) -> Exam:
    """Move a scheduled step on (or back, with a reason)."""
    found = get_object_or_404(exam_of(request, number).steps, number=step)
    actions.move_step(request.actor, found, body.move, at=body.at, reason=body.reason)
    return exam_of(request, number)

"""Booking, moving and correcting examinations: exactly one step per slot, whoever asks (clauses 2.1, 2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import ExamItem, ItemPhase
from hevesy.records.equipment.models import Device
from hevesy.records.exams import events, states
from hevesy.records.exams.actions.claim import (
    BookingRefused,
    SlotTaken,
    check_time,
    claim,
    closed,
    hold,
    hold_cells,
    lock_devices,
    when,
)
from hevesy.records.exams.actions.moves import (
    MoveRefused,
    lock,
    move_visit,
    refuse_when_begun,
    settle,
)
from hevesy.records.exams.models import Exam, ExamStep, SlotHold
from hevesy.records.exams.numbering import new_code, new_study_uid, take_number
from hevesy.records.exams.queries.calendars import calendars
from hevesy.records.exams.queries.slots import first_free
from hevesy.records.exams.scheduling import Chain, Phase, Placed
from hevesy.records.patients.models import Patient

CHILD_BELOW_YEARS = 14


@transaction.atomic
def book_exam(
    by: Actor,
    *,
    patient: Patient,
    item: ExamItem,
    device: Device | None = None,
    starts_at: datetime | None = None,
    source: str = Exam.Source.OUTPATIENT,
    priority: int = Exam.Priority.ROUTINE,
    requesting_department: str = "",
    requesting_physician: str = "",
    clinical_diagnosis: str = "",
    clinical_question: str = "",
    bed: str = "",
    weight_kg: Decimal | None = None,
    height_cm: Decimal | None = None,
    pregnancy: int | None = None,
    flags: Iterable[str] = (),
    number: str | None = None,
) -> Exam:
    """Book an examination; `starts_at` is when its first phase begins on the device.

    Without a time it waits as `ordered`; without a device the first free one takes it. Numbers, codes and UIDs are
    made here. Raises `SlotTaken` with the next free option when somebody was quicker, `AlreadyBooked` on a second
    click.
    """
    by.require("exams.book")
    if patient.merged_into_id:
        raise BookingRefused(
            _("%(patient_id)s was merged into another record. Please book for that one.")
            % {"patient_id": patient.patient_id}
        )
    if not item.active or not item.modality_class.active:
        raise BookingRefused(_("%(item)s is not offered any more.") % {"item": item.name})
    if source not in Exam.Source.values or priority not in Exam.Priority.values:
        raise BookingRefused(_("Please choose source and priority."))
    emergency = priority == Exam.Priority.EMERGENCY
    chain = (
        claim(by, item, device, starts_at, emergency=emergency, patient=patient)
        if starts_at is not None
        else None
    )
    exam = Exam(
        number=number or take_number(item.modality_class, timezone.now()),
        code=new_code(),
        study_instance_uid=new_study_uid(),
        patient=patient,
        item=item,
        item_version=item.version,
        modality_class=item.modality_class,
        source=source,
        priority=priority,
        requesting_department=requesting_department.strip(),
        requesting_physician=requesting_physician.strip(),
        clinical_diagnosis=clinical_diagnosis.strip(),
        clinical_question=clinical_question.strip(),
        bed=bed.strip(),
        weight_kg=weight_kg,
        height_cm=height_cm,
        pregnancy=pregnancy,
        flags=_flags(patient, priority, pregnancy, flags),
        visit_state="ordered",
        state="ordered",
        is_demo=patient.is_demo,
        created_by=by.user,
    )
    exam.save()
    _make_steps(exam, chain)
    if chain is None:
        return settle(by, exam, "order", to_state="ordered", tell=events.exam_booked)
    exam.booked_for = chain.starts_at
    hold(exam, chain, item, device, emergency)
    return move_visit(by, exam, "book", tell=events.exam_booked)


@transaction.atomic
def reschedule(
    by: Actor,
    exam: Exam,
    *,
    starts_at: datetime,
    device: Device | None = None,
    reason: str = "",
) -> Exam:
    """Give an examination another time; the first time for an ordered one. Refused once a step has begun.

    A patient who is here and gets a later time today stays arrived; on another day the arrival is due again.
    """
    exam = lock(exam)
    refuse_when_begun(exam, "reschedule")
    emergency = exam.priority == Exam.Priority.EMERGENCY
    move = "book" if exam.visit_state == "ordered" else "reschedule"
    if exam.visit_state in ("arrived", "interviewed"):
        same_day = timezone.localdate(starts_at) == timezone.localdate()
        move = "shift" if same_day else "reschedule"
    old = exam.booked_for
    chain = claim(by, exam.item, device, starts_at, emergency=emergency, but_exam=exam)
    SlotHold.objects.filter(step__exam=exam).delete()
    for step, placed in zip(exam.steps.order_by("number"), chain.steps, strict=True):
        step.device_id, step.starts_at = placed.device, placed.starts_at
        step.save(update_fields=["device", "starts_at"])
    exam.booked_for = chain.starts_at
    hold(exam, chain, exam.item, device, emergency)
    rule = states.VISIT.get((exam.visit_state, move))
    if not reason and old is not None and rule is not None and not rule.reason:
        reason = _("was %(time)s") % {"time": when(old)}
    return move_visit(by, exam, move, reason=reason, tell=events.exam_rescheduled)


@transaction.atomic
def reschedule_step(
    by: Actor, step: ExamStep, *, starts_at: datetime, device: Device | None = None
) -> ExamStep:
    """Move one phase that has not begun, for example a delayed image, to another time or device."""
    by.require("exams.book")
    exam = lock(Exam(pk=step.exam_id))
    step = ExamStep.objects.select_for_update().get(pk=step.pk)
    if step.state in ("acquiring", "acquired", "discontinued"):
        raise MoveRefused(
            _("Step %(step)d of %(number)s has been acquired; its time cannot be changed.")
            % {"step": step.number, "number": exam.number},
            state=step.state,
            move="reschedule",
        )
    chosen = device or step.device
    if chosen is None:
        raise BookingRefused(_("Please choose a device."))
    phase = Phase(step.number, step.duration_min, (chosen.pk,))
    emergency = exam.priority == Exam.Priority.EMERGENCY
    check_time(by, starts_at)
    lock_devices([chosen])
    books = calendars(
        [chosen],
        starts_at - timedelta(days=1),
        starts_at + timedelta(days=1),
        any_hour=emergency,
    )
    # Its own cells are free for it; those of the other phases are not.
    own = set(step.holds.filter(device=chosen).values_list("starts_at", flat=True))
    calendar = books[chosen.pk]
    blocked = set(calendar.taken) - own
    cells = calendar.cells(starts_at, step.duration_min)
    if not calendar.on_grid(starts_at) or not calendar.is_open(starts_at, step.duration_min):
        raise BookingRefused(closed(chosen, calendar.slot_min))
    if not blocked.isdisjoint(cells):
        raise SlotTaken(
            _("%(time)s on %(device)s is taken.")
            % {"time": when(starts_at), "device": chosen.name},
            first_free(exam.item, starts_at, device=chosen, emergency=emergency),
        )
    step.holds.all().delete()
    step.device, step.starts_at = chosen, starts_at
    step.save(update_fields=["device", "starts_at"])
    chain = Chain((Placed(phase, chosen.pk, starts_at, None),), {chosen.pk: frozenset(cells)})
    hold_cells(step, chosen.pk, cells, exam.item, device, emergency)
    first = exam.steps.order_by("starts_at").first()
    exam.booked_for = first.starts_at if first else chain.starts_at
    settle(
        by,
        exam,
        "step.reschedule",
        step=step,
        to_state=step.state,
        tell=events.exam_rescheduled,
        audit={"step": step.number},
    )
    return step


CORRECTABLE = frozenset(
    {
        "source",
        "priority",
        "requesting_department",
        "requesting_physician",
        "clinical_diagnosis",
        "clinical_question",
        "bed",
        "weight_kg",
        "height_cm",
        "pregnancy",
    }
)


@transaction.atomic
def correct_exam(by: Actor, exam: Exam, *, version: int | None = None, **changes: Any) -> Exam:
    """Correct what was typed at registration; `version` is what the editor saw."""
    by.require("exams.book")
    exam = lock(exam)
    if version is not None and version != exam.version:
        raise BookingRefused(
            _("Somebody else changed this examination meanwhile. Please look at it again.")
        )
    if unknown := set(changes) - CORRECTABLE:
        raise TypeError(f"not correctable: {', '.join(sorted(unknown))}")
    changed = sorted(key for key, value in changes.items() if getattr(exam, key) != value)
    for key in changed:
        setattr(exam, key, changes[key])
    kept = [flag for flag in exam.flags if flag not in ("child", "emergency", "pregnancy")]
    exam.flags = _flags(exam.patient, exam.priority, exam.pregnancy, kept)
    plan_activities(exam)
    return settle(by, exam, "correct", to_state=exam.visit_state, audit={"changed": changed})


def plan_activities(exam: Exam) -> None:
    """Plan the activity of every step that has not begun, from the weight when it is known."""
    for step in exam.steps.filter(state__in=("planned", "ready")).select_related("phase"):
        if step.phase is not None:
            step.planned_activity_mbq = planned_activity_mbq(step.phase, exam.weight_kg)
            step.save(update_fields=["planned_activity_mbq"])


def planned_activity_mbq(phase: ItemPhase, weight_kg: Decimal | None) -> Decimal | None:
    """MBq per kg times weight within the phase's limits; the fixed activity without a weight or a rule."""
    if not phase.administers:
        return None
    if phase.activity_mbq_per_kg is None or weight_kg is None:
        return phase.activity_mbq
    planned = phase.activity_mbq_per_kg * weight_kg
    if phase.activity_min_mbq is not None:
        planned = max(planned, phase.activity_min_mbq)
    if phase.activity_max_mbq is not None:
        planned = min(planned, phase.activity_max_mbq)
    return planned.quantize(Decimal("0.1"))


def _make_steps(exam: Exam, chain: Chain | None) -> None:
    rows: list[ItemPhase | None] = list(exam.item.phases.select_related("tracer"))
    placed = chain.steps if chain else ()
    for index, phase in enumerate(rows or [None]):
        at = placed[index] if index < len(placed) else None
        step = ExamStep(
            exam=exam,
            number=index + 1,
            phase=phase,
            scheduled_procedure_step_id=f"{exam.pk}.{index + 1}",
            tracer=phase.tracer if phase else None,
            administers=phase.administers if phase else False,
            planned_activity_mbq=planned_activity_mbq(phase, exam.weight_kg) if phase else None,
            uptake_min=phase.uptake_min if phase else None,
            uptake_earliest_min=phase.uptake_earliest_min if phase else None,
            uptake_latest_min=phase.uptake_latest_min if phase else None,
            device_id=at.device if at else None,
            starts_at=at.starts_at if at else None,
            duration_min=(phase.scan_min if phase and phase.scan_min else exam.item.scan_min),
            state="planned",
        )
        step.save()


def _flags(
    patient: Patient, priority: int, pregnancy: int | None, more: Iterable[str]
) -> list[str]:
    flags = set(more)
    if priority == Exam.Priority.EMERGENCY:
        flags.add("emergency")
    if pregnancy in (Exam.Pregnancy.POSSIBLE, Exam.Pregnancy.DEFINITE):
        flags.add("pregnancy")
    if patient.allergies:
        flags.add("allergy")
    if patient.birth_date is not None:
        today = timezone.localdate()
        born = patient.birth_date
        years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if years < CHILD_BELOW_YEARS:
            flags.add("child")
    order = ("emergency", "pregnancy", "child", "diabetes", "allergy", "deaf")
    return [flag for flag in order if flag in flags] + sorted(flags - set(order))

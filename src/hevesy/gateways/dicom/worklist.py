"""Modality worklist (PS3.4 K): what is scheduled on a scanner, with everything it needs to know of the patient."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import override
from pydicom.dataset import Dataset

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.gateways.dicom import limits, status
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.decoding import Undecodable, decode_identifier
from hevesy.gateways.dicom.keys import key_text, matches, terms_of, unsupported_keys
from hevesy.gateways.dicom.texts import Speaker
from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.exams.queries import worklist

logger = logging.getLogger(__name__)

Answer = tuple[int, Dataset | None]

_STATION: Final = 0x00400001
_START_DATE: Final = 0x00400002
_STEP_STATUS: Final = 0x00400020
_STEPS: Final = 0x00400100
_PRIORITIES: Final = {
    Exam.Priority.EMERGENCY: "STAT",
    Exam.Priority.URGENT: "HIGH",
    Exam.Priority.ROUTINE: "ROUTINE",
}
_STEP_STATES: Final = {
    "planned": "SCHEDULED",
    "ready": "READY",
    "administered": "READY",
    "acquiring": "STARTED",
}


def handle_find(event: Any) -> Iterator[Answer]:
    """Answer a worklist query, one scheduled step after another."""
    device: Device = event.assoc.device
    if not event.assoc.actor.may("exams.view"):
        yield status.NOT_AUTHORISED, None
        return
    try:
        identifier = decode_identifier(event, event.request.Identifier)
    except Undecodable:
        yield status.IDENTIFIER_DOES_NOT_MATCH, None
        return
    try:
        found = _look_up(identifier, device, event.assoc.actor)
    except Exception:
        logger.exception("a worklist query of %s failed", device.ae_title)
        yield status.UNABLE_TO_PROCESS, None
        return
    if len(found) > limits.MATCHES:
        logger.warning("%s asked for more than %s steps", device.ae_title, limits.MATCHES)
    for code, answer in found[: limits.MATCHES]:
        if event.is_cancelled:
            yield status.CANCEL, None
            return
        yield code, answer


@with_database
def _look_up(identifier: Dataset, device: Device, actor: Actor) -> list[Answer]:
    found = list(islice(_answers(identifier, device), limits.MATCHES + 1))
    with transaction.atomic():
        record(actor, "dicom.worklist", device, answers=len(found))
    return found


def _answers(identifier: Dataset, device: Device) -> Iterator[Answer]:
    terms = terms_of(identifier)
    speaker = Speaker(device.character_set)
    # What a device is told is in the language of the department, not of whoever logged in last.
    with override("zh-hans"):
        for step in _candidates(identifier, terms).iterator(chunk_size=200):
            answer = describe(step, speaker)
            if not matches(identifier, answer, terms):
                continue
            partly = unsupported_keys(identifier, answer, terms)
            code = status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED if partly else status.PENDING
            yield code, speaker.encodable(answer)


def _candidates(identifier: Dataset, terms: list[str]) -> Any:
    """The steps the database can narrow to: by station, days and exact numbers; the rest is matched one by one."""
    first = last = None
    station = ""
    begun = False
    items = identifier[_STEPS].value if _STEPS in identifier else []
    if items:
        item = items[0]
        first, last = _days(key_text(item, _START_DATE, terms))
        station = key_text(item, _STATION, terms)
        begun = "STARTED" in key_text(item, _STEP_STATUS, terms)
    exact = "" if any(sign in station for sign in "*?\\") else station
    steps = worklist(ae_title=exact, first=first, last=last, begun=begun)
    for tag, field in ((0x00100020, "exam__patient__patient_id"), (0x00080050, "exam__number")):
        wanted = key_text(identifier, tag, terms)
        if wanted and not any(sign in wanted for sign in "*?\\"):
            steps = steps.filter(**{field: wanted})
    return steps.select_related(
        "exam__patient",
        "exam__item",
        "exam__modality_class",
        "phase",
        "tracer__nuclide",
        "device__room",
    )


def _days(key: str) -> tuple[date | None, date | None]:
    first, dash, last = key.partition("-")
    return _day(first), _day(last if dash else first)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").date()  # noqa: DTZ007
    except ValueError:
        return None


def describe(step: ExamStep, speaker: Speaker) -> Dataset:
    """One worklist item (PS3.4 table K.6-1), every attribute that we have, always."""
    exam, patient, device = step.exam, step.exam.patient, step.device
    starts = timezone.localtime(step.starts_at) if step.starts_at else None
    item = Dataset()
    item.PatientName = speaker.person(patient.name_latin, patient.name_zh)
    item.PatientID = patient.patient_id
    item.PatientBirthDate = f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""
    item.PatientSex = patient.sex
    item.PatientAge = _age(patient.birth_date, (starts or timezone.localtime()).date())
    item.PatientWeight = f"{exam.weight_kg:f}" if exam.weight_kg else None
    item.PatientSize = f"{exam.height_cm / 100:f}"[:16] if exam.height_cm else None
    item.PregnancyStatus = exam.pregnancy or (4 if patient.sex == "F" else None)
    item.MedicalAlerts = speaker.text(", ".join(exam.flags), 64)
    item.Allergies = speaker.text(patient.allergies, 64)
    item.SpecialNeeds = "deaf" if "deaf" in exam.flags else ""
    item.CurrentPatientLocation = speaker.text(
        " ".join(filter(None, (exam.requesting_department, exam.bed))), 64
    )
    item.AccessionNumber = exam.number
    item.ReferringPhysicianName = speaker.person("", exam.requesting_physician)
    item.RequestingPhysician = speaker.person("", exam.requesting_physician)
    item.RequestingService = speaker.text(exam.requesting_department, 64)
    item.StudyInstanceUID = exam.study_instance_uid
    item.RequestedProcedureID = exam.number
    item.RequestedProcedureDescription = speaker.either(exam.item.name_zh, exam.item.name_en, 64)
    item.RequestedProcedureCodeSequence = [_code(exam.item, speaker)]
    item.RequestedProcedurePriority = _PRIORITIES[Exam.Priority(exam.priority)]
    item.ReasonForTheRequestedProcedure = speaker.text(
        exam.clinical_question or exam.clinical_diagnosis, 64
    )
    item.AdmittingDiagnosesDescription = speaker.text(exam.clinical_diagnosis, 64)
    item.ReferencedStudySequence = []
    item.ReferencedPatientSequence = []
    scheduled = Dataset()
    scheduled.ScheduledStationAETitle = (device.ae_title or "") if device else ""
    scheduled.ScheduledStationName = (
        speaker.either(device.name_zh, device.name_en, 16) if device else ""
    )
    scheduled.ScheduledProcedureStepStartDate = f"{starts:%Y%m%d}" if starts else ""
    scheduled.ScheduledProcedureStepStartTime = f"{starts:%H%M%S}" if starts else ""
    scheduled.Modality = (exam.modality_class.dicom_modalities or ["OT"])[0]
    scheduled.ScheduledPerformingPhysicianName = ""
    scheduled.ScheduledProcedureStepDescription = speaker.either(*_step_names(step), 64)
    scheduled.ScheduledProtocolCodeSequence = [_code(exam.item, speaker)]
    scheduled.ScheduledProcedureStepID = step.scheduled_procedure_step_id
    scheduled.ScheduledProcedureStepLocation = (
        speaker.either(device.room.name_zh, device.room.name_en, 16)
        if device and device.room
        else ""
    )
    scheduled.ScheduledProcedureStepStatus = _STEP_STATES.get(step.state, "SCHEDULED")
    scheduled.PreMedication = ""
    scheduled.RequestedContrastAgent = step.tracer.plain[:64] if step.tracer else ""
    scheduled.CommentsOnTheScheduledProcedureStep = _comment(step)
    item.ScheduledProcedureStepSequence = [scheduled]
    return item


def _step_names(step: ExamStep) -> tuple[str, str]:
    item, phase = step.exam.item, step.phase
    if phase is None or not (phase.name_zh or phase.name_en):
        return item.name_zh, item.name_en
    return f"{item.name_zh} {phase.name_zh}", f"{item.name_en} {phase.name_en}"


def _comment(step: ExamStep) -> str:
    """Drug and planned activity: what the technologist types into the scanner."""
    if step.tracer is None:
        return ""
    planned = f" {step.planned_activity_mbq:.0f} MBq" if step.planned_activity_mbq else ""
    return f"{step.tracer.plain}{planned}"


def _code(named: Any, speaker: Speaker) -> Dataset:
    code = Dataset()
    if len(named.code) <= 16:
        code.CodeValue = named.code
    else:
        code.LongCodeValue = named.code
    code.CodingSchemeDesignator = "99HEVESY"
    code.CodeMeaning = speaker.either(named.name_zh, named.name_en, 64)
    return code


def _age(born: date | None, today: date) -> str:
    if born is None or born > today:
        return ""
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months >= 24:
        return f"{months // 12:03d}Y"
    return f"{months:03d}M" if months >= 2 else f"{(today - born).days:03d}D"

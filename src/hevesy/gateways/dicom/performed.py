"""Modality performed procedure steps (PS3.4 F.7): translate, call one action, translate back."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.decoding import Undecodable, decode_identifier
from hevesy.gateways.dicom.keys import key_text, terms_of
from hevesy.records.archive.actions.performed import (
    Performed,
    PerformedRefused,
    Scheduled,
    create_performed,
    update_performed,
)
from hevesy.records.archive.uids import is_uid

logger = logging.getLogger(__name__)

Answer = tuple[int | Dataset, Dataset | None]

_BULKY: Final = 64 * 1024
_STATUSES: Final = {
    "duplicate": status.DUPLICATE_SOP_INSTANCE,
    "unknown": status.NO_SUCH_SOP_INSTANCE,
    "closed": status.PROCESSING_FAILURE,
    "foreign": status.NOT_AUTHORISED,
    "bad_state": status.INVALID_ATTRIBUTE_VALUE,
}


def handle_create(event: Any) -> Answer:
    """N-CREATE: a device began something."""
    request = event.request
    uid = str(request.AffectedSOPInstanceUID or "")
    made_here = not uid
    if made_here:
        uid = str(generate_uid(prefix=None))
    try:
        dataset = decode_identifier(event, request.AttributeList)
        told = read(dataset)
    except Undecodable:
        return status.PROCESSING_FAILURE, None
    if not told.state:
        return status.MISSING_ATTRIBUTE, None
    answer = _call(create_performed, event, uid, told)
    if answer != status.SUCCESS or not made_here:
        return answer, None
    reply = Dataset()
    reply.AffectedSOPInstanceUID = uid
    return status.SUCCESS, reply


def handle_set(event: Any) -> Answer:
    """N-SET: the device says more, or that it ended."""
    request = event.request
    try:
        told = read(decode_identifier(event, request.ModificationList))
    except Undecodable:
        return status.PROCESSING_FAILURE, None
    return _call(update_performed, event, str(request.RequestedSOPInstanceUID or ""), told), None


@with_database
def _call(action: Any, event: Any, uid: str, told: Performed) -> int | Dataset:
    if not is_uid(uid):
        return status.INVALID_OBJECT_INSTANCE
    association = event.assoc
    try:
        action(association.actor, uid, told, received_from=association.device.ae_title)
    except PermissionRefused:
        return status.NOT_AUTHORISED
    except PerformedRefused as refusal:
        code = _STATUSES[refusal.why]
        if refusal.why != "closed":
            return code
        answer = Dataset()
        answer.Status = code
        answer.ErrorID = status.MAY_NO_LONGER_BE_UPDATED
        answer.ErrorComment = "Performed Procedure Step Object may no longer be updated"
        return answer
    except Exception:
        logger.exception(
            "a performed step of %s could not be recorded", association.device.ae_title
        )
        return status.PROCESSING_FAILURE
    return status.SUCCESS


def read(dataset: Dataset) -> Performed:
    """What a performed step data set says. Raises `Undecodable` if its values make no sense."""
    terms = terms_of(dataset)

    def text(keyword: str, of: Dataset = dataset) -> str:
        return key_text(of, of[keyword].tag, terms) if keyword in of else ""

    def items(keyword: str) -> list[Dataset]:
        return list(dataset[keyword].value or []) if keyword in dataset else []

    try:
        reasons = items("PerformedProcedureStepDiscontinuationReasonCodeSequence")
        return Performed(
            state=text("PerformedProcedureStepStatus"),
            performed_step_id=text("PerformedProcedureStepID"),
            modality=text("Modality"),
            station_ae_title=text("PerformedStationAETitle"),
            patient_id=text("PatientID"),
            started_at=_moment(
                text("PerformedProcedureStepStartDate"), text("PerformedProcedureStepStartTime")
            ),
            ended_at=_moment(
                text("PerformedProcedureStepEndDate"), text("PerformedProcedureStepEndTime")
            ),
            discontinued_because=text("CodeMeaning", reasons[0]) if reasons else "",
            scheduled=tuple(
                Scheduled(
                    step_id=text("ScheduledProcedureStepID", item),
                    study_instance_uid=text("StudyInstanceUID", item),
                    accession_number=text("AccessionNumber", item),
                )
                for item in items("ScheduledStepAttributesSequence")
            ),
            attributes=_json(dataset),
        )
    except Exception as error:  # lazily decoded values of a stranger
        raise Undecodable from error


def _moment(day: str, time: str) -> datetime | None:
    """A local date and time of the device; None if it is none."""
    try:
        naive = datetime.strptime(day + (time.split(".")[0] + "000000")[:6], "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        return None
    return timezone.make_aware(naive)


def _json(dataset: Dataset) -> dict[str, Any]:
    attributes: dict[str, Any] = json.loads(
        dataset.to_json(suppress_invalid_tags=True).replace("\\u0000", "")
    )
    return attributes if len(json.dumps(attributes)) <= _BULKY else {}

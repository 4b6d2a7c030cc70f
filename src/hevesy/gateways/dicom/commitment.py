"""Storage Commitment, Push Model (PS3.4 annex J): a device asks whether it may delete what it sent us."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from pydicom.dataset import Dataset

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.decoding import Undecodable, decode_identifier
from hevesy.records.archive.models import Instance
from hevesy.records.archive.stored import data_set_sha256
from hevesy.records.archive.uids import is_uid

logger = logging.getLogger(__name__)

WELL_KNOWN_INSTANCE: Final = "1.2.840.10008.1.20.1.1"
MOST_REFERENCES: Final = 10_000
_REQUEST: Final = 1
_ALL_COMMITTED, _SOME_FAILED = 1, 2
_CLASS_CONFLICT: Final = 0x0119


def handle_action(event: Any) -> tuple[int, None]:
    """N-ACTION: take the request; the answer comes by N-EVENT-REPORT when everything has been read again."""
    request, association = event.request, event.assoc
    if str(request.RequestedSOPInstanceUID) != WELL_KNOWN_INSTANCE:
        return status.NO_SUCH_SOP_INSTANCE, None
    if request.ActionTypeID != _REQUEST:
        return status.NO_SUCH_ACTION, None
    try:
        transaction_uid, references = _read(decode_identifier(event, request.ActionInformation))
    except Undecodable:
        return status.INVALID_ATTRIBUTE_VALUE, None
    return _ask(association, transaction_uid, references), None


def _read(dataset: Dataset) -> tuple[str, list[tuple[str, str]]]:
    try:
        transaction_uid = str(dataset.TransactionUID)
        references = [
            (str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
            for item in dataset.ReferencedSOPSequence
        ]
    except Exception as error:  # lazily decoded values of a stranger
        raise Undecodable from error
    uids = [transaction_uid, *(uid for pair in references for uid in pair)]
    if not 0 < len(references) <= MOST_REFERENCES or not all(map(is_uid, uids)):
        raise Undecodable
    return transaction_uid, references


@with_database
def _ask(association: Any, transaction_uid: str, references: list[tuple[str, str]]) -> int:
    from hevesy.gateways.dicom.actions import ask_commitment

    try:
        ask_commitment(association.actor, association.device, transaction_uid, references)
    except PermissionRefused:
        return status.NOT_AUTHORISED
    except Exception:
        logger.exception("a commitment of %s was not taken", association.device.ae_title)
        return status.PROCESSING_FAILURE
    return status.SUCCESS


def check(transaction_uid: str, references: Sequence[Sequence[str]]) -> tuple[int, Dataset]:
    """Read every object again; the event type and the Event Information of the report (PS3.4 table J.3-2)."""
    report = Dataset()
    report.TransactionUID = transaction_uid
    report.RetrieveAETitle = settings.AE_TITLE
    committed: list[Dataset] = []
    failed: list[Dataset] = []
    for sop_class_uid, sop_instance_uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class_uid
        item.ReferencedSOPInstanceUID = sop_instance_uid
        reason = _failure(sop_class_uid, sop_instance_uid)
        if reason:
            item.FailureReason = reason
        (failed if reason else committed).append(item)
    report.ReferencedSOPSequence = committed
    if failed:
        report.FailedSOPSequence = failed
    return _SOME_FAILED if failed else _ALL_COMMITTED, report


def _failure(sop_class_uid: str, sop_instance_uid: str) -> int:
    """The Failure Reason (0008,1197) of an object; 0 if its bytes are here and right."""
    row = Instance.objects.filter(sop_instance_uid=sop_instance_uid).first()
    if row is None:
        return status.NO_SUCH_SOP_INSTANCE
    if row.sop_class_uid != sop_class_uid:
        return _CLASS_CONFLICT
    try:
        whole = data_set_sha256(row) == row.sha256
    except OSError:
        whole = False
    return 0 if whole else status.PROCESSING_FAILURE

"""C-MOVE and C-GET, Patient Root and Study Root (PS3.4 C.4.2, C.4.3): stored files, sent as they are, in pieces."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from typing import Any, Final

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_MOVE
from pynetdicom.dsutils import encode

from hevesy.gateways.dicom import identifier, limits, outgoing, status
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.decoding import Undecodable, decode_data_set
from hevesy.gateways.dicom.keys import terms_of
from hevesy.gateways.dicom.sending import Line, send_instances
from hevesy.records.archive import finding
from hevesy.records.archive.actions.leaving import note_leaving, note_not_sent
from hevesy.records.archive.keys import KeyRefused
from hevesy.records.equipment.models import Device

logger = logging.getLogger(__name__)

_MOST_FAILED_UIDS: Final = 1000
"""A list of UIDs in explicit VR has a length of 16 bits."""


class _Refused(Exception):
    def __init__(self, code: int, why: str = "") -> None:
        self.code = code
        super().__init__(why)


@dataclass(slots=True)
class _Tally:
    """Where a retrieval stands."""

    remaining: int = 0
    completed: int = 0
    warning: int = 0
    failed: int = 0
    failed_uids: list[str] = field(default_factory=list)

    def add(self, uid: str, outcome: str) -> None:
        self.remaining -= 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        if outcome == "failed" and len(self.failed_uids) < _MOST_FAILED_UIDS:
            self.failed_uids.append(uid)

    @property
    def code(self) -> int:
        if not self.failed and not self.warning:
            return status.SUCCESS
        return status.SOME_FAILED if self.completed or self.warning else status.CANNOT_SEND


def serve(association: Any, request: Any, context: Any) -> None:
    """Serve one C-MOVE or C-GET request to its last answer."""
    tally = _Tally()
    try:
        code = _retrieve(association, request, context, tally)
        why = ""
    except _Refused as refusal:
        code, why = refusal.code, str(refusal)
    except Exception:
        logger.exception("a retrieval of %s failed", association.device.ae_title)
        code, why = status.UNABLE_TO_PROCESS, ""
    if association.is_established:
        _answer(association, request, context, code, tally, why)


def _retrieve(association: Any, request: Any, context: Any, tally: _Tally) -> int:
    moving = isinstance(request, C_MOVE)
    destination = _destination(association, request) if moving else association.device
    rows = _matches(association, request, context)
    tally.remaining = len(rows)
    if not rows:
        return status.SUCCESS
    how = "C-MOVE" if moving else "C-GET"
    by, to = association.actor, destination.ae_title or ""
    _note_leaving(by, [study for *_others, study in rows], to=to, how=how)
    line, originator = Line(association), {}
    try:
        if moving:
            contexts = {(sop_class, syntax) for _pk, sop_class, syntax, _study in rows}
            call = partial(outgoing.call_to_store, destination, contexts)
            line = Line(call(), call)
            originator = {
                "originator_aet": association.device.ae_title,
                "originator_id": request.MessageID,
            }
        for uid, outcome in send_instances(line, [pk for pk, *_others in rows], **originator):
            tally.add(uid, outcome)
            if not association.is_established:
                return status.CANCEL
            if association.dimse.cancel_req.pop(request.MessageID, None):
                return status.CANCEL
            if tally.remaining:
                _answer(association, request, context, status.PENDING, tally)
        return tally.code
    except outgoing.Unreachable as unreachable:
        tally.failed, tally.remaining = tally.remaining, 0
        raise _Refused(status.CANNOT_SEND, str(unreachable)) from unreachable
    finally:
        line.close()
        if tally.failed or tally.remaining:
            left = tally.failed + tally.remaining
            sent = tally.completed + tally.warning
            with_database(note_not_sent)(by, to=to, how=how, sent=sent, failed=left)


@with_database
def _destination(association: Any, request: Any) -> Device:
    """The device a C-MOVE names: itself, or with the right `move` another one that we know."""
    ae_title = str(request.MoveDestination or "").strip()
    device = outgoing.known_device(ae_title)
    if device is None:
        raise _Refused(status.DESTINATION_UNKNOWN, "the destination is not in our table of devices")
    own = device.pk == association.device.pk
    if ("retrieve" if own else "move") not in association.device.dicom_rights:
        raise _Refused(status.NOT_AUTHORISED, "the device may not send images there")
    return device


@with_database
def _matches(association: Any, request: Any, context: Any) -> list[tuple[int, str, str, int]]:
    """Key, SOP class, transfer syntax and study of every object that is meant."""
    sop_class_uid = str(request.AffectedSOPClassUID)
    try:
        dataset = decode_data_set(request.Identifier, context.transfer_syntax[0])
        asked = identifier.read_identifier(
            dataset,
            sop_class_uid,
            terms_of(dataset),
            relational=identifier.is_relational(association, sop_class_uid),
        )
        unique = {
            key: value for key, value in asked.asked.items() if key in identifier.UNIQUE.values()
        }
        own = unique.get(identifier.UNIQUE[asked.level], "")
        if not own or any(sign in own for sign in "*?"):
            why = f"the {asked.level} level needs its {identifier.UNIQUE[asked.level]}"
            raise _Refused(status.IDENTIFIER_DOES_NOT_MATCH, why)
        found = finding.find_instances(association.actor, unique)
    except Undecodable:
        raise _Refused(status.IDENTIFIER_DOES_NOT_MATCH) from None
    except (identifier.IdentifierRefused, KeyRefused) as refusal:
        raise _Refused(status.IDENTIFIER_DOES_NOT_MATCH, str(refusal)) from refusal
    rows = list(
        found.values_list("pk", "sop_class_uid", "transfer_syntax_uid", "series__study_id")[
            : limits.SUBOPERATIONS + 1
        ]
    )
    if len(rows) > limits.SUBOPERATIONS:
        raise _Refused(status.CANNOT_COUNT_MATCHES, "too many objects for one retrieval")
    return rows


_note_leaving = with_database(note_leaving)


def _answer(
    association: Any, request: Any, context: Any, code: int, tally: _Tally, why: str = ""
) -> None:
    answer = type(request)()
    answer.MessageIDBeingRespondedTo = request.MessageID
    answer.AffectedSOPClassUID = request.AffectedSOPClassUID
    answer.Status = code
    if why:
        answer.ErrorComment = why[:64]
    if code in (status.PENDING, status.CANCEL):
        answer.NumberOfRemainingSuboperations = tally.remaining
    answer.NumberOfCompletedSuboperations = tally.completed
    answer.NumberOfFailedSuboperations = tally.failed
    answer.NumberOfWarningSuboperations = tally.warning
    if tally.failed_uids and code != status.PENDING:
        failed = Dataset()
        failed.FailedSOPInstanceUIDList = tally.failed_uids
        syntax = context.transfer_syntax[0]
        written = encode(failed, syntax.is_implicit_VR, syntax.is_little_endian)
        answer.Identifier = BytesIO(written)
    association.dimse.send_msg(answer, context.context_id)

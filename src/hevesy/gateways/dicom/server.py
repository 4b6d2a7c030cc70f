"""The DICOM server: which contexts a device gets, and which function answers which message."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError
from pydicom.uid import (
    AllTransferSyntaxes,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, evt
from pynetdicom.pdu_primitives import SOPClassCommonExtendedNegotiation
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import (
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    Verification,
    uid_to_service_class,
)

from hevesy.gateways.dicom import identifier, limits, query, retrieve, spooling, status
from hevesy.gateways.dicom.commitment import handle_action
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.peers import (
    CONGESTED,
    FULL,
    Rejection,
    actor_of,
    admit,
    audit_rejection,
    label,
)
from hevesy.gateways.dicom.performed import handle_create, handle_set
from hevesy.gateways.dicom.store import handle_store
from hevesy.gateways.dicom.transport import GuardedServer
from hevesy.gateways.dicom.worklist import handle_find as handle_worklist
from hevesy.records.archive.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from hevesy.records.equipment.models import Device

logger = logging.getLogger(__name__)

_PLAIN_SYNTAXES: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
_STORAGE_SYNTAXES: Final = frozenset(
    str(uid) for uid in (*AllTransferSyntaxes, ExplicitVRBigEndian)
)
_STORAGE_SERVICE: Final = "1.2.840.10008.4.2"
_DICOM_ROOT: Final = "1.2.840.10008."
_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."

_RIGHTS: Final[dict[str, tuple[str, ...]]] = {
    str(Verification): ("echo",),
    str(ModalityWorklistInformationFind): ("worklist",),
    str(ModalityPerformedProcedureStep): ("mpps",),
    str(StorageCommitmentPushModel): ("commit",),
    **dict.fromkeys(identifier.FIND, ("query",)),
    **dict.fromkeys(identifier.GET, ("retrieve",)),
    **dict.fromkeys(identifier.MOVE, ("retrieve", "move")),
}


def rights_for(abstract_syntax: str) -> tuple[str, ...]:
    """The rights of which a device needs one for a SOP class; none if we do not serve it.

    Private classes and retired storage classes (the old NM image) are archived as they come.
    """
    if abstract_syntax in _RIGHTS:
        return _RIGHTS[abstract_syntax]
    service = uid_to_service_class(abstract_syntax)
    if service is StorageServiceClass or is_unnamed_storage(abstract_syntax):
        return ("store",)
    return ()


def is_unnamed_storage(abstract_syntax: str) -> bool:
    """Whether a class that pynetdicom has no service for is one that stores: private, retired or too new."""
    if uid_to_service_class(abstract_syntax) is not ServiceClass:
        return False
    return not abstract_syntax.startswith(_DICOM_ROOT) or abstract_syntax.startswith(_STORAGE_ROOT)


def handle_requested(event: Any) -> None:
    """An association is asked for: turn strangers away, give known devices the contexts they have rights to."""
    association = event.assoc
    request = association.requestor.primitive
    called, calling = str(request.called_ae_title), str(request.calling_ae_title)
    address = association.peer_address
    answer = _judge(association, called, calling, address)
    if isinstance(answer, Rejection):
        logger.warning(
            "rejected %s at %s calling %s: %s", label(calling), address, label(called), answer.why
        )
        association.acse.send_reject(answer.result, answer.source, answer.diagnostic)
        evt.trigger(association, evt.EVT_REJECTED, {})
        association.kill()
        return
    association.device = answer
    association.actor = actor_of(answer, address)
    association.retrieve = retrieve.serve
    roles = association.requestor.role_selection
    association.acceptor.supported_contexts = contexts_for(
        answer,
        request.presentation_context_definition_list,
        frozenset(str(uid) for uid, role in roles.items() if role.scp_role),
    )


@with_database
def _judge(association: Any, called: str, calling: str, address: str) -> Device | Rejection:
    try:
        answer = admit(called, calling, address)
        if not isinstance(answer, Rejection) and _crowded(association):
            answer = FULL
        if isinstance(answer, Rejection):
            audit_rejection(answer, called, calling, address)
        return answer
    except DatabaseError:
        logger.exception("an association could not be judged")
        return CONGESTED


def _crowded(association: Any) -> bool:
    others = [
        other
        for other in association._server.active_associations
        if other is not association and other.is_established
    ]
    near = [other for other in others if other.peer_address == association.peer_address]
    return len(others) >= limits.ASSOCIATIONS or len(near) >= limits.ASSOCIATIONS_PER_ADDRESS


def contexts_for(
    device: Device, proposed: list[PresentationContext], receives: frozenset[str] = frozenset()
) -> list[PresentationContext]:
    """What we support of what a device proposes. Storage takes every transfer syntax that we know by name.

    receives: storage classes that the device offers to take itself, for what it retrieves by C-GET.
    """
    if "retrieve" not in device.dicom_rights:
        receives = frozenset()
    syntaxes: dict[str, set[str]] = {}
    for context in proposed:
        abstract_syntax = str(context.abstract_syntax)
        rights = rights_for(abstract_syntax)
        known = _STORAGE_SYNTAXES if rights == ("store",) else _PLAIN_SYNTAXES
        if not any(right in device.dicom_rights for right in rights) and not (
            rights == ("store",) and abstract_syntax in receives
        ):
            continue
        offered = {str(syntax) for syntax in context.transfer_syntax}
        syntaxes.setdefault(abstract_syntax, set()).update(offered.intersection(known))
    supported = []
    for abstract_syntax, accepted in syntaxes.items():
        if accepted:
            context = PresentationContext()
            context.abstract_syntax = abstract_syntax
            context.transfer_syntax = sorted(accepted, key=_plainest_first)
            if abstract_syntax in receives:
                context.scu_role = "store" in device.dicom_rights
                context.scp_role = True
            supported.append(context)
    return supported


def _plainest_first(transfer_syntax: str) -> tuple[bool, str]:
    """Explicit little endian before everything else: it says most, and we can write every object in it."""
    return transfer_syntax != ExplicitVRLittleEndian, transfer_syntax


def handle_common_extended(event: Any) -> dict[str, SOPClassCommonExtendedNegotiation]:
    """Tell pynetdicom that unnamed storage classes belong to the storage service."""
    found = {}
    for context in event.assoc.acceptor.supported_contexts:
        abstract_syntax = str(context.abstract_syntax)
        if is_unnamed_storage(abstract_syntax):
            item = SOPClassCommonExtendedNegotiation()
            item.sop_class_uid = abstract_syntax
            item.service_class_uid = _STORAGE_SERVICE
            found[context.abstract_syntax] = item
    return found


def handle_find(event: Any) -> Iterator[Any]:
    """C-FIND: the worklist, or the archive."""
    if str(event.request.AffectedSOPClassUID) in identifier.FIND:
        return query.handle_query(event)
    return handle_worklist(event)


def handle_echo(event: Any) -> int:
    """C-ECHO: we are here."""
    return status.SUCCESS


HANDLERS: Final = [
    (evt.EVT_REQUESTED, handle_requested),
    (evt.EVT_SOP_COMMON, handle_common_extended),
    (evt.EVT_SOP_EXTENDED, identifier.handle_extended),
    (evt.EVT_C_ECHO, handle_echo),
    (evt.EVT_C_STORE, handle_store),
    (evt.EVT_C_FIND, handle_find),
    (evt.EVT_N_ACTION, handle_action),
    (evt.EVT_N_CREATE, handle_create),
    (evt.EVT_N_SET, handle_set),
]


def make_server(host: str, port: int) -> GuardedServer:
    """A bound, listening server; `serve_forever` runs it, `shutdown` ends it. Port 0 takes a free one."""
    spooling.install()
    quiet = logging.getLogger("pynetdicom")
    quiet.setLevel(logging.CRITICAL)
    entity = AE(settings.AE_TITLE)
    entity.maximum_pdu_size = limits.PDU_BYTES
    # The door is kept by `handle_requested`; this only must not be in its way.
    entity.maximum_associations = 10_000
    entity.acse_timeout = limits.SPEAK_WITHIN_S
    entity.network_timeout = limits.NETWORK_TIMEOUT_S
    entity.dimse_timeout = limits.NETWORK_TIMEOUT_S
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.add_supported_context(Verification)
    server: GuardedServer = entity.make_server(
        (host, port), ae_title=settings.AE_TITLE, evt_handlers=HANDLERS, server_class=GuardedServer
    )
    return server

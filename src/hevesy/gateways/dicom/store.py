"""C-STORE: hand the object to the archive and answer with what became of it."""

from __future__ import annotations

import logging
from typing import Any

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.databases import with_database
from hevesy.records.archive.ingest import Received, receive_spooled
from hevesy.records.archive.refusals import ObjectRefused, StorageExhausted

logger = logging.getLogger(__name__)

_MISMATCHES = frozenset(("other_sop_instance", "other_sop_class"))


@with_database
def handle_store(event: Any) -> int:
    """The status of one C-STORE request (PS3.4 B.2.3)."""
    request, association = event.request, event.assoc
    incoming = request._dataset_file
    if incoming is None:
        return status.CANNOT_UNDERSTAND
    try:
        received = receive_spooled(
            incoming.spool,
            sop_class_uid=str(request.AffectedSOPClassUID or ""),
            sop_instance_uid=str(request.AffectedSOPInstanceUID or ""),
            by=association.actor,
            received_from=association.device.ae_title,
        )
    except PermissionRefused:
        return status.NOT_AUTHORISED
    except StorageExhausted as refusal:
        logger.error("refused an object of %s: %s", association.device.ae_title, refusal.reason)
        return status.OUT_OF_RESOURCES
    except ObjectRefused as refusal:
        logger.warning("refused an object of %s: %s", association.device.ae_title, refusal.reason)
        return (
            status.OUT_OF_RESOURCES if refusal.reason == "too_large" else status.CANNOT_UNDERSTAND
        )
    except Exception:
        # The database is away, or a fault of ours: the sender must try again, so never a success.
        logger.exception("an object of %s could not be stored", association.device.ae_title)
        incoming.spool.discard()
        return status.OUT_OF_RESOURCES
    return _answer(received)


def _answer(received: Received) -> int:
    if received.outcome in ("stored", "duplicate"):
        return status.SUCCESS
    if received.outcome == "conflict":
        return status.KEPT_ASIDE
    if received.reason in _MISMATCHES or received.reason.startswith(("invalid_", "missing_")):
        return status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS
    return status.CANNOT_UNDERSTAND

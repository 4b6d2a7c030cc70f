"""C-FIND on the archive, Patient Root and Study Root (PS3.4 C.4.1)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db import transaction
from pydicom.dataset import Dataset

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.gateways.dicom import limits, status
from hevesy.gateways.dicom.answers import Found, describe
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.decoding import Undecodable, decode_identifier
from hevesy.gateways.dicom.identifier import (
    Identifier,
    IdentifierRefused,
    is_relational,
    read_identifier,
)
from hevesy.gateways.dicom.keys import terms_of
from hevesy.gateways.dicom.texts import Speaker
from hevesy.records.archive import finding
from hevesy.records.archive.keys import KeyRefused
from hevesy.records.equipment.models import Device

logger = logging.getLogger(__name__)

Answer = tuple[int | Dataset, Dataset | None]
_FINDERS: Final[dict[str, Callable[..., Any]]] = {
    "PATIENT": finding.find_patients,
    "STUDY": finding.find_studies,
    "SERIES": finding.find_series,
    "IMAGE": finding.find_instances,
}


def handle_query(event: Any) -> Iterator[Answer]:
    """Answer a query of the archive; A700 at the end says that there are more matches than we answer."""
    association = event.assoc
    device: Device = association.device
    sop_class_uid = str(event.request.AffectedSOPClassUID)
    if not association.actor.may("archive.view"):
        yield status.NOT_AUTHORISED, None
        return
    try:
        dataset = decode_identifier(event, event.request.Identifier)
        identifier = read_identifier(
            dataset,
            sop_class_uid,
            terms_of(dataset),
            relational=is_relational(association, sop_class_uid),
        )
        found = _look_up(identifier, device, association.actor)
    except Undecodable:
        yield status.IDENTIFIER_DOES_NOT_MATCH, None
        return
    except (IdentifierRefused, KeyRefused) as refusal:
        yield status.refusal(status.IDENTIFIER_DOES_NOT_MATCH, str(refusal)), None
        return
    except Exception:
        logger.exception("a query of %s failed", device.ae_title)
        yield status.UNABLE_TO_PROCESS, None
        return
    speaker = Speaker(device.character_set)
    code = status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED if identifier.unsupported else status.PENDING
    for row in found[: limits.QUERY_MATCHES]:
        if event.is_cancelled:
            yield status.CANCEL, None
            return
        answer = describe(
            Found.of(identifier.level, row), identifier.level, identifier.tags, speaker
        )
        yield code, answer
    if len(found) > limits.QUERY_MATCHES:
        logger.warning("%s asked for more than %s matches", device.ae_title, limits.QUERY_MATCHES)
        yield status.refusal(status.OUT_OF_RESOURCES, "there are more matches: narrow it"), None


@with_database
def _look_up(identifier: Identifier, device: Device, actor: Actor) -> list[Any]:
    found = list(_FINDERS[identifier.level](actor, identifier.asked)[: limits.QUERY_MATCHES + 1])
    if identifier.wants(finding.COUNTS):
        if identifier.level == "STUDY":
            finding.count_growing(found)
        elif identifier.level == "SERIES":
            finding.count_growing([row.study for row in found], found)
        elif identifier.level == "IMAGE":
            finding.count_growing(
                [row.series.study for row in found], [row.series for row in found]
            )
    with transaction.atomic():
        record(actor, "dicom.query", device, level=identifier.level, answers=len(found))
    return found

"""Associations that we ask for: only with devices of our table, at the address that stands there (reliability A12)."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config, evt
from pynetdicom.presentation import PresentationContext

from hevesy.gateways.dicom import limits
from hevesy.gateways.dicom.transport import GuardedMessages, SlowQueue
from hevesy.records.archive.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from hevesy.records.equipment.models import Device

PLAIN: Final = (str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian))
_MOST_CONTEXTS: Final = 128


class Unreachable(Exception):
    """The device cannot be called; `str()` says why, for a log or a job."""


def known_device(ae_title: str) -> Device | None:
    """The device in service with this AE title that can be called."""
    device = Device.objects.filter(ae_title=ae_title.strip(), active=True).first()
    if device is None or not (device.ae_title and device.address and device.port):
        return None
    return None if device.availability == Device.Availability.RETIRED else device


def storage_contexts(objects: Iterable[tuple[str, str]]) -> list[PresentationContext]:
    """Contexts for objects by (SOP class, transfer syntax): as stored, and plain; at most 128 of them."""
    pairs = sorted(set(objects))
    plain = [_context(sop_class, PLAIN) for sop_class in sorted({one for one, _syntax in pairs})]
    stored = [_context(sop_class, (syntax,)) for sop_class, syntax in pairs]
    return (plain + stored)[:_MOST_CONTEXTS]


def _context(sop_class: str, syntaxes: Iterable[str]) -> PresentationContext:
    context = PresentationContext()
    context.abstract_syntax = sop_class
    context.transfer_syntax = list(syntaxes)
    return context


def call(device: Device, contexts: list[PresentationContext], **options: Any) -> Any:
    """An established association with a device. Raises `Unreachable`. Objects are sent from their files in pieces."""
    if not (device.ae_title and device.address and device.port):
        raise Unreachable(f"{device.code} has no AE title, address or port")
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    _config.STORE_SEND_CHUNKED_DATASET = True
    entity = AE(settings.AE_TITLE)
    entity.connection_timeout = entity.acse_timeout = limits.CONNECT_S
    entity.dimse_timeout = entity.network_timeout = limits.NETWORK_TIMEOUT_S
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    handlers = [(evt.EVT_CONN_OPEN, _without_delay), *options.pop("evt_handlers", [])]
    association = entity.associate(
        device.address,
        device.port,
        contexts=contexts,
        ae_title=device.ae_title,
        max_pdu=limits.PDU_BYTES,
        evt_handlers=handlers,
        **options,
    )
    if not association.is_established:
        why = "refuses the association" if association.is_rejected else "does not answer"
        raise Unreachable(f"{device.ae_title} at {device.address}:{device.port} {why}")
    association.dimse = GuardedMessages(association)
    association.dul.to_provider_queue = SlowQueue(association)
    return association


def call_to_store(device: Device, objects: Iterable[tuple[str, str]]) -> Any:
    """As `call`, for objects by (SOP class, transfer syntax)."""
    return call(device, storage_contexts(objects))


def _without_delay(event: Any) -> None:
    """Two small writes and a wait for the answer are 40 ms with Nagle's algorithm and delayed acknowledgement."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

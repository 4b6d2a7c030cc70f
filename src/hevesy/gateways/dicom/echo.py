"""Asking a device whether it hears us: one C-ECHO (PS3.4 annex A), and what came of it in words (clause 10.6)."""

from __future__ import annotations

import logging
import socket
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.gateways.dicom import status
from hevesy.records.equipment.models import Device

CONNECT_S, ASSOCIATE_S, ANSWER_S = 1.5, 1.5, 1.5
"""Together under five seconds: somebody stands before the page."""

_CALLED_UNKNOWN, _CALLING_UNKNOWN = 7, 3
_BY_PRESENTATION_LAYER = 3


@dataclass(frozen=True, slots=True)
class Echo:
    """How it went: `outcome` is a key for the audit trail and for tests, `text` a sentence that says what to do."""

    outcome: str
    text: str
    duration_ms: int = 0

    @property
    def heard(self) -> bool:
        """Whether the device answered the C-ECHO with success."""
        return self.outcome == "heard"


def ask_device(by: Actor, device: Device) -> Echo:
    """Send one C-ECHO to the device's address, port and AE title; audited. Takes five seconds at most."""
    by.require("equipment.edit")
    echo = _ask(device)
    with transaction.atomic():
        record(
            by,
            "device.echo",
            device,
            outcome="ok" if echo.heard else "failed",
            code=device.code,
            address=f"{device.address}:{device.port}",
            ae_title=device.ae_title or "",
            result=echo.outcome,
        )
    return echo


def _ask(device: Device) -> Echo:
    if not (device.ae_title and device.address and device.port):
        return Echo(
            "incomplete", _("Enter the AE title, the address and the port, and save first.")
        )
    place = {"address": device.address, "port": device.port, "title": device.ae_title}
    try:
        # By hand first: pynetdicom does not tell a closed port from a silent address.
        socket.create_connection((device.address, device.port), CONNECT_S).close()
    except TimeoutError:
        return Echo(
            "silent",
            _("%(address)s does not answer. Is the device on, is the network connected?") % place,
        )
    except ConnectionRefusedError:
        return Echo(
            "closed",
            _(
                "At %(address)s nobody listens on port %(port)s. Is the port right, does the DICOM service run?"
            )
            % place,
        )
    except OSError:
        return Echo("unreachable", _("There is no way to %(address)s in the network.") % place)
    return _associate(device, place)


def _associate(device: Device, place: dict[str, Any]) -> Echo:
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
    entity = AE(settings.AE_TITLE)
    entity.connection_timeout, entity.acse_timeout = CONNECT_S, ASSOCIATE_S
    entity.dimse_timeout = entity.network_timeout = ANSWER_S
    entity.add_requested_context(Verification)
    begun = time.monotonic()
    association = entity.associate(device.address, device.port, ae_title=device.ae_title)
    if association.is_rejected:
        return _rejected(association, place)
    if not association.is_established:
        if time.monotonic() - begun >= ASSOCIATE_S:
            return Echo(
                "silent",
                _("Somebody listens at %(address)s:%(port)s, but does not answer as DICOM.")
                % place,
            )
        return Echo("aborted", _("The device hung up. Does it offer the verification service?"))
    answer = association.send_c_echo()
    duration_ms = round((time.monotonic() - begun) * 1000)
    if association.is_established:
        association.release()
    if "Status" not in answer:
        return Echo("silent", _("The device took the call, but did not answer the C-ECHO."))
    if answer.Status != status.SUCCESS:
        return Echo(
            "failed", _("The device answered with status %(status)04X.") % {"status": answer.Status}
        )
    return Echo(
        "heard",
        _("%(title)s answers after %(duration)s ms.") % (place | {"duration": duration_ms}),
        duration_ms,
    )


def _rejected(association: Any, place: dict[str, Any]) -> Echo:
    """Why a device turns us away (PS3.8 §9.3.4): most often one of the two AE titles."""
    answer = association.acceptor.primitive
    reason = (answer.result_source, answer.diagnostic)
    if reason == (1, _CALLED_UNKNOWN):
        return Echo(
            "called_unknown",
            _(
                "The device refuses: it does not call itself %(title)s. Compare the AE title, letter by letter."
            )
            % place,
        )
    if reason == (1, _CALLING_UNKNOWN):
        return Echo(
            "calling_unknown",
            _("The device refuses: it does not know us. Enter our AE title %(ours)s on the device.")
            % {"ours": settings.AE_TITLE},
        )
    if answer.result_source == _BY_PRESENTATION_LAYER:
        return Echo("busy", _("The device is busy and refuses for the moment. Try again."))
    return Echo(
        "rejected",
        _("The device refuses the association: source %(source)s, reason %(reason)s.")
        % {"source": answer.result_source, "reason": answer.diagnostic},
    )

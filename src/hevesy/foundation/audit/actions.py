"""The one way to write an audit row: in the transaction of the act itself."""

from __future__ import annotations

import ipaddress
import os
import secrets
import socket
from collections.abc import Mapping
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.canonical import as_json, row_mac
from hevesy.foundation.audit.models import AuditEvent

NODE = os.environ.get("HEVESY_NODE", socket.gethostname())[:40]


def record(
    by: Actor,
    verb: str,
    subject: models.Model | None = None,
    *,
    patient_id: int | None = None,
    outcome: str = "ok",
    **details: Any,
) -> AuditEvent:
    """Write who did `verb` (`report.audit`, `exam.book`) to `subject`. `details` must be JSON; no secrets, no texts.

    Must run inside the business transaction, so that act and row stand or fall together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"audit row for {verb} outside a transaction")
    event = AuditEvent(
        node=NODE,
        at=timezone.now(),
        actor_kind="user" if by.user else "system",
        actor_id=by.user.pk if by.user else None,
        actor_name=str(by)[:80],
        channel=by.channel[:10],
        station=by.station.name if by.station else "",
        address=_address(by.address),
        verb=verb,
        outcome=outcome,
        subject_type=subject._meta.label_lower if subject else "",
        subject_id=str(subject.pk)[:70] if subject else "",
        patient_id=patient_id,
        details=as_json(details),
        nonce=secrets.token_hex(16),
    )
    event.mac = row_mac(event)
    event.save(force_insert=True)
    return event


def _address(address: str | None) -> str | None:
    # One spelling per address, so that both databases give back what was hashed.
    try:
        return str(ipaddress.ip_address(address)) if address else None
    except ValueError:
        return None


@transaction.atomic
def note_reading(by: Actor, verb: str, wanted: Mapping[str, str]) -> None:
    """Record that the trail itself was read (`audit.read`) or exported (`audit.export`), and what was looked for."""
    by.require("audit.read")
    record(by, verb, wanted=dict(wanted))


@transaction.atomic
def ask_for_check(by: Actor) -> None:
    """Have all chains checked soon, in the background."""
    from hevesy.foundation.audit.jobs import verify_chains

    by.require("audit.read")
    verify_chains.using(priority=50).enqueue()
    record(by, "audit.verify")

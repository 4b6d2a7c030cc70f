"""Bytes of a row that are the same on SQLite and PostgreSQL, and their keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from hevesy.foundation.audit.models import AuditEvent, AuditSeal

ROW_FIELDS = (
    "node",
    "actor_kind",
    "actor_id",
    "actor_name",
    "channel",
    "station",
    "address",
    "verb",
    "outcome",
    "subject_type",
    "subject_id",
    "patient_id",
)
LARGEST_EXACT = 2**53


def as_json(value: Any) -> Any:
    """`value` as plain JSON that both databases keep: dates and decimals as text, no NUL characters."""
    return _cleaned(json.loads(json.dumps(value, cls=DjangoJSONEncoder)))


def _cleaned(value: Any) -> Any:
    match value:
        case dict():
            return {str(_cleaned(key)): _cleaned(item) for key, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
        case str():
            return value.replace("\x00", "�")
        case float() if value != value or value in (float("inf"), float("-inf")):
            return str(value)
        case _:
            return value


def _comparable(value: Any) -> Any:
    # PostgreSQL's jsonb gives 1e22 back as an integer of 23 digits.
    match value:
        case dict():
            return {key: _comparable(item) for key, item in value.items()}
        case list():
            return [_comparable(item) for item in value]
        case bool():
            return value
        case int() if abs(value) > LARGEST_EXACT:
            return float(value)
        case _:
            return value


def canonical(fields: dict[str, Any]) -> bytes:
    """Sorted, compact JSON in UTF-8."""
    return json.dumps(
        _comparable(fields), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def moment(at: datetime) -> str:
    """A time in UTC to the microsecond, as text."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _keyed(content: bytes) -> str:
    return hmac.new(settings.AUDIT_KEY.encode(), content, hashlib.sha256).hexdigest()


def row_mac(event: AuditEvent) -> str:
    """The keyed hash that only a program with the audit key can make for this row."""
    fields = {name: getattr(event, name) for name in ROW_FIELDS}
    if event.nonce is not None:  # rows from before the column was added were hashed without it
        fields["nonce"] = event.nonce
    return _keyed(canonical({**fields, "at": moment(event.at), "details": event.details}))


def seal_hash(seal: AuditSeal) -> str:
    """The keyed hash of a seal; it contains that of the seal before."""
    return _keyed(
        canonical(
            {
                "number": seal.number,
                "node": seal.node,
                "at": moment(seal.at),
                "ranges": seal.ranges,
                "count": seal.count,
                "rows_sha256": seal.rows_sha256,
                "previous": seal.previous,
            }
        )
    )


def row_line(event_id: int, mac: str) -> bytes:
    """What a seal hashes of one row: its number and its MAC, which holds everything else."""
    return f"{event_id}:{mac}\n".encode()

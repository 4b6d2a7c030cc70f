"""Numbers and codes of batches and dispensed units."""

from __future__ import annotations

import secrets
import uuid
from datetime import date, datetime

from django.utils import timezone

from hevesy.records.catalogue.models import Tracer
from hevesy.records.doses.models import DoseSequence

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _next(prefix: str, day: date) -> int:
    """The next number of the prefix on that day. Inside a transaction; gaps are allowed."""
    sequence, _new = DoseSequence.objects.select_for_update().get_or_create(prefix=prefix, day=day)
    sequence.last += 1
    sequence.save(update_fields=["last"])
    return sequence.last


def batch_number(tracer: Tracer, at: datetime) -> str:
    """`FDG-20261124-01`: tracer, the site's date, running number."""
    day = timezone.localdate(at)
    return f"{tracer.short}-{day:%Y%m%d}-{_next(f'batch:{tracer.short}', day):02}"


def unit_number(at: datetime) -> str:
    """`U-261124-031`: what people read on the syringe."""
    day = timezone.localdate(at)
    return f"U-{day:%y%m%d}-{_next('unit', day):03}"


def unit_code() -> str:
    """What the QR code of a unit carries: 80 random bits, nothing about patient or drug."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(16))


def event_uid() -> str:
    """A UID for an administration event (DICOM TID 10022), derived from a UUID as PS3.5 B.2 allows."""
    return f"2.25.{uuid.uuid4().int}"

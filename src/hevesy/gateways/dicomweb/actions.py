"""What a program did with images, on record."""

from __future__ import annotations

from django.db import transaction

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.models import Study


def note_retrieved(by: Actor, study: Study, level: str) -> None:
    """Remember that the objects or headers of a study were handed out."""
    with transaction.atomic():
        patient_id = study.exam.patient_id if study.exam else None
        record(by, "archive.retrieve", study, patient_id=patient_id, level=level)

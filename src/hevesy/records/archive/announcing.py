"""Telling pages and other parts what happened to a study, after commit."""

from __future__ import annotations

from typing import Any

from django.dispatch import Signal

from hevesy.records.archive.models import Study
from hevesy.records.exams.live import publish


def announce(study: Study) -> None:
    """Make open study lists and reading desks refresh; inside the transaction of the change."""
    publish("archive", study=study.pk, exam=study.exam_id)
    if study.exam_id is not None:
        publish("reports", study=study.study_instance_uid)


def tell(signal: Signal, **what: Any) -> None:
    """Send a past-tense event; a failing receiver harms nobody else (Django logs it)."""
    signal.send_robust(Study, **what)

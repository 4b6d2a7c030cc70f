"""Images that leave us, on record before the first of them does (clause 10.12)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from django.db import transaction

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.models import Study


@transaction.atomic
def note_leaving(by: Actor, studies: Iterable[int], *, to: str, how: str) -> None:
    """One row per study: `studies` has its key once per object that is to leave; `to` is an AE title."""
    by.require("archive.view")
    counts = Counter(studies)
    rows = Study.objects.select_related("exam").in_bulk(list(counts))
    for key, count in counts.items():
        study = rows[key]
        record(
            by,
            "archive.send",
            study,
            patient_id=study.exam.patient_id if study.exam else None,
            to=to,
            how=how,
            objects=count,
        )


@transaction.atomic
def note_not_sent(by: Actor, *, to: str, how: str, sent: int, failed: int) -> None:
    """What was announced by `note_leaving` and did not arrive."""
    record(by, "archive.send", outcome="failed", to=to, how=how, sent=sent, failed=failed)

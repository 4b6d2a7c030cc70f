"""Seal new audit rows into the chain, and anchor the chain outside of the database."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from hevesy.foundation.audit.actions import NODE
from hevesy.foundation.audit.canonical import row_line, row_mac, seal_hash
from hevesy.foundation.audit.models import AuditEvent, AuditSeal

logger = logging.getLogger(__name__)

ROWS_PER_SEAL = 5000
LATE = timedelta(minutes=10)
"""A transaction may commit so much later than rows with higher numbers and still be sealed."""
ANCHOR_EVERY = timedelta(hours=1)

_reported: set[int] = set()


def seal_new_rows() -> AuditSeal | None:
    """Seal the rows that no seal covers yet; None if there are none. Rows without a valid MAC are never sealed."""
    last = AuditSeal.objects.order_by("-number").first()
    events = [event for event in _unsealed(last) if _is_genuine(event)]
    if not events:
        return None
    digest = hashlib.sha256()
    for event in events:
        digest.update(row_line(event.pk, event.mac))
    numbers = [event.pk for event in events]
    seal = AuditSeal(
        number=last.number + 1 if last else 1,
        node=NODE,
        at=timezone.now(),
        first_id=numbers[0],
        last_id=max(numbers[-1], last.last_id if last else 0),
        ranges=as_ranges(numbers),
        count=len(numbers),
        rows_sha256=digest.hexdigest(),
        previous=last.hash if last else "",
    )
    seal.hash = seal_hash(seal)
    try:
        with transaction.atomic():
            seal.save(force_insert=True)
            transaction.on_commit(lambda: anchor(seal))
    except IntegrityError:  # another clock was quicker; the next round covers what it left
        return None
    return seal


def _unsealed(last: AuditSeal | None) -> list[AuditEvent]:
    if last is None:
        return list(AuditEvent.objects.order_by("pk")[:ROWS_PER_SEAL])
    recent = list(
        AuditSeal.objects.filter(at__gte=last.at - LATE).values_list("first_id", "ranges")
    )
    low = min(first_id for first_id, _ranges in recent)
    covered = covered_by(
        AuditSeal.objects.filter(last_id__gte=low).values_list("ranges", flat=True), low
    )
    late_numbers = [
        number
        for number in AuditEvent.objects.filter(pk__gte=low, pk__lte=last.last_id)
        .order_by("pk")
        .values_list("pk", flat=True)
        if number not in covered
    ]
    late = list(AuditEvent.objects.filter(pk__in=late_numbers[:ROWS_PER_SEAL]).order_by("pk"))
    new = AuditEvent.objects.filter(pk__gt=last.last_id).order_by("pk")
    return late + list(new[:ROWS_PER_SEAL])


def _is_genuine(event: AuditEvent) -> bool:
    if event.mac == row_mac(event):
        return True
    if event.pk not in _reported:
        _reported.add(event.pk)
        logger.critical("audit row %s was not written by Hevesy", event.pk)
    return False


def covered_by(all_ranges: Iterable[list[list[int]]], low: int = 0) -> set[int]:
    """The row numbers, from `low` on, in the ranges of seals."""
    return {
        number
        for ranges in all_ranges
        for first, last in ranges
        for number in range(max(first, low), last + 1)
    }


def as_ranges(numbers: list[int]) -> list[list[int]]:
    """Ascending numbers as closed intervals: [1, 2, 3, 7] is [[1, 3], [7, 7]]."""
    starts = [numbers[0]] + [after for before, after in pairwise(numbers) if after != before + 1]
    ends = [before for before, after in pairwise(numbers) if after != before + 1] + [numbers[-1]]
    return [[first, last] for first, last in zip(starts, ends, strict=True)]


def head_path() -> Path:
    """The file that holds the newest seal of this node."""
    return Path(settings.ANCHORS) / "audit-head.json"


def anchor(seal: AuditSeal) -> None:
    """Write the newest seal beside the database, and hourly to a log that grows: a cut-off tail is then seen."""
    folder = head_path().parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps({"number": seal.number, "hash": seal.hash, "at": seal.at.isoformat()})
    temporary = folder / f".audit-head.{os.getpid()}"
    temporary.write_text(line)
    temporary.replace(head_path())
    log = folder / "audit.log"
    before = log.stat().st_mtime if log.exists() else 0
    if timezone.now().timestamp() - before >= ANCHOR_EVERY.total_seconds():
        with log.open("a") as file:
            file.write(line + "\n")
        logger.info("audit anchor %s", line)


def anchors() -> list[tuple[int, str]]:
    """The anchored seals of this node, (number, hash), newest last."""
    lines: list[str] = []
    log = head_path().parent / "audit.log"
    if log.exists():
        lines += log.read_text().splitlines()
    if head_path().exists():
        lines.append(head_path().read_text())
    found = [json.loads(line) for line in lines if line]
    return sorted({(int(one["number"]), str(one["hash"])) for one in found})

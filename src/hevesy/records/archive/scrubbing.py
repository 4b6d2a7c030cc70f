"""Reading every stored byte again, slice by slice, round after round (reliability J12).

A round walks the instances by number. What is lost or changed gets a row on the page of refused objects, where a
person looks; the read path answers such an object with an error, never with another image.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.models import Instance, Refusal, Scrub
from hevesy.records.archive.stored import is_unchanged

ROUND = timedelta(days=30)
"""A round begins so long after the last one began."""
SLICE_BYTES = 256 * 1024**2
SLICE_OBJECTS = 500
SLICE_S = 10.0
"""The clock comes once a minute: a sixth of a processor and of the disk at the most."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What one call read."""

    objects: int
    size: int
    damaged: int
    finished: bool


def scrub_some(*, by: Actor, now: datetime | None = None, seconds: float = SLICE_S) -> Slice | None:
    """Read the next slice; None when the last round is not old enough to begin another."""
    scrub = _round(now or timezone.now())
    if scrub is None:
        return None
    began, objects, size = time.monotonic(), 0, 0
    damaged: list[tuple[Instance, str]] = []
    position = scrub.position
    for instance in Instance.objects.filter(pk__gt=position).order_by("pk")[:SLICE_OBJECTS]:
        reason = _damage(instance)
        if reason:
            damaged.append((instance, reason))
        objects += 1
        size += instance.packed_size or instance.size
        position = instance.pk
        if size > SLICE_BYTES or time.monotonic() - began > seconds:
            break
    finished = not Instance.objects.filter(pk__gt=position).exists()
    with transaction.atomic():
        scrub = Scrub.objects.select_for_update().get(pk=scrub.pk)
        scrub.position = position
        scrub.objects_read += objects
        scrub.bytes_read += size
        scrub.damaged += len(damaged)
        scrub.finished_at = timezone.now() if finished else None
        scrub.save()
        for instance, reason in damaged:
            _tell(instance, reason, by=by)
    return Slice(objects, size, len(damaged), finished)


def is_due(now: datetime | None = None) -> bool:
    """Whether a round goes on or must begin."""
    lately = (now or timezone.now()) - ROUND
    going_on = Scrub.objects.filter(finished_at=None).exists()
    return going_on or not Scrub.objects.filter(started_at__gt=lately).exists()


def _round(now: datetime) -> Scrub | None:
    """The round that goes on, or a new one if the last began long enough ago."""
    going_on = Scrub.objects.filter(finished_at=None).first()
    if going_on is not None:
        return going_on
    if Scrub.objects.filter(started_at__gt=now - ROUND).exists():
        return None
    return Scrub.objects.create(started_at=now)


def _damage(instance: Instance) -> str:
    """A reason key if the object is not what was stored. A store that cannot be reached is no damage: it raises."""
    for attempt in (1, 2):
        try:
            return "" if is_unchanged(instance) else "object_changed"
        except FileNotFoundError:
            # Perhaps it was packed while it was being read: look at the row as it is now.
            if attempt == 1:
                fresh = Instance.objects.filter(pk=instance.pk).first()
                if fresh is None:
                    return ""
                instance = fresh
    return "object_lost"


def _tell(instance: Instance, reason: str, *, by: Actor) -> None:
    row, made = Refusal.objects.get_or_create(
        kind=Refusal.Kind.DAMAGED,
        sop_instance_uid=instance.sop_instance_uid,
        reason=reason,
        settled_at=None,
        defaults={"instance": instance, "sha256": instance.sha256},
    )
    if made:
        record(
            by, "archive.damage", row, outcome="failed",
            sop_instance_uid=instance.sop_instance_uid, reason=reason, key=instance.path,
        )  # fmt: skip


def damaged_open() -> int:
    """Damaged objects that nobody has settled yet."""
    return Refusal.objects.filter(kind=Refusal.Kind.DAMAGED, settled_at=None).count()

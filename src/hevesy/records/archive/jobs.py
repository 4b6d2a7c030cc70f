"""Settling of quiet studies, and tidying."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.clock import every
from hevesy.records.archive import compression, scrubbing, settling
from hevesy.records.archive.models import Study
from hevesy.records.archive.stored import sweep_restored

_STALE_TEMPORARY_S = 600
"""A file that nobody wrote to for so long belongs to a connection that is gone (the network time-out is 60 s)."""
_OVERDUE = timedelta(minutes=2)


@task(queue_name="default", dedupe=("study_id",))
def settle_study(study_id: int) -> None:
    """Count and match a study once it is quiet; put off while objects still come in."""
    again_at = settling.settle(study_id, by=system_actor("archive"))
    if again_at is not None:
        settle_study.using(run_after=again_at).enqueue(study_id=study_id)


@every(seconds=60, name="archive.settle")
def settle_forgotten() -> None:
    """Enqueue quiet studies that no job came for: one that died for good, or objects that slipped past the count."""
    settling.reopen_miscounted()
    overdue = timezone.now() - _OVERDUE - timedelta(seconds=settling.QUIET_S)
    for study in Study.objects.filter(stable_at=None, last_received_at__lt=overdue)[:500]:
        with transaction.atomic():
            settle_study.enqueue(study_id=study.pk)


@every(seconds=300, name="archive.sweep")
def sweep() -> None:
    """Remove files that a killed process left half received."""
    store().sweep_temporaries(older_than_s=_STALE_TEMPORARY_S)
    sweep_restored()


@task(queue_name="compression", priority=-50, dedupe=(), lease_s=120)
def compress() -> None:
    """Pack one batch of quiet objects; the next batch is another job, so that others come between."""
    if compression.pack_some(by=system_actor("archive")):
        compress.enqueue()


@every(seconds=300, name="archive.compress")
def compress_due() -> None:
    """Ask for packing where something waits, and for the removal of received forms that were replaced."""
    with transaction.atomic():
        if compression.anything_due():
            compress.enqueue()
        if compression.anything_replaced():
            release.enqueue()


@task(queue_name="compression", priority=-50, dedupe=(), lease_s=120)
def release() -> None:
    """Remove received forms whose packed form is proved once more."""
    compression.release_retired()


@every(seconds=60, name="archive.scrub")
def scrub() -> None:
    """Ask for the next slice of the round that reads every stored byte again."""
    if scrubbing.is_due():
        with transaction.atomic():
            scrub_slice.enqueue()


@task(queue_name="compression", priority=-60, dedupe=(), lease_s=120)
def scrub_slice() -> None:
    """Read one slice."""
    scrubbing.scrub_some(by=system_actor("archive"))

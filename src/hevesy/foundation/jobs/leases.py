"""Claim, renew and end leases. Every time here is the database's, so that nodes with wrong clocks agree."""

from __future__ import annotations

import os
import random
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q

from hevesy.foundation.jobs.models import Job, Lease

FIRST_RETRY_S = 5
LONGEST_RETRY_S = 15 * 60


class LeaseLost(Exception):
    """Somebody else runs this job now (or it was ended): what this process computed must not be written."""


def owner_name() -> str:
    """The name under which this process and thread hold leases."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{threading.get_ident():x}"[:80]


def database_now() -> datetime:
    """The database's clock, not the transaction's start."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT clock_timestamp()")
            moment: datetime = cursor.fetchone()[0]
            return moment.astimezone(UTC)
        cursor.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")
        return datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Queues:
    """Which queues a worker serves: `only` these (empty: all), `but` none of those."""

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


EVERY_QUEUE = Queues()


def _due(now: datetime, queues: Queues) -> Q:
    due = Q(state=Job.State.READY, run_after__lte=now) | Q(
        state=Job.State.RUNNING, lease_until__lt=now
    )
    if queues.only:
        due &= Q(queue__in=queues.only)
    return due & ~Q(queue__in=queues.but)


def anything_due(queues: Queues = EVERY_QUEUE) -> bool:
    """A cheap read before `claim`, so that an idle worker does not take SQLite's write lock every second."""
    return Job.objects.filter(_due(database_now(), queues)).exists()


def claim(owner: str, queues: Queues = EVERY_QUEUE) -> Job | None:
    """Take the next due job for `owner`: a waiting one, or one whose worker stopped renewing its lease.

    A job whose last permitted attempt never came back ends as dead here.
    """
    try:
        with transaction.atomic():
            return _claim(owner, queues)
    except IntegrityError:  # the same dedupe_key began to run elsewhere in this instant
        return None


def _claim(owner: str, queues: Queues) -> Job | None:
    while True:
        now = database_now()
        same_key_runs = Job.objects.filter(
            state=Job.State.RUNNING, dedupe_key=OuterRef("dedupe_key")
        ).exclude(dedupe_key="")
        due = (
            Job.objects.filter(_due(now, queues))
            .exclude(Q(state=Job.State.READY) & Exists(same_key_runs))
            .order_by("-priority", "run_after", "pk")
        )
        if connection.features.has_select_for_update_skip_locked:
            due = due.select_for_update(skip_locked=True, of=("self",))
        job = due.first()
        if job is None:
            return None
        if job.state == Job.State.RUNNING and job.cancel_requested:
            _end(job, Job.State.CANCELLED, now)
        elif job.attempts >= job.max_attempts:
            job.last_error = job.last_error or f"{job.lease_owner} stopped without a word"
            _end(job, Job.State.DEAD, now)
        else:
            job.state = Job.State.RUNNING
            job.lease_owner = owner
            job.lease_until = now + timedelta(seconds=job.lease_s)
            job.fence += 1
            job.attempts += 1
            job.started_at = now
            job.progress, job.message = 0, ""
            job.save()
            return job


def _end(job: Job, state: Job.State, now: datetime) -> None:
    job.state = state
    job.finished_at = now
    job.lease_until = None
    job.save()


def renew(job: Job) -> bool | None:
    """Renew the lease of a claimed job. True: cancel is asked for; None: the lease is lost."""
    held = Job.objects.filter(pk=job.pk, fence=job.fence, state=Job.State.RUNNING)
    if not held.update(lease_until=database_now() + timedelta(seconds=job.lease_s)):
        return None
    return held.values_list("cancel_requested", flat=True).first()


def finish(job: Job, state: Job.State, *, error: str = "", result: object = None) -> bool:
    """End a claimed job; False if the lease was lost meanwhile."""
    changes: dict[str, object] = {
        "state": state,
        "finished_at": database_now(),
        "lease_until": None,
        "last_error": error,
        "result": result,
    }
    if state == Job.State.DONE:
        changes["progress"] = 1
    held = Job.objects.filter(pk=job.pk, fence=job.fence, state=Job.State.RUNNING)
    return bool(held.update(**changes))


def put_back(job: Job, *, error: str = "", count_attempt: bool = True) -> Job.State | None:
    """Let a claimed job wait for another attempt, later after each failure; dead after the last one.

    `count_attempt=False` when the worker is told to stop and the job is not to blame. None: lease lost.
    """
    with transaction.atomic():
        held = Job.objects.select_for_update().filter(
            pk=job.pk, fence=job.fence, state=Job.State.RUNNING
        )
        current = held.first()
        if current is None:
            return None
        now = database_now()
        current.last_error = error or current.last_error
        if not count_attempt:
            current.attempts -= 1
        elif current.attempts >= current.max_attempts:
            _end(current, Job.State.DEAD, now)
            return Job.State.DEAD
        waiting = Job.objects.filter(state=Job.State.READY, dedupe_key=current.dedupe_key)
        if current.dedupe_key and waiting.exists():
            # A newer request for the same work waits already; it does what this one failed to do.
            _end(current, Job.State.FAILED, now)
            return Job.State.FAILED
        wait_s = (
            0
            if not count_attempt
            else min(FIRST_RETRY_S * 2 ** (current.attempts - 1), LONGEST_RETRY_S)
        )
        current.state = Job.State.READY
        current.run_after = now + timedelta(seconds=wait_s * random.uniform(0.8, 1.2))
        current.lease_until = None
        current.save()
        return Job.State.READY


def hold(name: str, owner: str, seconds: float) -> bool:
    """Take or renew the named lease for `owner`; False while somebody else holds it."""
    with transaction.atomic():
        now = database_now()
        until = now + timedelta(seconds=seconds)
        Lease.objects.get_or_create(name=name, defaults={"owner": owner, "until": until})
        lease = Lease.objects.select_for_update().get(name=name)
        if lease.owner != owner and lease.until > now:
            return False
        if lease.owner != owner:
            lease.fence += 1
        lease.owner, lease.until = owner, until
        lease.save()
        return True

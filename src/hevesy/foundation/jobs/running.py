"""Run one claimed job: heartbeat, progress, cancel, and effects that are refused once the lease is lost.

def prepare_volume(series_id: int) -> None:
    volume = …                                    # long work, outside any transaction
    current_run().progress(0.4, _("Resampling"))
    with current_run().effect():                  # one transaction: the rows and the end of the job
        Volume.objects.create(…)
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import DatabaseError, connection, transaction
from django_tasks.base import TaskContext
from django_tasks.utils import normalize_json

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.backend import LeaseTask, result_of, task_of
from hevesy.foundation.jobs.leases import LeaseLost
from hevesy.foundation.jobs.models import Job

logger = logging.getLogger(__name__)

PROGRESS_EVERY_S = 0.5
LONGEST_RUN_S = 3600


class JobCancelled(Exception):
    """Somebody cancelled the job on the job page; raised by `progress` and `effect`."""


class WorkerStopping(BaseException):
    """The worker must end now; the job goes back to the queue and is not blamed."""


class Run:
    """The running job, as its task function sees it."""

    def __init__(self, job: Job | None) -> None:
        self.job = job
        self.lost = threading.Event()
        self.cancelled = threading.Event()
        self.ended = False
        self._told_at = 0.0

    def check(self) -> None:
        """Raise if going on is pointless: the lease is lost or the job was cancelled."""
        if self.lost.is_set():
            raise LeaseLost(str(self.job))
        if self.cancelled.is_set():
            raise JobCancelled(str(self.job))

    def progress(self, fraction: float, message: object = "") -> None:
        """Show how far the job is (0 to 1) and what it does now; cheap enough to call in a loop."""
        self.check()
        if self.job is None or self.ended:
            return
        now = time.monotonic()
        if now - self._told_at < PROGRESS_EVERY_S:
            return
        self._told_at = now
        held = Job.objects.filter(pk=self.job.pk, fence=self.job.fence, state=Job.State.RUNNING)
        if not held.update(progress=min(max(fraction, 0.0), 1.0), message=str(message)[:200]):
            self.lost.set()
            raise LeaseLost(str(self.job))

    @contextmanager
    def effect(self, *, last: bool = True) -> Iterator[None]:
        """One transaction for what the job writes, refused if the lease was lost.

        `last=True` ends the job in the same transaction, so that a crash after it cannot bring the effect twice.
        A job that writes in several steps marks the earlier ones `last=False`; those must be repeatable.
        """
        self.check()
        if self.ended:
            raise RuntimeError("an effect after the last one; mark the earlier ones last=False")
        with transaction.atomic():
            if self.job is not None:
                held = Job.objects.select_for_update().filter(
                    pk=self.job.pk, fence=self.job.fence, state=Job.State.RUNNING
                )
                current = held.first()
                if current is None:
                    raise LeaseLost(str(self.job))
                if current.cancel_requested:
                    raise JobCancelled(str(self.job))
            yield
            if last and self.job is not None:
                leases.finish(self.job, Job.State.DONE)
        self.ended = last


_current: ContextVar[Run | None] = ContextVar("hevesy_job", default=None)


def current_run() -> Run:
    """The run of the job in this thread. Outside a worker (a command, a test) one that just lets pass."""
    return _current.get() or Run(None)


def execute(
    job: Job, *, heartbeat: bool = True, overrun: Callable[[], None] | None = None
) -> Job.State | None:
    """Run a claimed job to one of its ends and return that state (`ready`: to be tried again; None: lease lost)."""
    run = Run(job)
    token = _current.set(run)
    beat = _Heartbeat(run, overrun) if heartbeat else None
    if beat:
        beat.start()
    try:
        return _execute(job, run)
    finally:
        _current.reset(token)
        if beat:
            beat.stop()


def _execute(job: Job, run: Run) -> Job.State | None:
    try:
        task = task_of(job)
    except LookupError as missing:
        return _ended(leases.finish(job, Job.State.DEAD, error=str(missing)), Job.State.DEAD)
    try:
        result = _call(job, task)
    except LeaseLost:
        logger.warning("job %s: lease lost, its effect is refused", job)
        return None
    except JobCancelled:
        return _ended(leases.finish(job, Job.State.CANCELLED), Job.State.CANCELLED)
    except Refused as refusal:
        return _ended(leases.finish(job, Job.State.FAILED, error=str(refusal)), Job.State.FAILED)
    except WorkerStopping:
        leases.put_back(job, count_attempt=False)
        raise
    except Exception:
        error = traceback.format_exc(limit=-12)[-8000:]
        if run.ended:
            # Its effect is committed and stays; only what came after went wrong.
            Job.objects.filter(pk=job.pk, fence=job.fence).update(last_error=error)
            logger.exception("job %s failed after its effect", job)
            return Job.State.DONE
        logger.exception("job %s failed (attempt %s)", job, job.attempts)
        return leases.put_back(job, error=error)
    if run.ended:
        return Job.State.DONE
    return _ended(leases.finish(job, Job.State.DONE, result=result), Job.State.DONE)


def _ended(held: bool, state: Job.State) -> Job.State | None:
    return state if held else None


def _call(job: Job, task: LeaseTask) -> Any:
    args, kwargs = job.payload["args"], job.payload["kwargs"]
    if task.takes_context:
        args = [TaskContext(task_result=result_of(job, task)), *args]
    return normalize_json(task.func(*args, **kwargs))


class _Heartbeat(threading.Thread):
    """Renews the lease from beside the job, three times per lease."""

    def __init__(self, run: Run, overrun: Callable[[], None] | None) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.run_of_job = run
        self.overrun = overrun
        self._stop_asked = threading.Event()

    def run(self) -> None:
        job = self.run_of_job.job
        assert job is not None
        started = time.monotonic()
        try:
            while not self._stop_asked.wait(job.lease_s / 3):
                if self.overrun and time.monotonic() - started > LONGEST_RUN_S:
                    leases.put_back(job, error=f"ran longer than {LONGEST_RUN_S} s")
                    self.overrun()
                    return
                try:
                    cancel = leases.renew(job)
                except DatabaseError:
                    # Perhaps the database comes back before the lease ends; if not, the fence decides.
                    logger.warning("heartbeat of job %s failed", job, exc_info=True)
                    connection.close()
                    continue
                if cancel is None:
                    self.run_of_job.lost.set()
                    return
                if cancel:
                    self.run_of_job.cancelled.set()
        finally:
            connection.close()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(timeout=30)


def drain(queues: leases.Queues = leases.EVERY_QUEUE, *, limit: int = 1000) -> int:
    """Run everything that is due, in this thread and without heartbeat; how many jobs ran. For tests and commands."""
    owner = leases.owner_name()
    for count in range(limit):
        job = leases.claim(owner, queues)
        if job is None:
            return count
        execute(job, heartbeat=False)
    return limit

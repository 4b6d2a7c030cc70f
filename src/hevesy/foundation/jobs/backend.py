"""The django-tasks backend: `my_task.enqueue(…)` writes a job row in the transaction of the caller.

    @task(queue_name="default", dedupe=("study_id",), lease_s=60, max_attempts=5)
    def settle_study(study_id: int) -> None: ...

`dedupe` names the keyword arguments that make two waiting jobs the same work; an enqueue then joins the waiting job
and moves its time to the newly asked one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

from django.core import checks
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskError, TaskResult, TaskResultStatus
from django_tasks.exceptions import TaskResultDoesNotExist
from django_tasks.signals import task_enqueued
from django_tasks.utils import normalize_json

from hevesy.foundation.jobs.models import DEFAULT_LEASE_S, DEFAULT_MAX_ATTEMPTS, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTask(Task[Any, Any]):
    """A task with the options of the lease table."""

    lease_s: int = DEFAULT_LEASE_S
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    dedupe: tuple[str, ...] | None = None

    def key(self, kwargs: dict[str, Any]) -> str:
        """The dedupe key of a call; empty when every call is work of its own."""
        if self.dedupe is None:
            return ""
        parts = ",".join(f"{name}={kwargs[name]}" for name in self.dedupe)
        return f"{self.module_path}({parts})"[:200]


def task_of(job: Job) -> LeaseTask:
    """The task function of a job row; raises LookupError when the code no longer has it."""
    try:
        found = import_string(job.kind)
    except ImportError as missing:
        raise LookupError(f"no such task any more: {job.kind}") from missing
    if not isinstance(found, LeaseTask):
        raise LookupError(f"not a task: {job.kind}")
    return replace(found, priority=job.priority, queue_name=job.queue, run_after=job.run_after)


class LeaseBackend(BaseTaskBackend):
    """Jobs in our own table, the same on SQLite and PostgreSQL."""

    task_class = LeaseTask
    supports_defer = True
    supports_async_task = False
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, {**params, "QUEUES": params.get("QUEUES", [])})

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> TaskResult[Any]:
        """Write the job row now, in the caller's transaction: rolled back together with the business rows."""
        self.validate_task(task)
        task = cast(LeaseTask, task)
        job = _joined_or_new(task, list(args), dict(kwargs))
        result = result_of(job, task)
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """The state of a job by its id; raises `TaskResultDoesNotExist`."""
        try:
            job = Job.objects.get(pk=int(result_id))
            return result_of(job, task_of(job))
        except (Job.DoesNotExist, LookupError, ValueError) as missing:
            raise TaskResultDoesNotExist(result_id) from missing

    def check(self, **kwargs: Any) -> Iterable[checks.CheckMessage]:
        return ()


def _joined_or_new(task: LeaseTask, args: list[Any], kwargs: dict[str, Any]) -> Job:
    from hevesy.foundation.jobs.leases import database_now

    now = database_now()
    run_after = task.run_after or now
    key = task.key(kwargs)
    while True:
        if key:
            # Locked until the caller commits: a worker must not start before it can see the caller's rows.
            waiting = (
                Job.objects.select_for_update()
                .filter(dedupe_key=key, state=Job.State.READY)
                .first()
            )
            if waiting is not None:
                waiting.run_after = run_after
                waiting.priority = max(waiting.priority, task.priority)
                waiting.save(update_fields=["run_after", "priority"])
                return waiting
        try:
            with transaction.atomic():
                return Job.objects.create(
                    kind=task.module_path,
                    queue=task.queue_name,
                    payload=normalize_json({"args": args, "kwargs": kwargs}),
                    priority=task.priority,
                    run_after=run_after,
                    max_attempts=task.max_attempts,
                    lease_s=task.lease_s,
                    dedupe_key=key,
                    enqueued_at=now,
                )
        except IntegrityError:
            if not key:
                raise


_STATUS = {
    Job.State.READY: TaskResultStatus.READY,
    Job.State.RUNNING: TaskResultStatus.RUNNING,
    Job.State.DONE: TaskResultStatus.SUCCESSFUL,
    Job.State.FAILED: TaskResultStatus.FAILED,
    Job.State.DEAD: TaskResultStatus.FAILED,
    Job.State.CANCELLED: TaskResultStatus.FAILED,
}


def result_of(job: Job, task: LeaseTask) -> TaskResult[Any]:
    """The django-tasks view of a job row."""
    result: TaskResult[Any] = TaskResult(
        task=task,
        id=str(job.pk),
        status=_STATUS[Job.State(job.state)],
        enqueued_at=job.enqueued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        last_attempted_at=job.started_at,
        args=job.payload["args"],
        kwargs=job.payload["kwargs"],
        backend=task.backend,
        errors=[TaskError(exception_class_path="builtins.Exception", traceback=job.last_error)]
        if job.last_error
        else [],
        worker_ids=[job.lease_owner] * job.attempts,
    )
    object.__setattr__(result, "_return_value", job.result)
    return result

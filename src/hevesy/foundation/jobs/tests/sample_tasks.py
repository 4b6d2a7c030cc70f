"""Tasks that misbehave in the ways the tests need. Effects are lines in the `Periodic` table."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from django_tasks import task

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.jobs.models import Periodic
from hevesy.foundation.jobs.running import current_run


def write_effect(name: str) -> None:
    """One visible effect; the primary key makes a second one of the same name fail loudly."""
    from django.utils import timezone

    Periodic.objects.create(name=name, next_at=timezone.now())


@task()
def succeed(name: str) -> str:
    with current_run().effect():
        write_effect(name)
    return name


@task(max_attempts=2)
def fail(name: str) -> None:
    raise RuntimeError(f"{name} cannot work")


@task()
def refuse(name: str) -> None:
    raise Refused("请先登记。")


@task()
def fail_after_effect(name: str) -> None:
    with current_run().effect():
        write_effect(name)
    raise RuntimeError("too late")


@task(dedupe=("study_id",))
def settle(study_id: int) -> None:
    """Nothing: the tests look at the queue."""


@task(takes_context=True)
def with_context(context: object, name: str) -> str:
    return f"{name} attempt {context.attempt}"  # type: ignore[attr-defined]


@task(lease_s=2)
def stop_before_effect(name: str, folder: str, how: str) -> None:
    """Stops itself by the signal `how` in the first attempt, before its effect; `folder` keeps count."""
    attempts = len(list(Path(folder).iterdir()))
    (Path(folder) / f"attempt-{attempts}-{os.getpid()}").touch()
    if attempts == 0:
        os.kill(os.getpid(), getattr(signal, how))
    with current_run().effect():
        write_effect(f"{name} of attempt {attempts}")
    (Path(folder) / f"effect-{attempts}").touch()

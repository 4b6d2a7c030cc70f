"""J2 and J3 with real processes: a worker that is killed or frozen leaves exactly one effect."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hevesy.foundation.jobs.models import Job, Periodic
from hevesy.foundation.jobs.tests import sample_tasks
from hevesy.foundation.jobs.tests.conftest import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Poll until `condition`; these tests watch other processes, which cannot be awaited otherwise."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the other process did not do it in time"
        time.sleep(0.05)


def state_of(process: subprocess.Popen[bytes]) -> str:
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def test_a_job_of_a_killed_worker_runs_again_within_its_lease(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    sample_tasks.stop_before_effect.enqueue(name="effect", folder=str(tmp_path), how="SIGKILL")
    first = start_worker()
    assert first.wait(60) == -signal.SIGKILL
    assert Job.objects.get().state == "running"

    start_worker()
    wait_for(lambda: Job.objects.get().state == "done")

    assert [row.name for row in Periodic.objects.filter(name__startswith="effect")] == [
        "effect of attempt 1"
    ]
    assert Job.objects.get().attempts == 2


@needs_proc
def test_a_worker_frozen_past_its_lease_cannot_write_when_it_wakes(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    sample_tasks.stop_before_effect.enqueue(name="effect", folder=str(tmp_path), how="SIGSTOP")
    frozen = start_worker()
    wait_for(lambda: state_of(frozen) == "T")

    other = start_worker()
    wait_for(lambda: Job.objects.get().state == "done")
    other.terminate()
    assert other.wait(30) == 0
    frozen.send_signal(signal.SIGCONT)
    frozen.terminate()
    assert frozen.wait(30) == 0

    assert [row.name for row in Periodic.objects.filter(name__startswith="effect")] == [
        "effect of attempt 1"
    ]
    assert not (tmp_path / "effect-0").exists()


def test_a_worker_told_to_stop_finishes_its_job_first(
    tmp_path: Path, start_worker: StartWorker
) -> None:
    sample_tasks.stop_before_effect.enqueue(name="effect", folder=str(tmp_path), how="SIGTERM")

    worker = start_worker()
    assert worker.wait(60) == 0

    assert Job.objects.get().state == "done"
    assert Job.objects.get().attempts == 1

"""Two real workers, one of them in a lane: each takes its own jobs and no others."""

from __future__ import annotations

import pytest

from hevesy.foundation.jobs.models import Job
from hevesy.foundation.jobs.tests import sample_tasks
from hevesy.foundation.jobs.tests.conftest import StartWorker
from hevesy.foundation.jobs.tests.test_crash import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lane_takes_only_its_jobs_and_the_other_worker_only_the_rest(
    start_worker: StartWorker,
) -> None:
    for number in range(4):
        sample_tasks.succeed.using(queue_name="imaging").enqueue(name=f"table {number}")
        sample_tasks.succeed.enqueue(name=f"mail {number}")

    machine, house = start_worker("--lane", "imaging"), start_worker("--except", "imaging")
    wait_for(lambda: not Job.objects.exclude(state="done").exists())

    owners = {
        queue: {
            int(owner.split(":")[1])
            for owner in Job.objects.filter(queue=queue).values_list("lease_owner", flat=True)
        }
        for queue in ("imaging", "default")
    }
    assert owners == {"imaging": {machine.pid}, "default": {house.pid}}


def test_what_no_lane_serves_waits(start_worker: StartWorker) -> None:
    sample_tasks.succeed.enqueue(name="mail")
    sample_tasks.succeed.using(queue_name="imaging").enqueue(name="table")

    assert start_worker("--lane", "imaging", "--lane", "slow", "--once").wait(60) == 0

    assert dict(Job.objects.values_list("queue", "state")) == {
        "imaging": "done",
        "default": "ready",
    }


def test_a_worker_of_all_lanes_takes_imaging_jobs_too(start_worker: StartWorker) -> None:
    sample_tasks.succeed.enqueue(name="mail")
    sample_tasks.succeed.using(queue_name="imaging").enqueue(name="table")

    assert start_worker("--once").wait(60) == 0

    assert set(Job.objects.values_list("state", flat=True)) == {"done"}

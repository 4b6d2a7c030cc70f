"""The lease table: what an enqueued job is promised."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_tasks.base import TaskResultStatus

from hevesy.foundation.jobs import clock, leases, running
from hevesy.foundation.jobs.models import Job, Periodic
from hevesy.foundation.jobs.tests import sample_tasks

pytestmark = pytest.mark.django_db


def make_due() -> None:
    Job.objects.filter(state="ready").update(run_after=timezone.now() - timedelta(hours=1))


def test_a_job_runs_once_and_keeps_its_result() -> None:
    result = sample_tasks.succeed.enqueue(name="once")

    assert running.drain() == 1
    assert running.drain() == 0

    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert Periodic.objects.filter(name="once").count() == 1


def test_a_job_enqueued_in_a_transaction_that_rolls_back_does_not_exist() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        sample_tasks.succeed.enqueue(name="never")
        raise RuntimeError

    assert not Job.objects.exists()


def test_a_failing_job_waits_longer_each_time_and_ends_dead_with_its_reason() -> None:
    sample_tasks.fail.enqueue(name="Poison")

    running.drain()
    job = Job.objects.get()
    assert (job.state, job.attempts) == ("ready", 1)
    assert job.run_after > leases.database_now() + timedelta(seconds=3)
    make_due()
    running.drain()

    job.refresh_from_db()
    assert (job.state, job.attempts) == ("dead", 2)
    assert "Poison cannot work" in job.last_error


def test_a_refusal_is_not_tried_again() -> None:
    sample_tasks.refuse.enqueue(name="x")

    running.drain()

    job = Job.objects.get()
    assert (job.state, job.last_error) == ("failed", "请先登记。")


def test_a_failure_after_the_effect_does_not_bring_the_effect_again() -> None:
    sample_tasks.fail_after_effect.enqueue(name="x")

    running.drain()

    job = Job.objects.get()
    assert job.state == "done"
    assert "too late" in job.last_error


def test_equal_work_waits_once_and_the_last_request_moves_its_time() -> None:
    later = timezone.now() + timedelta(minutes=5)

    first = sample_tasks.settle.enqueue(study_id=7)
    second = sample_tasks.settle.using(run_after=later).enqueue(study_id=7)
    other = sample_tasks.settle.enqueue(study_id=8)

    assert first.id == second.id != other.id
    assert Job.objects.get(pk=int(first.id)).run_after == later


def test_work_asked_for_while_it_runs_waits_until_that_run_has_ended() -> None:
    sample_tasks.settle.enqueue(study_id=7)
    runs = leases.claim("first worker")
    assert runs is not None

    sample_tasks.settle.enqueue(study_id=7)
    assert leases.claim("second worker") is None

    assert leases.finish(runs, Job.State.DONE)
    assert leases.claim("second worker") is not None


def test_a_failed_run_makes_way_for_the_newer_request() -> None:
    sample_tasks.settle.enqueue(study_id=7)
    runs = leases.claim("first worker")
    assert runs is not None
    sample_tasks.settle.enqueue(study_id=7)

    assert leases.put_back(runs, error="lost") == Job.State.FAILED
    assert Job.objects.filter(state="ready").count() == 1


def test_an_effect_under_an_old_fence_is_refused() -> None:
    sample_tasks.succeed.enqueue(name="x")
    frozen = leases.claim("frozen worker")
    assert frozen is not None
    Job.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    assert leases.claim("second worker") is not None

    with pytest.raises(leases.LeaseLost), running.Run(frozen).effect():
        sample_tasks.write_effect("late")

    assert not Periodic.objects.exists()
    assert leases.renew(frozen) is None
    assert not leases.finish(frozen, Job.State.DONE)


def test_a_job_that_kills_its_workers_ends_dead() -> None:
    sample_tasks.fail.enqueue(name="x")
    for _attempt in range(2):
        assert leases.claim("worker") is not None
        Job.objects.update(lease_until=timezone.now() - timedelta(hours=1))

    assert leases.claim("worker") is None

    job = Job.objects.get()
    assert job.state == "dead"
    assert "stopped without a word" in job.last_error


def test_a_cancelled_job_stops_at_its_next_look() -> None:
    sample_tasks.succeed.enqueue(name="x")
    job = leases.claim("worker")
    assert job is not None
    Job.objects.update(cancel_requested=True)

    assert running.execute(job, heartbeat=False) == Job.State.CANCELLED
    assert not Periodic.objects.exists()


def test_higher_priority_runs_first_and_queues_are_kept_apart() -> None:
    sample_tasks.succeed.enqueue(name="low")
    sample_tasks.succeed.using(priority=50).enqueue(name="high")
    sample_tasks.succeed.using(queue_name="slow", priority=90).enqueue(name="slow")

    first = leases.claim("worker", leases.Queues(but=("slow",)))

    assert first is not None
    assert first.payload["kwargs"] == {"name": "high"}


def test_a_task_that_vanished_from_the_code_is_dead_with_a_reason() -> None:
    sample_tasks.succeed.enqueue(name="x")
    Job.objects.update(kind="hevesy.foundation.jobs.tests.sample_tasks.gone")

    running.drain()

    assert Job.objects.get().state == "dead"


def test_a_task_may_ask_for_its_context() -> None:
    result = sample_tasks.with_context.enqueue(name="x")

    running.drain()

    result.refresh()
    assert result.return_value == "x attempt 1"


def test_outside_a_worker_progress_and_effect_just_pass() -> None:
    running.current_run().progress(0.5, "half")
    with running.current_run().effect():
        sample_tasks.write_effect("command line")

    assert Periodic.objects.exists()


def test_the_clock_runs_what_is_due_once_and_only_for_the_holder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    entry = clock.Entry("test.daily", 86400, lambda: calls.append("ran"))
    monkeypatch.setattr(clock, "ENTRIES", {"test.daily": entry})

    assert clock.tick("node a") == ["test.daily"]
    assert clock.tick("node a") == []
    assert clock.tick("node b") == []

    assert calls == ["ran"]


def test_a_failing_periodic_function_keeps_its_error_and_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(
        clock,
        "ENTRIES",
        {
            "a": clock.Entry("a", 60, lambda: 1 / 0),
            "b": clock.Entry("b", 60, lambda: calls.append("ran")),
        },
    )

    assert clock.tick("node a") == ["a", "b"]

    assert "ZeroDivisionError" in Periodic.objects.get(name="a").last_error
    assert calls == ["ran"]

"""The job page of the system administrator."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.jobs import actions, queries, running
from hevesy.foundation.jobs.models import Job
from hevesy.foundation.jobs.tests import sample_tasks

pytestmark = pytest.mark.django_db


@pytest.fixture
def a_dead_job() -> Job:
    sample_tasks.refuse.enqueue(name="x")
    running.drain()
    Job.objects.update(state="dead", last_error="磁盘已满")
    return Job.objects.get()


def test_the_page_shows_failed_jobs_first_with_their_reason(
    a_dead_job: Job, a_sysadmin: User, client_of: Callable[[User], Client]
) -> None:
    sample_tasks.succeed.enqueue(name="later")

    page = client_of(a_sysadmin).get("/jobs/").content.decode()

    assert "磁盘已满" in page
    assert page.index("sample_tasks.refuse") < page.index("sample_tasks.succeed")
    assert "已放弃" in page


def test_a_dead_job_runs_again_when_asked(
    a_dead_job: Job, a_sysadmin: User, client_of: Callable[[User], Client]
) -> None:
    response = client_of(a_sysadmin).post(f"/jobs/{a_dead_job.pk}/retry/")

    a_dead_job.refresh_from_db()
    assert response.status_code == 200
    assert (a_dead_job.state, a_dead_job.attempts) == ("ready", 0)
    assert AuditEvent.objects.filter(verb="job.retry", subject_id=str(a_dead_job.pk)).exists()


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_asked(a_sysadmin: User) -> None:
    by = Actor(user=a_sysadmin)
    sample_tasks.succeed.enqueue(name="x")
    job = Job.objects.get()

    assert actions.cancel(by, job).state == "cancelled"
    with pytest.raises(actions.JobRefused):
        actions.cancel(by, job)
    Job.objects.update(state="running")
    assert actions.cancel(by, job).cancel_requested


def test_a_job_that_did_not_fail_is_not_retried(a_sysadmin: User) -> None:
    sample_tasks.succeed.enqueue(name="x")

    with pytest.raises(actions.JobRefused):
        actions.retry(Actor(user=a_sysadmin), Job.objects.get())


def test_others_see_no_jobs(
    a_dead_job: Job, an_auditor: User, client_of: Callable[[User], Client]
) -> None:
    client = client_of(an_auditor)

    assert client.get("/jobs/").status_code == 403
    assert client.post(f"/jobs/{a_dead_job.pk}/retry/").status_code == 403
    with pytest.raises(PermissionRefused):
        queries.listing(Actor(user=an_auditor))


def test_old_jobs_that_ended_well_are_forgotten_and_failed_ones_kept() -> None:
    old = timezone.now() - actions.KEPT * 2
    for state in ("done", "dead"):
        Job.objects.create(kind="x", state=state, run_after=old, enqueued_at=old, finished_at=old)

    actions.forget_old()

    assert [job.state for job in Job.objects.all()] == ["dead"]

"""What the system administrator does to jobs, and the tidying of old ones."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.jobs.leases import database_now
from hevesy.foundation.jobs.models import Job
from hevesy.foundation.ui.live import publish

KEPT = timedelta(days=30)
ENDED = (Job.State.DONE, Job.State.FAILED, Job.State.DEAD, Job.State.CANCELLED)


class JobRefused(Refused):
    """The job is not in a state in which that is possible."""


@transaction.atomic
def retry(by: Actor, job: Job) -> Job:
    """Let a given-up, refused or cancelled job run again now, with all its attempts."""
    by.require("system.manage")
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state not in (Job.State.DEAD, Job.State.FAILED, Job.State.CANCELLED):
        raise JobRefused(
            _("The job has not failed. Only a failed or cancelled one can be retried.")
        )
    same = Job.objects.filter(dedupe_key=job.dedupe_key, state=Job.State.READY)
    if job.dedupe_key and same.exists():
        raise JobRefused(_("A newer job for the same work is waiting already. Nothing to do."))
    job.state = Job.State.READY
    job.attempts = 0
    job.cancel_requested = False
    job.run_after = database_now()
    job.finished_at = None
    job.save()
    record(by, "job.retry", job, kind=job.kind)
    publish("jobs", job=job.pk)
    return job


@transaction.atomic
def cancel(by: Actor, job: Job) -> Job:
    """Cancel a waiting job at once; ask a running one to stop at its next look."""
    by.require("system.manage")
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.state == Job.State.READY:
        job.state = Job.State.CANCELLED
        job.finished_at = database_now()
    elif job.state == Job.State.RUNNING:
        job.cancel_requested = True
    else:
        raise JobRefused(_("The job has ended already. Nothing to cancel."))
    job.save()
    record(by, "job.cancel", job, kind=job.kind)
    publish("jobs", job=job.pk)
    return job


def forget_old() -> int:
    """Delete jobs that ended well a month ago; failed ones stay for who has to look at them."""
    old = Job.objects.filter(
        state__in=(Job.State.DONE, Job.State.CANCELLED), finished_at__lt=database_now() - KEPT
    )
    return old.delete()[0]

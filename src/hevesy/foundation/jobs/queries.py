"""Read the job table."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils.translation import pgettext_lazy

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.jobs.models import Job
from hevesy.foundation.ui.chips import Chip

CHIPS = {
    Job.State.READY: Chip("scheduled", pgettext_lazy("job", "waiting"), "clock"),
    Job.State.RUNNING: Chip("scanning", pgettext_lazy("job", "running"), "loader-2"),
    Job.State.DONE: Chip("ok", pgettext_lazy("job", "done"), "circle-check"),
    Job.State.FAILED: Chip("amber", pgettext_lazy("job", "refused"), "alert-triangle"),
    Job.State.DEAD: Chip("red", pgettext_lazy("job", "given up"), "alert-octagon"),
    Job.State.CANCELLED: Chip("cancelled", pgettext_lazy("job", "cancelled"), "ban"),
}
_ORDER = [Job.State.DEAD, Job.State.RUNNING, Job.State.FAILED, Job.State.READY]


@dataclass(frozen=True)
class JobLine:
    """A job as the list shows it."""

    job: Job
    name: str
    chip: Chip
    percent: int
    may_retry: bool
    may_cancel: bool


def short_name(kind: str) -> str:
    """`hevesy.records.archive.jobs.settle_study` as `archive.settle_study`."""
    parts = [part for part in kind.split(".") if part not in ("jobs", "tests")]
    return ".".join(parts[-2:])


def line(job: Job) -> JobLine:
    """What the list shows of one job."""
    state = Job.State(job.state)
    return JobLine(
        job=job,
        name=short_name(job.kind),
        chip=CHIPS[state],
        percent=round(job.progress * 100),
        may_retry=state in (Job.State.DEAD, Job.State.FAILED, Job.State.CANCELLED),
        may_cancel=state == Job.State.READY
        or (state == Job.State.RUNNING and not job.cancel_requested),
    )


def listing(by: Actor, *, state: str = "", text: str = "") -> QuerySet[Job]:
    """Jobs, those that need a person first; only for who runs the system."""
    by.require("system.manage")
    jobs = Job.objects.all()
    if state in Job.State.values:
        jobs = jobs.filter(state=state)
    if text:
        jobs = jobs.filter(kind__icontains=text)
    urgency = Case(
        *(When(state=one, then=Value(rank)) for rank, one in enumerate(_ORDER)),
        default=Value(len(_ORDER)),
        output_field=IntegerField(),
    )
    return jobs.order_by(urgency, "-pk")


def counts() -> dict[str, int]:
    """How many jobs are in each state."""
    found = dict(Job.objects.values_list("state").annotate(count=Count("pk")))
    return {state: found.get(state, 0) for state in Job.State.values}


def given_up() -> int:
    """Jobs that wait for a person."""
    return Job.objects.filter(state=Job.State.DEAD).count()

"""Background jobs with leases: a job survives the death of the process that runs it (reliability §3.2)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

DEFAULT_LEASE_S = 60
DEFAULT_MAX_ATTEMPTS = 5


class Job(models.Model):
    """One call of a task, enqueued in the business transaction and run at least once.

    `fence` grows with every claim: whoever holds an old fence may no longer write (a worker that was frozen past
    its lease). `attempts` counts claims, so that a job that kills its worker ends as dead too.
    """

    class State(models.TextChoices):
        READY = "ready", pgettext_lazy("job", "waiting")
        RUNNING = "running", pgettext_lazy("job", "running")
        DONE = "done", pgettext_lazy("job", "done")
        FAILED = "failed", pgettext_lazy("job", "refused")
        DEAD = "dead", pgettext_lazy("job", "given up")
        CANCELLED = "cancelled", pgettext_lazy("job", "cancelled")

    kind = models.CharField(max_length=200, help_text="dotted path of the task function")
    queue = models.CharField(max_length=40, default="default")
    payload = models.JSONField(default=dict, help_text='{"args": [], "kwargs": {}}')
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    priority = models.SmallIntegerField(default=0, help_text="-100 to 100, higher runs first")
    run_after = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=DEFAULT_MAX_ATTEMPTS)
    lease_s = models.PositiveIntegerField(default=DEFAULT_LEASE_S)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    dedupe_key = models.CharField(max_length=200, blank=True)
    cancel_requested = models.BooleanField(default=False)
    progress = models.FloatField(default=0)
    message = models.CharField(max_length=200, blank=True)
    last_error = models.TextField(blank=True)
    result = models.JSONField(null=True)
    enqueued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "-priority", "run_after"], name="job_next"),
            models.Index(fields=["finished_at"], name="job_finished"),
        ]
        # One may wait while one runs: what changed after the running one has read must be worked on again.
        constraints = [
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state="ready") & ~Q(dedupe_key=""),
                name="job_one_waiting_per_key",
            ),
            models.UniqueConstraint(
                fields=["dedupe_key"],
                condition=Q(state="running") & ~Q(dedupe_key=""),
                name="job_one_running_per_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.kind}"


class Lease(models.Model):
    """A named right that one process holds at a time, such as being the clock. Database time decides."""

    name = models.CharField(max_length=60, primary_key=True)
    owner = models.CharField(max_length=80)
    until = models.DateTimeField()
    fence = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Periodic(models.Model):
    """When a periodic function is due next; kept so that a daily one is not forgotten over a restart."""

    name = models.CharField(max_length=80, primary_key=True)
    next_at = models.DateTimeField()
    last_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name

"""Seal every few seconds; verify every night."""

from __future__ import annotations

from dataclasses import asdict

from django.utils.translation import gettext as _
from django_tasks import task

from hevesy.foundation.audit.models import Verification
from hevesy.foundation.audit.seals import seal_new_rows
from hevesy.foundation.audit.verification import verify
from hevesy.foundation.jobs.clock import every
from hevesy.foundation.jobs.running import current_run

SHOWN_FINDINGS = 200


@every(seconds=3, name="audit.seal")
def seal() -> None:
    """Seal what was written since the last time, in batches until nothing is left."""
    while seal_new_rows():
        pass


@task(queue_name="slow", dedupe=())
def verify_chains() -> None:
    """Check all chains and keep the outcome for the auditor's page."""
    run = current_run()
    outcome = verify(lambda rows: run.progress(0.5, _("%s audit rows read") % rows))
    with run.effect():
        Verification.objects.create(
            rows=outcome.rows,
            findings=[asdict(finding) for finding in outcome.findings[:SHOWN_FINDINGS]],
        )


@every(seconds=24 * 3600, name="audit.verify")
def verify_daily() -> None:
    """Have the chains checked once a day."""
    verify_chains.enqueue()

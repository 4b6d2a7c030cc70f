"""When a study has gone quiet: count it, match it, tell others. Nothing is counted in the hot path (design §2.4)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.announcing import tell
from hevesy.records.archive.events import study_settled
from hevesy.records.archive.matching import match_study
from hevesy.records.archive.models import Instance, Series, Study

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
QUIET_S = float(os.environ.get("HEVESY_QUIET_SECONDS", "15"))
"""Seconds without a new object after which a study counts as complete: a pause between two series is shorter."""
_TOUCH = timedelta(seconds=1)


def mark_received(study: Study, now: datetime) -> bool:
    """Note, in the transaction of an arriving object, that the study is still growing.

    Written at most once a second, not per object. Returns whether this opened the study: it is new or had settled.
    """
    if study.stable_at is None and now - study.last_received_at <= _TOUCH:
        return False
    opened = study.last_received_at == NEVER or study.stable_at is not None
    Study.objects.filter(pk=study.pk).update(last_received_at=now, stable_at=None)
    study.last_received_at, study.stable_at = now, None
    from hevesy.records.archive.jobs import settle_study

    settle_study.using(run_after=now + timedelta(seconds=QUIET_S)).enqueue(study_id=study.pk)
    return opened


def settle(study_id: int, *, by: Actor, quiet_s: float | None = None) -> datetime | None:
    """Count a quiet study and match it to its examination; tells `study_settled` after commit.

    `quiet_s`: how long nothing may have come, else the department's `QUIET_S`; 0 when all is known to be there.
    Returns None when done (or nothing was to do), else the moment at which to look again.
    """
    with transaction.atomic():
        study = Study.objects.select_for_update().filter(pk=study_id).first()
        if study is None or study.stable_at is not None:
            return None
        now = timezone.now()
        quiet_at = study.last_received_at + timedelta(
            seconds=QUIET_S if quiet_s is None else quiet_s
        )
        if quiet_at > now:
            return quiet_at
        count(study)
        study.stable_at = now
        study.save(
            update_fields=[
                "series_count",
                "instance_count",
                "size",
                "modalities",
                "stable_at",
            ]
        )
        match_study(study, by=by)
        record(
            by,
            "archive.settle",
            study,
            patient_id=study.exam.patient_id if study.exam else None,
            instances=study.instance_count,
            series=study.series_count,
            bytes=study.size,
        )
        transaction.on_commit(lambda: tell(study_settled, study=study))
    return None


def count(study: Study) -> None:
    """Recompute the counters of a study and its series from its rows; they are never incremented."""
    for row in (
        Series.objects.filter(study=study)
        .annotate(found=Count("instances"))
        .exclude(found=F("instance_count"))
    ):
        Series.objects.filter(pk=row.pk).update(instance_count=row.found)
    totals: dict[str, Any] = Instance.objects.filter(series__study=study).aggregate(
        instances=Count("pk"), bytes=Sum("size"), series=Count("series", distinct=True)
    )
    study.instance_count = totals["instances"]
    study.series_count = totals["series"]
    study.size = totals["bytes"] or 0
    study.modalities = sorted({row.modality for row in study.series.all() if row.modality})


def reopen_miscounted(since: timedelta = timedelta(hours=1)) -> int:
    """Open studies again that an object slipped into while they were being counted; how many.

    An object whose transaction stalled for longer than the quiet time commits after the count.
    """
    lately = Study.objects.filter(stable_at__gt=timezone.now() - since).annotate(
        found=Count("series__instances")
    )
    wrong = [row.pk for row in lately.filter(~Q(found=F("instance_count")))]
    return Study.objects.filter(pk__in=wrong).update(stable_at=None) if wrong else 0

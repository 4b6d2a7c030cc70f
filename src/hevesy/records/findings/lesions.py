"""Keep what readers say about rows of lesion tables, and hand it to those who learn from it (clause 6.16)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.imaging.segment.lesions.labels import Label, checked_features
from hevesy.records.archive.models import Study
from hevesy.records.findings.actions import FindingRefused
from hevesy.records.findings.models import LesionLabel
from hevesy.records.findings.queries import newest_lesion_labels


def label_lesion(
    by: Actor,
    study: Study,
    *,
    series_uid: str,
    row: Mapping[str, Any],
    tracer: str,
    rule: str,
    pipeline: str,
    accepted: bool,
) -> LesionLabel:
    """Keep one decision. row: one of "lesions" in the JSON of `LesionReport`; pipeline: its "version".

    An earlier decision about the same row stays on record and no longer counts.
    """
    by.require("findings.write")
    assert by.user is not None
    if not study.series.filter(series_instance_uid=series_uid).exists():
        raise FindingRefused(_("This series does not belong to the study."))
    hottest, features = _row(row)
    with transaction.atomic():
        label = LesionLabel.objects.create(
            study=study,
            series_instance_uid=series_uid,
            row=row["number"],
            hottest_lps_mm=hottest,
            row_key=" ".join(f"{round(one, 1) + 0.0:.1f}" for one in hottest),
            features=features,
            tracer=tracer,
            rule=rule,
            pipeline=pipeline,
            suggested=row["included"],
            accepted=accepted,
            author=by.user,
        )
        record(
            by,
            "finding.label_lesion",
            label,
            patient_id=study.exam.patient_id if study.exam else None,
            row=label.row,
            accepted=accepted,
        )
    return label


def _row(row: Mapping[str, Any]) -> tuple[list[float], dict[str, float | None]]:
    try:
        x, y, z = (float(one) for one in row["max_at_lps_mm"])
        features = checked_features(row["features"])
        right = row["included"] in (True, False) and int(row["number"]) >= 0
    except (KeyError, TypeError, ValueError) as fault:
        raise _no_row() from fault
    if not right or not all(map(math.isfinite, (x, y, z))):
        raise _no_row()
    return [x, y, z], features


def _no_row() -> FindingRefused:
    return FindingRefused(_("This is no row of a lesion table. Compute the table again."))


def labels_to_learn_from(*, pipeline: str, tracer: str = "") -> Iterator[Label]:
    """The newest label of each row made by this version of the table; the study's key tells nothing about a person."""
    rows = newest_lesion_labels().filter(pipeline=pipeline)
    for row in rows.filter(tracer=tracer) if tracer else rows:
        uid = row.study.study_instance_uid
        yield Label(
            study=hashlib.sha256(uid.encode()).hexdigest()[:16],
            tracer=row.tracer,
            rule=row.rule,
            pipeline=row.pipeline,
            features=row.features,
            suggested=row.suggested,
            accepted=row.accepted,
            at=row.at.isoformat(),
        )

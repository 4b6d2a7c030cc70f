"""Lesion tables for programs and for the viewer: suggestions that a reader confirms (clause 6.16)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404
from django.urls import reverse
from ninja import Router, Schema

from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.records.archive.queries import visible_studies
from hevesy.records.findings.models import LesionTable
from hevesy.records.findings.queries import lesion_tables

router = Router()


class LesionTableOut(Schema):
    """The newest table of a series, tracer and rule, or why there is none.

    `report` is what `hevesy image lesions --json` answers, with `grid` (shape, and the matrix from voxel indices to LPS
    in mm), `device` and `model`. `labels_url` leads to the label map: gzip of little-endian int32 in the order of
    `grid.shape_kji`, 0 or the number of the row.
    """

    series_instance_uid: str
    tracer: str
    rule: str
    pipeline: str
    device: str
    state: str
    reason: str
    text_en: str
    text_zh: str
    content_sha256: str
    at: datetime
    labels_url: str | None
    report: dict[str, Any]

    @staticmethod
    def resolve_series_instance_uid(table: LesionTable) -> str:
        return table.series.series_instance_uid

    @staticmethod
    def resolve_labels_url(table: LesionTable) -> str | None:
        return reverse("files:serve", args=[table.labels_id]) if table.labels_id else None


@router.get(
    "/studies/{study_instance_uid}/lesion-tables", response={200: list[LesionTableOut], **FAULTS}
)
def study_lesion_tables(request: ApiRequest, study_instance_uid: str) -> Any:
    """The lesion tables of a study; none yet while the job waits."""
    studies = visible_studies(request.actor).filter(study_instance_uid=study_instance_uid)
    if not studies.exists():
        raise Http404
    return lesion_tables(request.actor, study_instance_uid)

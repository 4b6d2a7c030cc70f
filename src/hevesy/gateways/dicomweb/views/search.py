"""QIDO-RS: studies, series, instances, from the index alone (PS3.18 §10.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from hevesy.foundation.accounts.guards import StaffRequest
from hevesy.gateways.dicomweb import rows
from hevesy.gateways.dicomweb.accept import require_json
from hevesy.gateways.dicomweb.door import programs
from hevesy.gateways.dicomweb.paging import LARGEST_PAGE, page
from hevesy.records.archive import keys
from hevesy.records.archive.models import Instance, Series, Study
from hevesy.records.archive.queries import visible_studies

DICOM_JSON = "application/dicom+json"
FUZZY = '299 hevesy "fuzzymatching is not supported; only literal matching was performed"'
CUT = f'299 hevesy "limited to {LARGEST_PAGE} results"'
MORE = '299 hevesy "there are additional results that can be requested"'


def address(request: StaffRequest) -> Callable[[str], str]:
    """A function from a path below the gateway to its whole address."""
    root = request.build_absolute_uri("/dicom-web/")
    return lambda path: root + path


def studies_of(request: StaffRequest, study: str = "") -> QuerySet[Study]:
    """Studies that may be read, or the one with this UID."""
    found = visible_studies(request.actor)
    return found.filter(study_instance_uid=study) if study else found


def series_of(request: StaffRequest, study: str = "", series: str = "") -> QuerySet[Series]:
    """Series of a study, or of all."""
    found = Series.objects.filter(study__in=studies_of(request, study)).select_related("study")
    return found.filter(series_instance_uid=series) if series else found


def instances_of(
    request: StaffRequest, study: str = "", series: str = "", instance: str = ""
) -> QuerySet[Instance]:
    """Instances of a series, a study, or of all, in the order of their numbers."""
    found = Instance.objects.filter(series__in=series_of(request, study, series))
    found = found.select_related("series__study__exam")
    found = found.order_by("series__number", "series_id", "number", "id")
    return found.filter(sop_instance_uid=instance) if instance else found


@require_safe
@programs("archive.view")
def studies(request: StaffRequest) -> HttpResponse:
    """Studies, the newest first."""
    found = keys.narrowed(studies_of(request), request.GET.dict(), keys.STUDY)
    return _answer(request, found.order_by("-study_date", "-id"), rows.study_row)


@require_safe
@programs("archive.view")
def series(request: StaffRequest, study: str = "") -> HttpResponse:
    """Series of a study, or of all."""
    asked = request.GET.dict()
    parents = keys.narrowed(studies_of(request, study), asked, keys.STUDY)
    found = Series.objects.filter(study__in=parents).select_related("study")
    found = keys.narrowed(found, asked, keys.SERIES)
    return _answer(request, found.order_by("study_id", "number", "id"), rows.series_row)


@require_safe
@programs("archive.view")
def instances(request: StaffRequest, study: str = "", series: str = "") -> HttpResponse:
    """Instances of a series, a study, or of all."""
    asked = request.GET.dict()
    parents = keys.narrowed(studies_of(request, study), asked, keys.STUDY)
    found = Series.objects.filter(study__in=parents)
    if series:
        found = found.filter(series_instance_uid=series)
    found = keys.narrowed(found, asked, keys.SERIES)
    here = Instance.objects.filter(series__in=found).select_related("series__study")
    here = keys.narrowed(here, asked, keys.INSTANCE)
    return _answer(request, here.order_by("series_id", "number", "id"), rows.instance_row)


def _answer(request: StaffRequest, found: QuerySet[Any], row: Callable[..., Any]) -> HttpResponse:
    require_json(request.headers.get("Accept", ""))
    asked: Mapping[str, str] = request.GET.dict()
    offset, limit, cut = page(asked)
    answers = list(found[offset : offset + limit + 1])
    to = address(request)
    response = JsonResponse(
        [row(one, to) for one in answers[:limit]], safe=False, content_type=DICOM_JSON
    )
    warnings = [CUT] if cut else [MORE] if len(answers) > limit else []
    if asked.get("fuzzymatching", "").lower() == "true":
        warnings.append(FUZZY)
    if warnings:
        response["Warning"] = ", ".join(warnings)
    return response


all_series, all_instances = series, instances

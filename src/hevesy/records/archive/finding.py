"""What of the archive a query means, at each level of PS3.4 C.6: patients, studies, series, instances.

One chain for searching and retrieving; `asked` maps keywords of `keys` to what was sent. Raises `KeyRefused`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count, Max, QuerySet, Sum

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.archive import keys
from hevesy.records.archive.models import Instance, Series, Study
from hevesy.records.archive.queries import visible_studies

Asked = Mapping[str, str]
COUNTS = frozenset(
    (
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfSeriesRelatedInstances",
    )
)


def find_patients(by: Actor, asked: Asked) -> QuerySet[Any]:
    """Patients with a number, as dictionaries: their header values and how much of theirs is here."""
    numbers = find_studies(by, asked).exclude(patient_id="").order_by().values("patient_id")
    return (
        visible_studies(by)
        .filter(patient_id__in=numbers)
        .values("patient_id")
        .annotate(
            patient_name=Max("patient_name"),
            patient_birth_date=Max("patient_birth_date"),
            patient_sex=Max("patient_sex"),
            studies_here=Count("pk"),
            series_here=Sum("series_count"),
            instances_here=Sum("instance_count"),
        )
        .order_by("patient_id")
    )


def find_studies(by: Actor, asked: Asked) -> QuerySet[Study]:
    """Studies, the newest first."""
    found = keys.narrowed(visible_studies(by), asked, keys.STUDY)
    return found.order_by("-study_date", "-id")


def find_series(by: Actor, asked: Asked) -> QuerySet[Series]:
    """Series with their study, in the order of their numbers."""
    found = Series.objects.filter(study__in=find_studies(by, asked).order_by().values("pk"))
    found = keys.narrowed(found, asked, keys.SERIES)
    return found.select_related("study").order_by("study_id", "number", "id")


def find_instances(by: Actor, asked: Asked) -> QuerySet[Instance]:
    """Instances with series, study and examination, in the order of their numbers."""
    found = Instance.objects.filter(series__in=find_series(by, asked).order_by().values("pk"))
    found = keys.narrowed(found, asked, keys.INSTANCE)
    return found.select_related("series__study__exam").order_by(
        "series__study_id", "series__number", "series_id", "number", "id"
    )


def count_growing(studies: Iterable[Study], series: Sequence[Series] = ()) -> None:
    """Set the counts and modalities of studies that are still coming in; nothing is written, one query."""
    growing = {study.pk: study for study in studies if study.stable_at is None}
    if not growing:
        return
    found: dict[int, list[tuple[int, str, int]]] = {pk: [] for pk in growing}
    rows = Series.objects.filter(study__in=growing).annotate(objects_here=Count("instances"))
    for study_id, pk, modality, count in rows.values_list(
        "study_id", "pk", "modality", "objects_here"
    ):
        found[study_id].append((pk, modality, count))
    for study_id, study in growing.items():
        study.series_count = len(found[study_id])
        study.instance_count = sum(count for _pk, _modality, count in found[study_id])
        study.modalities = sorted({modality for _pk, modality, _count in found[study_id]})
    counted = {pk: count for rows in found.values() for pk, _modality, count in rows}
    for one in series:
        one.instance_count = counted.get(one.pk, one.instance_count)

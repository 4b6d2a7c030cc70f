"""Read what readers marked."""

from __future__ import annotations

from django.db.models import Max, QuerySet

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.archive.models import Study
from hevesy.records.archive.queries import visible_studies
from hevesy.records.exams.models import Exam
from hevesy.records.findings.models import KeyImage, LesionLabel, LesionTable


def key_images(study: Study) -> QuerySet[KeyImage]:
    """The pictures in the tray of a study, in order."""
    return KeyImage.objects.filter(study=study, removed_at=None).select_related("file", "author")


def key_images_of_exam(exam: Exam) -> QuerySet[KeyImage]:
    """The pictures of every study of an exam, in order."""
    rows = KeyImage.objects.filter(study__exam=exam, removed_at=None).select_related(
        "file", "author"
    )
    return rows.order_by("sort", "id")


def newest_lesion_labels() -> QuerySet[LesionLabel]:
    """What counts of the readers' decisions: the newest of each row of each table, in order of time."""
    newest = LesionLabel.objects.values(
        "study", "series_instance_uid", "pipeline", "rule", "row_key"
    ).annotate(newest=Max("pk"))
    return (
        LesionLabel.objects.filter(pk__in=newest.values("newest"))
        .select_related("study")
        .order_by("pk")
    )


def lesion_tables(by: Actor, study_instance_uid: str) -> QuerySet[LesionTable]:
    """The newest table or refusal of each series, tracer and rule of a study that the actor may open; newest first."""
    studies = visible_studies(by).filter(study_instance_uid=study_instance_uid)
    of_study = LesionTable.objects.filter(series__study__in=studies)
    newest = of_study.values("series", "tracer", "rule").annotate(newest=Max("pk"))
    return of_study.filter(pk__in=newest.values("newest")).select_related("series").order_by("-pk")

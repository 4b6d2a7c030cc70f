"""Lesion tables, in the lane that a machine with a GPU may serve (docs/guides/gpu-machine.md)."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from django.conf import settings
from django.utils.translation import gettext as _
from django_tasks import task

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.jobs.running import current_run
from hevesy.imaging.device import Device
from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.sandboxed import find_lesions_sandboxed
from hevesy.records.archive.models import Series
from hevesy.records.archive.queries import local_paths
from hevesy.records.findings import lesion_tables
from hevesy.records.findings.models import LesionTable

BEHIND_PICTURES = -10


@task(queue_name="imaging", priority=BEHIND_PICTURES, dedupe=("series_id", "rule", "tracer"))
def find_lesions(series_id: int, rule: str, tracer: str) -> None:
    """Make the lesion table of one PET in child processes and keep it with its label map.

    Repeatable: what is there for the same images and method is not computed again. tracer: empty for that of the
    images or of the examination.
    """
    from hevesy.imaging.segment.lesions.report import VERSION

    pet = Series.objects.select_related("study__exam").get(pk=series_id)
    ct = lesion_tables.ct_for(pet)
    tracer = tracer or lesion_tables.tracer_for(pet)
    learned = lesion_tables.Learned.of_site(tracer)
    key: dict[str, Any] = {
        "series": pet,
        "content_sha256": lesion_tables.content_sha256(pet, ct),
        "tracer": tracer,
        "rule": rule,
        "pipeline": VERSION,
        "learned_sha256": learned.sha256,
    }
    if LesionTable.objects.filter(**key, state=LesionTable.State.MADE).exists():
        return
    by = system_actor("lesion tables")
    run = current_run()
    with TemporaryDirectory(prefix="hevesy-lesions-") as name:
        try:
            if not tracer:
                raise _no_profile(str(pet.header.get("radiopharmaceutical", "")))
            made = find_lesions_sandboxed(
                local_paths(pet),
                local_paths(ct) if ct else [],
                Path(name),
                tracer=tracer,
                rule=rule,
                score=learned.score,
                model=learned.model,
                device=cast(Device, settings.DEVICE),
                progress=lambda fraction, stage: run.progress(fraction, _stages()[stage]),
            )
        except (ImageRefused, Refused) as refusal:
            with run.effect():
                lesion_tables.keep_refused(by, key, refusal)
            return
        # mtime=0: the same map must give the same bytes, or it would be stored twice.
        labels = gzip.compress(made.labels.read_bytes(), mtime=0)
    key["learned_sha256"] = learned.without(made.left_out).sha256
    with run.effect():
        lesion_tables.keep_made(by, key, made.report, labels)


def _stages() -> dict[str, Any]:
    return {
        "pet": _("Reading the PET"),
        "ct": _("Reading the CT"),
        "lesions": _("Finding lesions"),
    }


def _no_profile(named: str) -> Refused:
    return Refused(
        "no_lesion_profile",
        "No lesion profile fits this tracer; ask for the table with one of FDG, PSMA, SSTR.",
        "该药物没有相应的病灶分类方案，请指定 FDG、PSMA 或 SSTR 后重新计算。",
        named,
    )

"""Images are facts: they move their examination on where nobody has said more exactly what happened.

The performed procedure step (MPPS) of a device is more exact and is left alone while it is in progress. One settled
batch of images finishes at most one step, and only with images of the modality that the examination is about: the
CT of a PET/CT arrives minutes before the PET.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor, Refused, system_actor
from hevesy.records.archive.models import PerformedStep, Study
from hevesy.records.exams.actions.steps import move_step
from hevesy.records.exams.models import Exam, ExamStep

logger = logging.getLogger(__name__)
_CLOCKS_DIFFER = timedelta(minutes=5)


def advance(study: Study, *, by: Actor) -> None:
    """Start and finish the step that the images of a linked study belong to, inside a transaction."""
    exam = study.exam
    assert exam is not None
    acquired = acquisition_moments(study)
    step = _step_of(list(exam.steps.order_by("number")), acquired)
    if step is None:
        return
    if PerformedStep.objects.filter(steps=step, state=PerformedStep.State.IN_PROGRESS).exists():
        return
    device = system_actor(
        f"archive:{study.received_from}" if study.received_from else str(by),
        "exams.acquire",
        channel="dicom",
    )
    wanted = exam.modality_class.dicom_modalities[:1]
    complete = not wanted or wanted[0] in study.modalities
    now = timezone.now()
    try:
        with transaction.atomic():
            if step.state != "acquiring":
                step = move_step(
                    device, step, "start", at=min(acquired[0] if acquired else now, now)
                )
            if complete:
                move_step(device, step, "finish", at=min(acquired[-1] if acquired else now, now))
    except Refused as refusal:
        logger.info("images of %s did not move the examination: %s", exam.number, refusal)


def advance_stable_studies(exam: Exam, *, by: Actor) -> None:
    """Let the images that are there already move an examination on, after something about it was written down."""
    for study in exam.studies.filter(stable_at__isnull=False):
        with transaction.atomic():
            advance(Study.objects.select_for_update().get(pk=study.pk), by=by)


def _step_of(steps: list[ExamStep], acquired: list[datetime]) -> ExamStep | None:
    """The first step that is not over and that these images can be of; None if they belong to none."""
    last = acquired[-1] if acquired else None
    for step in steps:
        if step.state in ("acquired", "discontinued"):
            if last and step.ended_at and last <= step.ended_at:
                # A later reconstruction of what is finished says nothing about the next step.
                return None
            continue
        if step.state == "acquiring":
            return step
        if step.administers and step.state != "administered":
            # The drug must be written down first: its record is the department's proof.
            return None
        given = step.administered_at
        if given and last and last + _CLOCKS_DIFFER < given:
            return None
        return step
    return None


def acquisition_moments(study: Study) -> list[datetime]:
    """When the series of a study were acquired by the devices' clocks (the site's time zone), in order."""
    moments = []
    for header in study.series.values_list("header", flat=True):
        day = header.get("acquisition_date") or header.get("series_date") or study.study_date
        time = header.get("acquisition_time") or header.get("series_time") or ""
        try:
            naive = datetime.strptime(day + time[:6], "%Y%m%d%H%M%S")  # noqa: DTZ007
        except ValueError:
            continue
        moments.append(timezone.make_aware(naive))
    return sorted(moments)

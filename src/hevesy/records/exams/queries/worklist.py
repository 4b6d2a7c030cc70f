"""The scheduled steps a scanner may ask for (clause 1.3, DICOM modality worklist)."""

from __future__ import annotations

from datetime import date, datetime, time

from django.db.models import QuerySet
from django.utils import timezone

from hevesy.records.equipment.models import Device
from hevesy.records.exams.models import ExamStep

OPEN_VISITS = ("scheduled", "arrived", "interviewed")
OPEN_STEPS = ("planned", "ready", "administered", "acquiring")


def worklist(
    *,
    device: Device | None = None,
    ae_title: str = "",
    first: date | None = None,
    last: date | None = None,
    begun: bool = False,
) -> QuerySet[ExamStep]:
    """Steps still to be acquired, by device or station AE title and local days, in the order of their times.

    Cancelled, missed and finished ones are hidden; steps being acquired too, unless `begun`.
    """
    steps = ExamStep.objects.filter(
        exam__visit_state__in=OPEN_VISITS,
        state__in=OPEN_STEPS if begun else OPEN_STEPS[:-1],
        starts_at__isnull=False,
    )
    # A therapy's administration is nothing that a scanner acquires.
    steps = steps.exclude(phase__acquires=False)
    if device is not None:
        steps = steps.filter(device=device)
    if ae_title:
        steps = steps.filter(device__ae_title=ae_title)
    if first is not None:
        steps = steps.filter(starts_at__gte=timezone.make_aware(datetime.combine(first, time.min)))
    if last is not None:
        steps = steps.filter(starts_at__lte=timezone.make_aware(datetime.combine(last, time.max)))
    return steps.select_related(
        "exam__patient", "exam__item", "exam__modality_class", "phase", "tracer__nuclide", "device"
    ).order_by("starts_at", "id")

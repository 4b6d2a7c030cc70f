"""When a study has gone quiet, the lesion table of its PET is computed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from hevesy.records.archive.events import study_settled
from hevesy.records.archive.models import Study
from hevesy.records.findings.lesion_tables import request_tables


@receiver(study_settled)
def find_lesions_of_study(sender: type, study: Study, **kwargs: Any) -> None:
    """Later images of other series change nothing of a PET: its table is there and stays."""
    if not settings.LESION_TABLES:
        return
    with transaction.atomic():
        request_tables(study)

"""When a study has gone quiet its volumes are prepared."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import receiver

from hevesy.desks.viewing.jobs import request_volumes
from hevesy.records.archive.events import study_settled
from hevesy.records.archive.models import Study


@receiver(study_settled)
def prepare_study(sender: type, study: Study, **kwargs: Any) -> None:
    """New images came: what was prepared from fewer of them is prepared anew."""
    with transaction.atomic():
        request_volumes(study.pk, anew=True)

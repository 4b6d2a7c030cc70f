"""Events that open pages listen to. They carry no medical data, only what changed and where."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class LiveEvent(models.Model):
    """Something changed that open pages may want to show again. Rows live an hour."""

    topic = models.CharField(max_length=60)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.pk} {self.topic}"

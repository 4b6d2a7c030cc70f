"""What readers mark: key images, regions, view states, with author and version (clauses 6.2, 6.5, 6.12)."""

from __future__ import annotations

from django.db import models

from hevesy.foundation.files.models import StoredFile
from hevesy.records.archive.models import Study


class Measurement(models.Model):
    """A region or length with the numbers imaging computed. A change is a new version of the same `uid`."""

    uid = models.CharField(max_length=40, db_index=True)
    version = models.PositiveIntegerField(default=1)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="measurements")
    kind = models.CharField(max_length=20)
    geometry = models.JSONField()
    values = models.JSONField()
    method = models.CharField(max_length=80)
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    removed = models.BooleanField(default=False)


class KeyImage(models.Model):
    """A captured picture for the report, with the view it came from."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="key_images")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT)
    caption = models.CharField(max_length=120, blank=True)
    sort = models.PositiveIntegerField(default=0)
    in_report = models.BooleanField(default=True)
    printed_count = models.PositiveIntegerField(default=0)
    view_state = models.JSONField(default=dict)
    measurement = models.JSONField(null=True)
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["study", "sort", "id"]

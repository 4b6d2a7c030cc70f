"""What readers mark: key images, regions, lesions, with author and version (clauses 6.2, 6.5, 6.12, 6.16)."""

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


class LesionLabel(models.Model):
    """A reader's decision about one row of a lesion table (clause 6.16). Append-only: the newest of a row counts.

    Rows are told apart by their hottest voxel: numbers follow the score, and new weights change it.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="lesion_labels")
    series_instance_uid = models.CharField(max_length=64)
    row = models.PositiveIntegerField(help_text="its number in the table that the reader saw")
    hottest_lps_mm = models.JSONField(help_text="where its hottest voxel lies: x, y, z")
    row_key = models.CharField(max_length=40, help_text="hottest_lps_mm, to a tenth")
    features = models.JSONField(help_text="as the lesion table gives them")
    tracer = models.CharField(max_length=10)
    rule = models.CharField(max_length=20)
    pipeline = models.CharField(max_length=40, help_text="version of the lesion table")
    suggested = models.BooleanField()
    accepted = models.BooleanField()
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["study", "series_instance_uid", "pipeline", "rule", "row_key"],
                name="lesion_label_row",
            )
        ]

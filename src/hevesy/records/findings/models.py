"""What readers mark: key images, regions, lesions, with author and version (clauses 6.2, 6.5, 6.12, 6.16)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from hevesy.foundation.files.models import StoredFile
from hevesy.records.archive.models import Series, Study


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


class LesionTable(models.Model):
    """The lesion table of one PET series as it was computed, or why there is none (clause 6.16). Append-only.

    The same images, rule and method give one row, however often it is asked for.
    """

    class State(models.TextChoices):
        MADE = "made", pgettext_lazy("lesion table", "computed")
        REFUSED = "refused", pgettext_lazy("lesion table", "refused")

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="lesion_tables")
    content_sha256 = models.CharField(max_length=64, help_text="of the images of PET and CT")
    tracer = models.CharField(max_length=10, blank=True, help_text="profile; empty: none fits")
    rule = models.CharField(max_length=20)
    pipeline = models.CharField(max_length=40, help_text="version of the lesion table")
    learned_sha256 = models.CharField(
        max_length=64, blank=True, help_text="of learned weights and model.toml; empty: neither"
    )
    device = models.CharField(max_length=10, blank=True, help_text="cpu or cuda: where it ran")
    state = models.CharField(max_length=10, choices=State)
    reason = models.CharField(max_length=60, blank=True, help_text="key of the refusal")
    text_en = models.TextField(blank=True)
    text_zh = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    report = models.JSONField(default=dict, help_text="`LesionReport` as JSON, rows and all")
    labels = models.ForeignKey(
        StoredFile,
        null=True,
        on_delete=models.PROTECT,
        help_text="gzip of little-endian int32 [k, j, i]: 0 or the number of the row",
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "series",
                    "content_sha256",
                    "tracer",
                    "rule",
                    "pipeline",
                    "learned_sha256",
                    "reason",
                ],
                name="one_lesion_table_per_content_and_method",
            ),
            models.CheckConstraint(
                condition=Q(state="made", reason="", labels__isnull=False)
                | (Q(state="refused", labels__isnull=True) & ~Q(reason="")),
                name="lesion_table_made_or_refused",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.tracer} {self.rule}"

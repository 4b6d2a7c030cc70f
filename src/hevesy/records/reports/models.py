"""Reports: append-only versions, audit with marked changes, publication (clauses 6.2, 6.3, 6.6, 6.25, 7.1, 7.2)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import pgettext_lazy

from hevesy.records.documents.models import Document
from hevesy.records.exams.models import Exam


class Report(models.Model):
    """The report of one exam. `state` moves by the table in states.py; the text is in its versions."""

    exam = models.OneToOneField(Exam, on_delete=models.PROTECT, related_name="report")
    state = models.CharField(max_length=12, db_index=True)
    author = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    auditor = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    current = models.ForeignKey(
        "ReportVersion", null=True, on_delete=models.PROTECT, related_name="+"
    )
    submitted_at = models.DateTimeField(null=True)
    audited_at = models.DateTimeField(null=True)
    return_reason = models.CharField(max_length=300, blank=True)
    lock_user = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    lock_until = models.DateTimeField(null=True)

    @property
    def current_number(self) -> int:
        """Number of the current version; 0 before the first."""
        return self.current.number if self.current else 0


class ReportVersion(models.Model):
    """One saved text by one person. Append-only and hash-chained; database triggers refuse UPDATE and DELETE."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sections = models.JSONField(help_text="{technique, findings, impression}")
    key_images = models.JSONField(
        default=list, help_text="ids and hashes of the key images at that moment"
    )
    facts = models.JSONField(default=dict, help_text="tracer, activity, uptake, device as printed")
    act = models.CharField(max_length=12, help_text="save, submit, audit, return, correct")
    author = models.ForeignKey("accounts.User", on_delete=models.PROTECT)
    at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64)
    previous_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["report", "number"]
        constraints = [
            models.UniqueConstraint(fields=["report", "number"], name="one_version_per_number")
        ]


class Publication(models.Model):
    """What clinicians may read: one audited version with its PDF, until withdrawn or replaced."""

    report = models.ForeignKey(Report, on_delete=models.PROTECT, related_name="publications")
    version = models.ForeignKey(ReportVersion, on_delete=models.PROTECT)
    document = models.ForeignKey(Document, null=True, on_delete=models.PROTECT)
    published_at = models.DateTimeField(auto_now_add=True)
    published_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        "accounts.User", null=True, on_delete=models.PROTECT, related_name="+"
    )
    withdrawn_reason = models.CharField(max_length=300, blank=True)


class PublicationView(models.Model):
    """Somebody read a publication: who, when, and which form of it. The department sees it beside the report (7.1)."""

    class Form(models.TextChoices):
        PAGE = "page", pgettext_lazy("form of a report", "on the page")
        PDF = "pdf", pgettext_lazy("form of a report", "as PDF")

    publication = models.ForeignKey(Publication, on_delete=models.PROTECT, related_name="views")
    user = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    form = models.CharField(max_length=4, choices=Form, default=Form.PAGE)

    class Meta:
        ordering = ["-id"]

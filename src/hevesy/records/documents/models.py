"""Paper: slips, labels, report PDFs, each kept as the bytes that were printed (clauses 2.3, 2.4, 6.7)."""

from __future__ import annotations

from django.db import models

from hevesy.foundation.files.models import StoredFile
from hevesy.records.exams.models import Exam


class Document(models.Model):
    """One made document; printing it again raises the count and is audited."""

    kind = models.CharField(max_length=20, db_index=True)
    exam = models.ForeignKey(Exam, null=True, on_delete=models.PROTECT, related_name="documents")
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT)
    language = models.CharField(max_length=10, default="zh-hans")
    facts = models.JSONField(
        default=dict, help_text="what it was made from: version numbers, hashes"
    )
    print_count = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)

"""Append-only audit rows, sealed into a hash chain (design §2.5; reliability §5.3)."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One act. Inserted in the business transaction; never changed, never deleted (database triggers)."""

    node = models.CharField(max_length=40)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=80)
    channel = models.CharField(max_length=10)
    station = models.CharField(max_length=60, blank=True)
    address = models.GenericIPAddressField(null=True)
    verb = models.CharField(max_length=60, db_index=True)
    outcome = models.CharField(max_length=10, default="ok")
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=70, blank=True)
    patient_id = models.BigIntegerField(null=True, db_index=True)
    details = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]

"""Append-only audit rows, sealed into a hash chain (design §2.5; reliability §5.3)."""

from __future__ import annotations

from django.db import models


class AuditEvent(models.Model):
    """One act. Inserted in the business transaction; never changed, never deleted (database triggers)."""

    node = models.CharField(max_length=40)
    at = models.DateTimeField(db_index=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True, db_index=True)
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
    nonce = models.CharField(  # noqa: DJ001 - null is not "": the row is from before rows had one
        max_length=32,
        null=True,
        help_text="random, so that two like acts of one microsecond are two rows",
    )
    mac = models.CharField(
        max_length=64,
        unique=True,
        help_text="HMAC-SHA-256 of the row: a row forged by SQL has none",
    )

    class Meta:
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_subject")]

    def __str__(self) -> str:
        return f"{self.pk} {self.verb}"


class AuditSeal(models.Model):
    """A link of the chain over audit rows, made by the clock a few seconds after them.

    `ranges` lists the row numbers it covers as closed intervals; numbers of transactions that rolled back, or that
    committed after a later number was sealed, are not in it.
    """

    number = models.BigIntegerField(primary_key=True)
    node = models.CharField(max_length=40)
    at = models.DateTimeField(db_index=True)
    first_id = models.BigIntegerField()
    last_id = models.BigIntegerField()
    ranges = models.JSONField()
    count = models.PositiveIntegerField()
    rows_sha256 = models.CharField(max_length=64)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, help_text="HMAC-SHA-256 over all of the above")

    def __str__(self) -> str:
        return str(self.number)


class Verification(models.Model):
    """The outcome of one check of all chains, shown to the auditor."""

    at = models.DateTimeField(auto_now_add=True)
    rows = models.BigIntegerField()
    findings = models.JSONField(default=list)

    def __str__(self) -> str:
        return str(self.at)

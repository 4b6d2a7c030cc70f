"""Checksummed files: photos, audio, PDF. The bytes lie in the object store, never in the database."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class StoredFile(models.Model):
    """One immutable blob. `key` is made by us (from the hash), never derived from what was received."""

    key = models.CharField(max_length=80, db_index=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    media_type = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=30, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return self.name

"""Registered PCs, screens, kiosks and paired phones: the timeline's "where"."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Station(models.Model):
    """A place where people or patients meet the system."""

    class Kind(models.TextChoices):
        PC = "pc", _("workstation")
        SCREEN = "screen", _("wall screen")
        KIOSK = "kiosk", _("kiosk")
        PHONE = "phone", _("phone")

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=10, choices=Kind)
    place = models.CharField(max_length=60, blank=True)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    settings = models.JSONField(
        default=dict, help_text="printers, scanner prefix, camera, speaker, topics"
    )
    active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

"""Registered PCs, screens, kiosks and paired phones: the timeline's "where"."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Station(models.Model):
    """A place where people or patients meet the system."""

    class Kind(models.TextChoices):
        PC = "pc", _("workstation")
        SCREEN = "screen", _("wall screen")
        KIOSK = "kiosk", _("kiosk")
        PHONE = "phone", _("phone")

    code = models.SlugField(pgettext_lazy("station", "code"), unique=True)
    name = models.CharField(_("name"), max_length=60)
    kind = models.CharField(pgettext_lazy("station", "kind"), max_length=10, choices=Kind)
    place = models.CharField(pgettext_lazy("station", "place"), max_length=60, blank=True)
    token_hash = models.CharField(max_length=64, blank=True, db_index=True)
    settings = models.JSONField(
        default=dict, help_text="printers, scanner prefix, camera, speaker, topics"
    )
    active = models.BooleanField(_("in use"), default=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash"],
                condition=~models.Q(token_hash=""),
                name="stations_one_browser_per_token",
            )
        ]

    def __str__(self) -> str:
        return self.name


class StationClaim(models.Model):
    """A one-time code with which a browser becomes this station."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"for {self.station_id}"

"""Devices with their network data and availability (clauses 1.8, 10.6, 10.7)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from hevesy.records.catalogue.models import ModalityClass, Named, Room


class Device(Named):
    """A scanner, workstation, dose calibrator …; with an AE title it is a known DICOM peer."""

    class Kind(models.TextChoices):
        SCANNER = "scanner", _("scanner")
        DICOM_NODE = "dicom_node", _("DICOM node")
        DOSE_CALIBRATOR = "dose_calibrator", _("dose calibrator")
        OTHER = "other", _("other")

    class Availability(models.TextChoices):
        IN_SERVICE = "in_service", _("in service")
        DOWN = "down", _("out of service")
        RETIRED = "retired", _("retired")

    kind = models.CharField(max_length=20, choices=Kind)
    modality_classes = models.ManyToManyField(ModalityClass, blank=True, related_name="devices")
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT)
    availability = models.CharField(
        max_length=12, choices=Availability, default=Availability.IN_SERVICE
    )
    maker = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=60, blank=True)
    serial_number = models.CharField(max_length=60, blank=True)
    service_phone = models.CharField(max_length=40, blank=True)
    installed_on = models.DateField(null=True, blank=True)
    host_name = models.CharField(max_length=80, blank=True)
    work_group = models.CharField(max_length=40, blank=True)
    ae_title = models.CharField(max_length=16, null=True, blank=True, unique=True)
    address = models.GenericIPAddressField(
        null=True, blank=True, help_text="empty: any address (not for production)"
    )
    port = models.PositiveIntegerField(null=True, blank=True)
    character_set = models.CharField(
        max_length=16, default="ISO_IR 192", help_text="Specific Character Set of our answers"
    )
    dicom_rights = models.JSONField(
        default=list, help_text="of: echo, store, worklist, mpps, query, retrieve, move, commit"
    )
    is_demo = models.BooleanField(default=False, help_text="made by the demo; no real peer")
    slot_min = models.PositiveSmallIntegerField(default=5, help_text="grid of its calendar")
    opens_at = models.TimeField(default="08:00")
    closes_at = models.TimeField(default="17:30")

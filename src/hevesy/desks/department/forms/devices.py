"""Devices, their network data and state of service."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from hevesy.desks.department.forms.base import LABELS, CodeOnce
from hevesy.records.catalogue.actions import NAMED
from hevesy.records.catalogue.models import (
    ModalityClass,
)
from hevesy.records.equipment.actions import CHARACTER_SETS, DICOM_RIGHTS, FIELDS
from hevesy.records.equipment.models import Device

RIGHTS = {
    "echo": gettext_lazy("test the connection (C-ECHO)"),
    "store": gettext_lazy("send images (C-STORE)"),
    "worklist": gettext_lazy("read the worklist"),
    "mpps": gettext_lazy("report performed steps (MPPS)"),
    "query": gettext_lazy("search the archive (C-FIND)"),
    "retrieve": gettext_lazy("fetch images (C-GET, C-MOVE to itself)"),
    "move": gettext_lazy("send images to other devices (C-MOVE)"),
    "commit": gettext_lazy("ask for storage commitment"),
}


class DeviceForm(CodeOnce):
    """A device with its network data and calendar."""

    field_order = (*NAMED, "kind", "modality_classes")

    dicom_rights = forms.MultipleChoiceField(
        label=gettext_lazy("May"),
        choices=[(right, RIGHTS[right]) for right in DICOM_RIGHTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    character_set = forms.ChoiceField(
        label=gettext_lazy("Character set of answers"), choices=[(c, c) for c in CHARACTER_SETS]
    )
    modality_classes = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Modality classes"),
        queryset=ModalityClass.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )

    class Meta:
        model = Device
        fields = (*FIELDS, "modality_classes")
        labels = LABELS | {
            "kind": gettext_lazy("Kind of device"),
            "room": gettext_lazy("Room"),
            "maker": gettext_lazy("Maker"),
            "model": gettext_lazy("Model"),
            "serial_number": gettext_lazy("Serial number"),
            "service_phone": gettext_lazy("Service telephone"),
            "installed_on": gettext_lazy("Installed on"),
            "host_name": gettext_lazy("Host name"),
            "work_group": gettext_lazy("Work group"),
            "ae_title": gettext_lazy("AE title"),
            "address": gettext_lazy("IP address"),
            "port": gettext_lazy("Port"),
            "slot_min": gettext_lazy("Grid of the calendar, min"),
            "opens_at": gettext_lazy("Works from"),
            "closes_at": gettext_lazy("until"),
        }
        widgets = {
            "opens_at": forms.TimeInput(format="%H:%M"),
            "closes_at": forms.TimeInput(format="%H:%M"),
            "installed_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }
        help_texts = {
            "address": gettext_lazy("Without an address any machine may use the AE title."),
            "slot_min": gettext_lazy("The grid of its calendar."),
            "closes_at": gettext_lazy("00:00 until 23:59 means day and night."),
        }


class ServiceForm(forms.Form):
    """In or out of service, and why."""

    availability = forms.ChoiceField(
        label=gettext_lazy("State of service"), choices=Device.Availability.choices
    )
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200)

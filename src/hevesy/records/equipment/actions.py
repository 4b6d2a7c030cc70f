"""Editing devices: a new one joins the network by a page, without code (clauses 1.8, 10.6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.equipment.models import Device

DICOM_RIGHTS = ("echo", "store", "worklist", "mpps", "query", "retrieve", "move", "commit")
CHARACTER_SETS = ("ISO_IR 192", "GB18030", "ISO_IR 100", "ISO_IR 6")
"""What answers to a device are encoded in; ISO_IR 6 sends pinyin only."""

FIELDS = (
    "code",
    "name_zh",
    "name_en",
    "sort",
    "active",
    "kind",
    "room",
    "maker",
    "model",
    "serial_number",
    "service_phone",
    "installed_on",
    "host_name",
    "work_group",
    "ae_title",
    "address",
    "port",
    "character_set",
    "dicom_rights",
    "slot_min",
    "opens_at",
    "closes_at",
)


class DeviceRefused(Refused):
    """The device was not written; the message says why."""


@transaction.atomic
def save_device(
    by: Actor,
    device: Device | None,
    values: Mapping[str, Any],
    *,
    modality_classes: list[Any] | None = None,
) -> Device:
    """Add (`device` None) or change a device. Its state of service is changed by `set_availability`."""
    by.require("equipment.edit")
    row = Device() if device is None else Device.objects.select_for_update().get(pk=device.pk)
    wanted = {name: values[name] for name in FIELDS if name in values}
    if not wanted.get("ae_title", "-"):
        wanted["ae_title"] = None
    changed = sorted(name for name, value in wanted.items() if getattr(row, name, None) != value)
    for name in changed:
        setattr(row, name, wanted[name])
    _check(row)
    row.save()
    if modality_classes is not None and set(row.modality_classes.all()) != set(modality_classes):
        row.modality_classes.set(modality_classes)
        changed.append("modality_classes")
    if changed or device is None:
        verb = "device.add" if device is None else "device.change"
        record(by, verb, row, code=row.code, changed=changed)
    return row


@transaction.atomic
def set_availability(by: Actor, device: Device, availability: str, reason: str) -> Device:
    """Take a device out of service or back into it. What was booked on it stays booked, to be rescheduled."""
    by.require("equipment.edit")
    if availability not in Device.Availability.values:
        raise DeviceRefused(_("Unknown state of service."))
    if not reason.strip():
        raise DeviceRefused(_("Please give a reason; it stands in the device's history."))
    row = Device.objects.select_for_update().get(pk=device.pk)
    before = row.availability
    row.availability = availability
    row.save(update_fields=["availability"])
    record(
        by,
        "device.availability",
        row,
        code=row.code,
        before=before,
        after=availability,
        reason=reason.strip()[:200],
    )
    return row


def _check(row: Device) -> None:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,39}", row.code or ""):
        raise DeviceRefused(_("A code has letters, digits, points and hyphens only."))
    others = Device.objects.exclude(pk=row.pk or 0)
    if others.filter(code=row.code).exists():
        raise DeviceRefused(_("The code %(code)s is taken.") % {"code": row.code})
    if not row.name_zh.strip() or not row.name_en.strip():
        raise DeviceRefused(_("Please enter the name in Chinese and English."))
    if row.ae_title is not None:
        # PS3.5 6.2: AE, 16 characters of the default repertoire without backslash and control characters.
        if not re.fullmatch(r"[ -\[\]-~]{1,16}", row.ae_title) or not row.ae_title.strip():
            raise DeviceRefused(_("An AE title has 1 to 16 ASCII characters without backslash."))
        if others.filter(ae_title=row.ae_title).exists():
            raise DeviceRefused(
                _("The AE title %(title)s belongs to another device.") % {"title": row.ae_title}
            )
    if row.port is not None and not 1 <= row.port <= 65535:
        raise DeviceRefused(_("A port lies between 1 and 65535."))
    if unknown := set(row.dicom_rights) - set(DICOM_RIGHTS):
        raise DeviceRefused(_("Unknown right: %(right)s.") % {"right": ", ".join(sorted(unknown))})
    if row.dicom_rights and row.ae_title is None:
        raise DeviceRefused(_("Rights need an AE title: by it the device is known."))
    if row.character_set not in CHARACTER_SETS:
        raise DeviceRefused(_("Please choose one of the character sets offered."))
    if not 1 <= row.slot_min <= 120:
        raise DeviceRefused(_("The grid of the calendar is 1 to 120 minutes."))
    if row.opens_at >= row.closes_at:
        raise DeviceRefused(_("The device must open before it closes."))

"""What people and devices ask the gateway to do on an association of its own: it is done by a job that tries again."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.gateways.dicom.jobs import forward, report_commitment
from hevesy.gateways.dicom.outgoing import known_device
from hevesy.records.archive.actions.leaving import note_leaving
from hevesy.records.archive.models import Instance, Study
from hevesy.records.equipment.models import Device


class ForwardRefused(Refused):
    """The images are not sent; the message says why."""


@transaction.atomic
def forward_study(by: Actor, study: Study, device: Device) -> None:
    """Send all objects of a study to a device of our table by C-STORE; on record before they leave.

    Raises `ForwardRefused` where the device cannot be called, `PermissionRefused` without `archive.view`.
    """
    by.require("archive.view")
    if known_device(device.ae_title or "") is None:
        raise ForwardRefused(_("Enter the AE title, the address and the port, and save first."))
    count = Instance.objects.filter(series__study=study).count()
    note_leaving(by, [study.pk] * count, to=device.ae_title or "", how="C-STORE")
    forward.enqueue(study_id=study.pk, device_id=device.pk)


@transaction.atomic
def ask_commitment(
    by: Actor, device: Device, transaction_uid: str, references: Sequence[tuple[str, str]]
) -> None:
    """Have the named objects (SOP class, SOP instance) checked, and tell the device (PS3.4 annex J)."""
    by.require("archive.view")
    record(by, "archive.commit", device, transaction=transaction_uid, objects=len(references))
    report_commitment.enqueue(
        device_id=device.pk,
        transaction_uid=transaction_uid,
        references=[list(one) for one in references],
    )

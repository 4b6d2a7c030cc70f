"""Who may associate with us, and for what: only known devices, from their own address, for what they have rights to."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.db import transaction

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.equipment.models import Device

PERMISSIONS: Final = {
    "store": ("archive.store",),
    "mpps": ("exams.acquire",),
    "worklist": ("exams.view",),
    "query": ("archive.view",),
    "retrieve": ("archive.view",),
    "move": ("archive.view",),
    "commit": ("archive.view",),
}
"""What a device's right lets its actor do in the record."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An A-ASSOCIATE-RJ (PS3.8 §9.3.4) with the reason for our own log."""

    result: int
    source: int
    diagnostic: int
    why: str


CALLED_UNKNOWN: Final = Rejection(1, 1, 7, "called AE title is not ours")
CALLING_UNKNOWN: Final = Rejection(1, 1, 3, "calling AE title is not known")
ADDRESS_DIFFERS: Final = Rejection(1, 1, 3, "known AE title from another address")
RETIRED: Final = Rejection(1, 1, 3, "the device is retired")
FULL: Final = Rejection(2, 3, 2, "too many associations")
CONGESTED: Final = Rejection(2, 3, 1, "the database cannot be reached")


def admit(called: str, calling: str, address: str) -> Device | Rejection:
    """The device that may associate, or why not."""
    if called.strip() != settings.AE_TITLE:
        return CALLED_UNKNOWN
    device = Device.objects.filter(ae_title=calling.strip(), active=True).first()
    if device is None or not calling.strip():
        return CALLING_UNKNOWN
    if device.availability == Device.Availability.RETIRED:
        return RETIRED
    if device.address and ip_address(device.address) != plain(address):
        return ADDRESS_DIFFERS
    return device


def plain(address: str) -> object:
    """The address of a peer; an IPv4 one that arrives on an IPv6 socket as IPv4."""
    parsed = ip_address(address.split("%")[0])
    return getattr(parsed, "ipv4_mapped", None) or parsed


def actor_of(device: Device, address: str) -> Actor:
    """The device as the one who acts: it may do what its rights say, and no more."""
    rights = device.dicom_rights
    permissions = {code for right in rights for code in PERMISSIONS.get(right, ())}
    return Actor(
        name=f"dicom:{device.ae_title}",
        channel="dicom",
        address=str(plain(address)),
        permissions=frozenset(permissions),
    )


def audit_rejection(rejection: Rejection, called: str, calling: str, address: str) -> None:
    """Write down who was turned away at the door."""
    stranger = Actor(name=f"dicom:{label(calling)}", channel="dicom", address=str(plain(address)))
    with transaction.atomic():
        record(
            stranger,
            "dicom.reject",
            outcome="refused",
            called=label(called),
            calling=label(calling),
            why=rejection.why,
        )


def label(ae_title: str) -> str:
    """An AE title from the wire as a label: printable, at most 16 characters."""
    return "".join(letter for letter in ae_title if letter.isprintable())[:16]

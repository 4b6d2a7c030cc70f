"""The devices a new installation starts with. Network data and the demo's node are made for the demo only."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import time
from importlib.resources import files
from typing import Any

from django.conf import settings
from django.db import transaction

from hevesy.records.catalogue.models import ModalityClass, Room
from hevesy.records.equipment.models import Device

DICOM_RIGHTS = ("echo", "store", "worklist", "mpps", "query", "retrieve", "commit")
LOOPBACK = "127.0.0.1"


@transaction.atomic
def seed() -> Iterator[str]:
    """Make the devices that are missing; return what was made in short lines."""
    made = sum(_make(sort, row) for sort, row in enumerate(_rows(), 1))
    return iter([f"{made} devices"] if made else [])


def _rows() -> list[dict[str, Any]]:
    text = files(__package__).joinpath("seeds", "devices.toml").read_text("utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(text)["device"]
    return [row for row in rows if settings.DEMO or not row.get("demo")]


def _make(sort: int, row: dict[str, Any]) -> bool:
    network: dict[str, Any] = {}
    if settings.DEMO:
        # A demonstration is looked at at any hour, and its day lies around that hour.
        network = {"opens_at": time(0, 0), "closes_at": time(23, 59)}
    if settings.DEMO and "ae" in row:
        # A demo's peers are on this machine; nobody else may pass for them.
        network |= {
            "ae_title": row["ae"],
            "address": LOOPBACK,
            "port": row.get("port"),
            "dicom_rights": list(DICOM_RIGHTS),
        }
    device, new = Device.objects.get_or_create(
        code=row["code"],
        defaults={
            "name_zh": row["zh"],
            "name_en": row["en"],
            "sort": sort,
            "kind": row["kind"],
            "room": Room.objects.filter(code=row.get("room", "")).first(),
            "is_demo": bool(row.get("demo")),
        }
        | network,
    )
    if new:
        device.modality_classes.set(ModalityClass.objects.filter(code__in=row.get("classes", ())))
    return new

"""The delivered service points, phrases and wall screen; what a site has changed stays."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from hevesy.records.catalogue.models import ModalityClass, Room
from hevesy.records.equipment.models import Device
from hevesy.records.queues.models import Phrase, Screen, ServicePoint


def seed() -> Iterable[str]:
    """Make what is missing: a point for interview and injection, one for the scanners of each modality class."""
    text = files("hevesy.records.queues").joinpath("seeds/queues.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)
    made = [
        *_points(rows["point"]),
        *_scanner_points(rows["scanner_prefixes"]),
    ]
    for sort, phrase in enumerate(rows["phrase"]):
        _row, new = Phrase.objects.get_or_create(
            code=phrase["code"], defaults={**phrase, "sort": sort}
        )
        made += ["phrase"] * new
    for screen in rows["screen"]:
        row, new = Screen.objects.get_or_create(code=screen["code"], defaults=screen)
        if new:
            row.service_points.set(ServicePoint.objects.all())
            made.append("screen")
    return [f"queues: {len(made)} service points, phrases and screens"] if made else []


def _points(rows: Iterable[dict[str, Any]]) -> list[str]:
    made = []
    for sort, row in enumerate(rows):
        point, new = ServicePoint.objects.get_or_create(
            code=row["code"], defaults={**row, "sort": sort}
        )
        if new:
            point.rooms.set(Room.objects.filter(kind=row["kind"], active=True))
            made.append(point.code)
    return made


def _scanner_points(prefixes: dict[str, str]) -> list[str]:
    made = []
    taken = set(ServicePoint.objects.values_list("prefix", flat=True))
    # A room has one queue: who comes for a picture after therapy waits with the others of that scanner.
    queued = set(
        ServicePoint.objects.filter(kind=ServicePoint.Kind.SCANNER).values_list("rooms", flat=True)
    )
    for sort, kind in enumerate(ModalityClass.objects.filter(active=True), start=10):
        devices = Device.objects.filter(modality_classes=kind, kind=Device.Kind.SCANNER)
        rooms = set(devices.exclude(room=None).values_list("room", flat=True)) - queued
        if not rooms:
            continue
        prefix = prefixes.get(kind.code.lower().replace("-", "").replace("_", ""), "S")
        letters = (letter for letter in [prefix, *"SVWXYKLMNQR"] if letter not in taken)
        point, new = ServicePoint.objects.get_or_create(
            code=f"scan-{kind.code.lower()}"[:40],
            defaults={
                "name_zh": f"{kind.name_zh} 检查",
                "name_en": f"{kind.name_en} acquisition",
                "kind": ServicePoint.Kind.SCANNER,
                "prefix": next(letters, prefix),
                "purpose_zh": "检查",
                "purpose_en": "for the scan",
                "sort": sort,
            },
        )
        if new:
            taken.add(point.prefix)
            queued |= rooms
            point.rooms.set(rooms)
            point.modality_classes.add(kind)
            made.append(point.code)
    return made

"""Headers of stored objects as DICOM JSON, and the values too large for it (PS3.18 annex F)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from pydicom import DataElement, Dataset
from pydicom.tag import BaseTag

from hevesy.gateways.dicomweb.door import RequestRefused
from hevesy.imaging.dicomio import ImageRefused, read_dataset
from hevesy.records.archive.models import Instance
from hevesy.records.archive.queries import instance_path

LARGEST_INLINE_BYTES = 4096
PIXELS: Final = (0x7FE00008, 0x7FE00009, 0x7FE00010)
PIXEL_TAG = "7FE00010"
Address = Callable[[str], str]


def path_of(instance: Instance) -> str:
    """The address of an instance below the root of the gateway."""
    series = instance.series
    return (
        f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )


def metadata(instance: Instance, address: Address) -> dict[str, Any]:
    """The header as DICOM JSON; what is large is named by its address. Raises `ImageRefused`."""
    dataset = read_dataset(instance_path(instance), with_pixels=False)
    bulk = f"{path_of(instance)}/bulkdata/"
    try:
        text = _as_json(dataset, lambda where: address(bulk + where), "")
    except Exception as fault:
        # Values are parsed when they are read, and a damaged one may raise anything.
        raise ImageRefused("unreadable", type(fault).__name__) from fault
    text.setdefault("00083002", {"vr": "UI", "Value": [instance.transfer_syntax_uid]})
    if instance.rows:
        text[PIXEL_TAG] = {"vr": "OW", "BulkDataURI": address(bulk + PIXEL_TAG)}
    return text


def _as_json(dataset: Dataset, address: Address, path: str) -> dict[str, Any]:
    text: dict[str, Any] = {}
    for element in dataset:
        if element.tag in PIXELS and not path:
            continue
        key = f"{element.tag:08X}"
        if element.VR == "SQ":
            items = [
                _as_json(item, address, f"{path}{key}/{place}/")
                for place, item in enumerate(element.value or [])
            ]
            text[key] = {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
        elif isinstance(element.value, bytes) and len(element.value) > LARGEST_INLINE_BYTES:
            text[key] = {"vr": element.VR, "BulkDataURI": address(path + key)}
        else:
            one = _element(element)
            if one is not None:
                text[key] = one
    return text


def _element(element: DataElement) -> dict[str, Any] | None:
    alone = Dataset()
    alone.add(element)
    written = alone.to_json_dict(suppress_invalid_tags=True)
    return next(iter(written.values()), None)


def bulk_value(instance: Instance, where: str) -> bytes:
    """The bytes of one value, by its path: `00880200/0/7FE00010`. Raises `RequestRefused`."""
    if not re.fullmatch(r"[0-9A-Fa-f]{8}(/\d{1,5}/[0-9A-Fa-f]{8}){0,16}", where):
        raise RequestRefused("a path is tags and item numbers: 00880200/0/7FE00010")
    keys = where.split("/")
    dataset = read_dataset(instance_path(instance), with_pixels=False)
    try:
        for tag, item in zip(keys[:-1:2], keys[1:-1:2], strict=True):
            dataset = dataset[BaseTag(int(tag, 16))].value[int(item)]
        value = dataset[BaseTag(int(keys[-1], 16))].value
    except (KeyError, IndexError, TypeError) as missing:
        raise RequestRefused("there is no such value", 404) from missing
    if not isinstance(value, bytes):
        raise RequestRefused("there is no such value", 404)
    return value

"""Headers and frames of stored instances, read with limits (WADO-RS metadata and frames)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydicom import Dataset
from pydicom.encaps import generate_frames
from pydicom.tag import BaseTag
from pydicom.uid import UID

from hevesy.imaging.dicomio import decode_pixels, read_dataset
from hevesy.records.archive.models import Instance
from hevesy.records.archive.queries import instance_path

LARGEST_INLINE_BYTES = 4096
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


def instance_metadata(instance: Instance, address: Callable[[str], str]) -> dict[str, Any]:
    """The header as DICOM JSON without bulk data; pixel data is named by the address of its frames."""
    dataset = read_dataset(instance_path(instance))
    series = instance.series
    frames = (
        f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}/frames/1"
    )
    text: dict[str, Any] = _without_bulk(dataset).to_json_dict(suppress_invalid_tags=True)
    if instance.rows:
        text["7FE00010"] = {"vr": "OW", "BulkDataURI": address(frames)}
    return text


def _without_bulk(dataset: Dataset) -> Dataset:
    for element in list(dataset):
        value = element.value
        if element.tag in PIXELS or (
            isinstance(value, bytes) and len(value) > LARGEST_INLINE_BYTES
        ):
            del dataset[BaseTag(element.tag)]
    return dataset


def frames_of(instance: Instance, numbers: Sequence[int], *, raw: bool) -> tuple[str, list[bytes]]:
    """Media type and the bytes of the asked frames.

    `raw`: uncompressed little endian. Otherwise compressed frames travel as they are stored.
    """
    syntax = UID(instance.transfer_syntax_uid)
    dataset = read_dataset(instance_path(instance))
    if syntax.is_compressed and syntax.is_encapsulated and not raw:
        every = list(generate_frames(dataset.PixelData, number_of_frames=instance.frames))
        return f"image/x-dicom; transfer-syntax={syntax}", [every[number - 1] for number in numbers]
    pixels = decode_pixels(dataset)
    stack = pixels.reshape(instance.frames, -1) if instance.frames > 1 else pixels.reshape(1, -1)
    little = stack.astype(stack.dtype.newbyteorder("<"), copy=False)
    return "application/octet-stream", [little[number - 1].tobytes() for number in numbers]

"""Objects written anew in a transfer syntax that every receiver reads. Runs in the child process only."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import UID

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, check_pixels, read_dataset
from hevesy.imaging.dicomio.guards import transfer_syntax as syntax_of
from hevesy.imaging.dicomio.refusal import ImageRefused

_WORDS: Final = {"OW": "u2", "OF": "u4", "OL": "u4", "OD": "u8", "OV": "u8"}


def write_plain(
    source: Path, target: Path, transfer_syntax_uid: str, *, limits: Limits = DEFAULT_LIMITS
) -> None:
    """Write an object uncompressed, in implicit or explicit VR little endian; its UIDs stay.

    Compressed pixels are decoded within `limits`; lossy ones lose nothing more. Raises `ImageRefused`.
    """
    dataset = read_dataset(source, limits=limits)
    stored = syntax_of(dataset)
    try:
        if stored.is_private:
            raise ImageRefused("unsupported_transfer_syntax", str(stored))
        if stored.is_encapsulated and "PixelData" in dataset:
            check_pixels(dataset, limits=limits)
            dataset.decompress(generate_instance_uid=False)
        elif not stored.is_little_endian:
            meta = dataset.file_meta
            dataset = _little(dataset)
            dataset.file_meta = meta
        dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax_uid)
        dcmwrite(target, dataset, enforce_file_format=True)
    except (ImageRefused, MemoryError):
        raise
    except Exception as error:
        # Decoders and pydicom's writer have exceptions of their own; to the caller they are one reason.
        raise ImageRefused("undecodable", f"{type(error).__name__}: {error}"[:160]) from error


def _little(dataset: Dataset) -> Dataset:
    """A big endian data set as a new one whose words are little endian."""
    fresh = Dataset()
    for element in dataset:
        if element.VR == "SQ":
            fresh.add_new(element.tag, "SQ", Sequence(_little(item) for item in element.value))
            continue
        kind = _WORDS.get(element.VR)
        value = element.value
        if kind and isinstance(value, bytes):
            value = np.frombuffer(value, f">{kind}").astype(f"<{kind}").tobytes()
        fresh.add_new(element.tag, element.VR, value)
    return fresh


def write_each(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """`paths` to 0.dcm, 1.dcm … in `folder`; the answer names for each what it was refused for, or nothing."""
    limits = Limits(**request["limits"])
    refused = []
    for place, path in enumerate(request["paths"]):
        try:
            write_plain(Path(path), folder / f"{place}.dcm", request["syntax"], limits=limits)
            refused.append("")
        except ImageRefused as refusal:
            refused.append(refusal.key)
    return {"refused": refused}

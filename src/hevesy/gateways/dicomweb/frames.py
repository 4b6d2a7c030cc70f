"""Frames of stored objects: cut out of the file where they lie open, decoded in a child process where they do not."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from pydicom.encaps import generate_frames
from pydicom.filereader import read_partial
from pydicom.uid import UID

from hevesy.gateways.dicomweb.accept import EXPLICIT_LITTLE, FRAME_TYPES, OCTETS
from hevesy.gateways.dicomweb.door import RequestRefused
from hevesy.imaging.dicomio import ChildLimits, ImageRefused, decode_frames_sandboxed
from hevesy.records.archive.models import Instance
from hevesy.records.archive.queries import instance_path

PIXEL_ELEMENTS: Final = (0x7FE00008, 0x7FE00009, 0x7FE00010)
OPEN: Final = ("1.2.840.10008.1.2", EXPLICIT_LITTLE)
"""Transfer syntaxes whose frames lie in the file as they are sent: little endian, not compressed."""
DECODERS = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) // 2))
"""Decoding takes a processor; pages keep the others."""
WAIT_S = 20.0
CHILD = ChildLimits(memory_bytes=3 * 1024**3, processor_s=60, wall_s=90.0)


@dataclass(frozen=True, slots=True)
class Frames:
    """Media type and transfer syntax of the parts, and their bytes one after another."""

    media_type: str
    transfer_syntax: str
    contents: Iterator[bytes]


def frames_of(instance: Instance, numbers: Sequence[int], *, compressed: bool) -> Frames:
    """The frames `numbers` (from 1). `compressed`: as they are stored; else uncompressed little endian.

    Raises `ImageRefused` when the pixels cannot be read, `RequestRefused` (503) when too many are being decoded.
    """
    if instance.hindrance:
        raise ImageRefused("bad_pixel_attributes", instance.hindrance)
    syntax = UID(instance.transfer_syntax_uid)
    path = instance_path(instance)
    if compressed and syntax in FRAME_TYPES:
        return Frames(FRAME_TYPES[syntax], syntax, _encapsulated(path, numbers))
    if syntax in OPEN:
        return Frames(OCTETS, EXPLICIT_LITTLE, _native(path, numbers))
    return Frames(OCTETS, EXPLICIT_LITTLE, iter(_decoded(path, numbers)))


def _decoded(path: Path, numbers: Sequence[int]) -> list[bytes]:
    once = sorted(set(numbers))
    if not DECODERS.acquire(timeout=WAIT_S):
        raise RequestRefused("too many images are being decoded; ask again in a moment", 503)
    try:
        frames = decode_frames_sandboxed(path, [number - 1 for number in once], child=CHILD)
    finally:
        DECODERS.release()
    kept = dict(zip(once, frames, strict=True))
    return [kept[number] for number in numbers]


def _at_pixels(file: BinaryIO) -> Any:
    """The header, and the file standing at the first byte of the pixel element's value."""
    header = read_partial(file, stop_when=lambda tag, _vr, _length: tag in PIXEL_ELEMENTS)
    start = file.read(12)
    if len(start) < 12:
        raise ImageRefused("no_pixels")
    implicit, little = header.original_encoding
    if not little or struct.unpack_from("<H", start)[0] != 0x7FE0:
        raise ImageRefused("no_pixels")
    if implicit:
        file.seek(-4, os.SEEK_CUR)
    return header


def _native(path: Path, numbers: Sequence[int]) -> Iterator[bytes]:
    with path.open("rb") as file:
        header = _at_pixels(file)
        start = file.tell()
        bits = (
            int(header.Rows)
            * int(header.Columns)
            * int(header.get("SamplesPerPixel") or 1)
            * int(header.BitsAllocated)
        )
        for number in numbers:
            first = bits * (number - 1)
            file.seek(start + first // 8)
            length = (first % 8 + bits + 7) // 8
            content = file.read(length)
            if len(content) != length:
                raise ImageRefused("pixels_truncated")
            yield content if not (first % 8 or bits % 8) else _shifted(content, first % 8, bits)


def _shifted(content: bytes, first: int, bits: int) -> bytes:
    """One frame of single bits that does not begin or end at a byte; padded with zeros (PS3.5 §8.1.1)."""
    loose = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")[first : first + bits]
    return np.packbits(loose, bitorder="little").tobytes()


def _encapsulated(path: Path, numbers: Sequence[int]) -> Iterator[bytes]:
    """In the order asked for; the file is read once and no further than the last of them."""
    wanted, last = set(numbers), max(numbers)
    kept: dict[int, bytes] = {}
    with path.open("rb") as file:
        header = _at_pixels(file)
        count = int(header.get("NumberOfFrames") or 1)
        for number, content in enumerate(generate_frames(file, number_of_frames=count), start=1):
            if number in wanted:
                kept[number] = content
            if number >= last:
                break
    for number in numbers:
        if number not in kept:
            raise ImageRefused("pixels_truncated")
        yield kept[number]

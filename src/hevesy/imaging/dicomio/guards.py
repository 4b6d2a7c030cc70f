"""Checks before anything is inflated or decoded: stated sizes, and the sizes inside codestreams.

A file of a kilobyte may state 65535 x 65535 pixels, a deflated one may expand a thousandfold, and
a JPEG 2000 header may ask the decoder for another size than the data set states. Each check reads
headers only and refuses with a named reason (`ImageRefused`).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID, RLELossless

from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_NATIVE: Final = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", _DEFLATED}
_JPEG_2000: Final = {
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.201",
    "1.2.840.10008.1.2.4.202",
    "1.2.840.10008.1.2.4.203",
}
_JPEG: Final = {
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What is read at most. The clinical maximum known is far below each.

    file_bytes: one file. decoded_bytes: all pixels of one read. inflated_bytes: a deflated data
    set; beyond 64 MiB it may also not exceed inflated_ratio times its compressed size.
    """

    rows: int = 16384
    columns: int = 16384
    frames: int = 20000
    decoded_bytes: int = 3 * 1024**3 // 2
    file_bytes: int = 2 * 1024**3
    inflated_bytes: int = 1024**3
    inflated_ratio: int = 200
    tiles: int = 16384


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """What the header states about its pixels, checked."""

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    @property
    def decoded_bytes(self) -> int:
        """Bytes of all frames when decoded."""
        bits = self.rows * self.columns * self.frames * self.samples * self.bits_allocated
        return (bits + 7) // 8


def read_dataset(
    path: str | Path, *, limits: Limits = DEFAULT_LIMITS, with_pixels: bool = True
) -> Dataset:
    """Read a DICOM file after checking that it does not inflate beyond the limits.

    Without pixels, what stands before them alone is read: a header of a large object costs little.
    Raises `ImageRefused`: no_such_file, unreadable, file_too_large, inflates_too_far, nested_too_deep.
    """
    path = Path(path)
    with refusing_what_pydicom_cannot_parse():
        try:
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise ImageRefused("no_such_file", path.name) from None
        if size > limits.file_bytes:
            raise ImageRefused("file_too_large", f"{size} bytes")
        _check_inflation(path, limits)
        # force: scanners and archives exist that write no preamble; what is no DICOM at all then
        # yields an empty data set.
        dataset = dcmread(path, force=True, stop_before_pixels=not with_pixels)
        if "SOPClassUID" not in dataset:
            raise ImageRefused("unreadable", "no SOP Class UID")
        return dataset


def _check_inflation(path: Path, limits: Limits) -> None:
    with path.open("rb") as file:
        head = file.read(4096)
        if head[128:132] != b"DICM" or _DEFLATED.encode() not in head:
            return
        # File meta information is explicit little endian and begins with its own length.
        tag_group, tag_element, _, _, meta_length = struct.unpack_from("<HH2sHI", head, 132)
        if (tag_group, tag_element) != (2, 0):
            raise ImageRefused("unreadable", "no group length in the file meta information")
        file.seek(144 + meta_length)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        taken = inflated = 0
        while chunk := file.read(1 << 16):
            taken += len(chunk)
            while chunk:
                inflated += len(inflater.decompress(chunk, 1 << 20))
                chunk = inflater.unconsumed_tail
                if inflated > limits.inflated_bytes or (
                    inflated > 64 * 1024**2 and inflated > limits.inflated_ratio * taken
                ):
                    raise ImageRefused("inflates_too_far", f"{inflated} bytes from {taken}")
            if inflater.eof:
                break


def checked_format(dataset: Dataset, *, limits: Limits = DEFAULT_LIMITS) -> PixelFormat:
    """Read and check the stated pixel format. Raises `ImageRefused`."""
    if "Rows" not in dataset and "PixelData" not in dataset:
        raise ImageRefused("no_pixels")
    try:
        stated = PixelFormat(
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            frames=int(dataset.get("NumberOfFrames") or 1),
            samples=int(dataset.get("SamplesPerPixel") or 1),
            bits_allocated=int(dataset.BitsAllocated),
            bits_stored=int(dataset.get("BitsStored") or dataset.BitsAllocated),
            signed=int(dataset.get("PixelRepresentation") or 0) == 1,
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ImageRefused("bad_pixel_attributes", str(error)[:80]) from error
    detail = f"{stated.columns} x {stated.rows} x {stated.frames}"
    if min(stated.rows, stated.columns, stated.frames) < 1:
        raise ImageRefused("bad_pixel_attributes", detail)
    if stated.samples not in (1, 3) or stated.bits_allocated not in (1, 8, 16, 32, 64):
        raise ImageRefused(
            "bad_pixel_attributes", f"{stated.samples} samples of {stated.bits_allocated} bits"
        )
    if not 1 <= stated.bits_stored <= stated.bits_allocated:
        raise ImageRefused("bad_pixel_attributes", f"{stated.bits_stored} bits stored")
    if (
        stated.rows > limits.rows
        or stated.columns > limits.columns
        or stated.frames > limits.frames
        or stated.decoded_bytes > limits.decoded_bytes
    ):
        raise ImageRefused("too_many_pixels", detail)
    return stated


def check_pixels(dataset: Dataset, *, limits: Limits = DEFAULT_LIMITS) -> PixelFormat:
    """Check stated format and the pixel data's own headers, before any decoding.

    Raises `ImageRefused` naming what is wrong. Returns the format.
    """
    stated = checked_format(dataset, limits=limits)
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        keyword = "FloatPixelData" if "FloatPixelData" in dataset else "DoubleFloatPixelData"
        if len(dataset[keyword].value or b"") < stated.decoded_bytes:
            raise ImageRefused("pixels_truncated")
        return stated
    data = dataset.get("PixelData")
    if not data:
        raise ImageRefused("no_pixels")
    syntax = transfer_syntax(dataset)
    if syntax in _NATIVE:
        if len(data) < stated.decoded_bytes:
            raise ImageRefused("pixels_truncated", f"{len(data)} of {stated.decoded_bytes} bytes")
        return stated
    try:
        for frame in generate_frames(data, number_of_frames=stated.frames):
            _check_frame(frame, syntax, stated, limits)
    except ImageRefused:
        raise
    except (ValueError, EOFError, struct.error, IndexError) as error:
        raise ImageRefused("codestream_unreadable", type(error).__name__) from error
    return stated


def transfer_syntax(dataset: Dataset) -> UID:
    """Transfer syntax of the data set; implicit little endian where the file names none."""
    meta: Any = getattr(dataset, "file_meta", None)
    named = meta.get("TransferSyntaxUID") if meta is not None else None
    return UID(named or "1.2.840.10008.1.2")


def _check_frame(frame: bytes, syntax: UID, stated: PixelFormat, limits: Limits) -> None:
    if syntax == RLELossless:
        _check_rle(frame, stated)
        return
    if syntax in _JPEG_2000:
        width, height, samples = _jpeg_2000_size(frame, limits)
    elif syntax in _JPEG:
        width, height, samples = _jpeg_size(frame)
    else:
        raise ImageRefused("unsupported_transfer_syntax", str(syntax))
    if (width, height, samples) != (stated.columns, stated.rows, stated.samples):
        raise ImageRefused(
            "codestream_mismatch",
            f"codestream {width} x {height} x {samples}, "
            f"header {stated.columns} x {stated.rows} x {stated.samples}",
        )


def _check_rle(frame: bytes, stated: PixelFormat) -> None:
    """The 64-byte header of PS3.5 Annex G: number of segments, then their offsets."""
    if len(frame) < 64:
        raise ImageRefused("codestream_unreadable", "RLE header")
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != stated.samples * stated.bits_allocated // 8:
        raise ImageRefused("codestream_mismatch", f"{count} RLE segments")
    used = offsets[:count]
    if used[:1] != [64] or used != sorted(set(used)) or used[-1] >= len(frame):
        raise ImageRefused("codestream_unreadable", "RLE offsets")


def _jpeg_2000_size(frame: bytes, limits: Limits) -> tuple[int, int, int]:
    """Width, height and components of the SIZ marker (ISO/IEC 15444-1, A.5.1)."""
    start = frame.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0 or len(frame) < start + 44:
        raise ImageRefused("codestream_unreadable", "no SIZ marker")
    x, y, x0, y0, tile_x, tile_y, tile_x0, tile_y0, samples = struct.unpack_from(
        ">8IH", frame, start + 8
    )
    if not (x > x0 and y > y0 and tile_x and tile_y and tile_x0 <= x0 and tile_y0 <= y0):
        raise ImageRefused("codestream_unreadable", "SIZ marker")
    tiles = -(-(x - tile_x0) // tile_x) * -(-(y - tile_y0) // tile_y)
    if tiles > limits.tiles:
        raise ImageRefused("too_many_pixels", f"{tiles} tiles")
    return x - x0, y - y0, samples


def _jpeg_size(frame: bytes) -> tuple[int, int, int]:
    """Width, height and components of the frame header (ISO/IEC 10918-1 SOFn, 14495-1 SOF55)."""
    stream = BytesIO(frame)
    if stream.read(2) != b"\xff\xd8":
        raise ImageRefused("codestream_unreadable", "no SOI marker")
    while True:
        marker = stream.read(2)
        while marker == b"\xff\xff":
            marker = b"\xff" + stream.read(1)
        if len(marker) < 2 or marker[0] != 0xFF or marker[1] == 0xDA:
            raise ImageRefused("codestream_unreadable", "no frame header")
        (length,) = struct.unpack(">H", stream.read(2))
        if marker[1] == 0xF7 or (0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC)):
            _, height, width, samples = struct.unpack(">BHHB", stream.read(6))
            return width, height, samples
        if length < 2:
            raise ImageRefused("codestream_unreadable", "marker length")
        stream.seek(length - 2, 1)

"""AVI files, written here: they need no video program, and old slide programs play them.

RIFF AVI 1.0 as Microsoft's "AVI RIFF File Reference" describes it: one stream of Motion JPEG, or of
uncompressed 24-bit bitmaps, whose decoded frames equal the frames given.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from hevesy.imaging.refusal import Refused

# Sizes and places are 32-bit numbers, which many players read as signed.
_LARGEST_BYTES: Final = 2_000_000_000
_HAS_INDEX, _KEY_FRAME = 0x10, 0x10
_JPEG_QUALITY: Final = 95
# Chroma halved across only: what every Motion JPEG decoder knows.
_JPEG_SUBSAMPLING: Final = "4:2:2"


def write_avi(
    path: Path, frames: npt.NDArray[np.uint8], *, fps: float, lossless: bool = False
) -> None:
    """Write frames (n, rows, columns, 3) as Motion JPEG, or uncompressed where `lossless`.

    Raises `Refused` "movie_too_large" past the 2 GB that the format can hold.
    """
    count, rows, columns, _ = frames.shape
    bodies = list(_bitmaps(frames) if lossless else _jpegs(frames))
    total = sum(len(body) + 24 for body in bodies)
    if total > _LARGEST_BYTES:
        raise Refused(
            "movie_too_large",
            "The movie is larger than an AVI file can hold; choose the compressed kind, MP4, or"
            " fewer frames.",
            "影片超过 AVI 文件的容量上限；请选择压缩格式或 MP4，或减少帧数。",
            f"{total} bytes",
        )
    rate = Fraction(fps).limit_denominator(1000)
    largest = max(len(body) for body in bodies)
    handler, kind = (b"DIB ", b"00db") if lossless else (b"MJPG", b"00dc")
    main = struct.pack(
        "<14I",
        round(1e6 / fps), int(largest * fps), 0, _HAS_INDEX, count, 0, 1, largest, columns, rows,
        0, 0, 0, 0,
    )  # fmt: skip
    stream = struct.pack(
        "<4s4sIHHIIIIIIIIhhhh",
        b"vids", handler, 0, 0, 0, 0, rate.denominator, rate.numerator, 0, count, largest,
        0xFFFFFFFF, 0, 0, 0, columns, rows,
    )  # fmt: skip
    bitmap = struct.pack(
        "<IiiHH4sIiiII",
        40, columns, rows, 1, 24, bytes(4) if lossless else b"MJPG", rows * _stride(columns),
        0, 0, 0, 0,
    )  # fmt: skip
    header = _list(
        b"hdrl",
        _chunk(b"avih", main),
        _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", bitmap)),
    )
    chunks, index, place = [], [], 4
    for body in bodies:
        chunks.append(_chunk(kind, body))
        index.append(struct.pack("<4sIII", kind, _KEY_FRAME, place, len(body)))
        place += len(chunks[-1])
    inside = (b"AVI ", header, _list(b"movi", *chunks), _chunk(b"idx1", b"".join(index)))
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", sum(len(part) for part in inside)))
        file.writelines(inside)


def _jpegs(frames: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    for frame in frames:
        body = io.BytesIO()
        Image.fromarray(frame).save(
            body, "JPEG", quality=_JPEG_QUALITY, subsampling=_JPEG_SUBSAMPLING
        )
        yield body.getvalue()


def _bitmaps(frames: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    """Rows from below, blue first, each row filled up to four bytes."""
    _, rows, columns, _ = frames.shape
    bitmap = np.zeros((rows, _stride(columns)), dtype=np.uint8)
    for frame in frames:
        bitmap[:, : 3 * columns] = frame[::-1, :, ::-1].reshape(rows, 3 * columns)
        yield bitmap.tobytes()


def _stride(columns: int) -> int:
    return (3 * columns + 3) // 4 * 4


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _list(name: bytes, *parts: bytes) -> bytes:
    body = name + b"".join(parts)
    return b"LIST" + struct.pack("<I", len(body)) + body

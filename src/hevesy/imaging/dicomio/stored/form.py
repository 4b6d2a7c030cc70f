"""The packed form of a stored object, and the proof that the received data set comes back (PS3.5 §8.2, §A.4).

A packed file is a DICOM file like any other: preamble, file meta information, the elements as they were, the pixels
in a lossless transfer syntax, one fragment a frame. What the way back needs stands in Private Information
(0002,0102): so that the file gives back what was received also where no database is left.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.filereader import read_partial

from hevesy.imaging.dicomio.stored.codecs import (
    CODECS,
    DEFLATE,
    DEFLATED_TRANSFER_SYNTAX,
    Codec,
    Plane,
)
from hevesy.imaging.dicomio.stored.representation import Irregular, to_explicit, to_implicit

CREATOR: Final = "2.25.302391377826446925193286012046210527934"
"""Ours, made once from a UUID: says whose Private Information follows."""
LARGEST_BYTES: Final = 512 * 1024**2
"""Larger objects stay as they are: they are read and written whole here."""
SMALLEST_GAIN_BYTES: Final = 4096
"""A block of the disk: less is no gain."""
LARGEST_INFLATED: Final = 2 * LARGEST_BYTES
_IMPLICIT: Final = "1.2.840.10008.1.2"
_EXPLICIT: Final = "1.2.840.10008.1.2.1"
_PIXELS: Final = 0x7FE00010
_AT_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009, _PIXELS))
_HEAD_BYTES: Final = 144
"""Preamble, prefix and the group length: the file meta information follows."""


class NotPacked(ValueError):
    """The object stays as it was received. `reason` says why, in one word."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed file, and the SHA-256 of the data set that it was proved to give back."""

    content: bytes
    data_set_sha256: str


def pack_file(source: Path, target: Path, codec: str) -> dict[str, Any]:
    """Pack one stored file into `target`; what became of it. For the child process: never raises `NotPacked`."""
    if source.stat().st_size > LARGEST_BYTES:
        return {"packed": False, "reason": "too_large"}
    try:
        made = pack(source.read_bytes(), codec)
    except NotPacked as left:
        return {"packed": False, "reason": left.reason}
    target.write_bytes(made.content)
    return {"packed": True, "size": len(made.content), "sha256": made.data_set_sha256}


def pack(file: bytes, codec: str) -> Packed:
    """Pack a file that the archive wrote (zero preamble, our file meta information, the received data set).

    Raises `NotPacked` for what is compressed already, has no pixels that the codec takes, would not become smaller,
    or would not come back byte for byte.
    """
    offset = _end_of_meta(file)
    syntax = _meta(file).get(0x0010, b"").rstrip(b"\0 ").decode("ascii", "replace")
    if syntax not in (_IMPLICIT, _EXPLICIT):
        raise NotPacked("transfer_syntax")
    body = file[offset:]
    sha256 = hashlib.sha256(body).hexdigest()
    notes: dict[str, Any] = {
        "codec": codec,
        "head": base64.b64encode(file[132:offset]).decode(),
        "implicit": syntax == _IMPLICIT,
        "sha256": sha256,
    }
    try:
        content = (
            _deflated(file, body, notes)
            if codec == DEFLATE
            else _encapsulated(file, body, notes, CODECS[codec])
        )
        if len(content) > len(file) - SMALLEST_GAIN_BYTES:
            raise NotPacked("not_smaller")
        # Every pixel and every other byte, by the way that readers go.
        if not _gives_back(content, file):
            raise NotPacked("not_reproducible")
    except Irregular:
        raise NotPacked("irregular") from None
    return Packed(content, sha256)


def _gives_back(content: bytes, file: bytes) -> bool:
    try:
        return unpack(content) == file
    except NotPacked:
        return False


def _deflated(file: bytes, body: bytes, notes: dict[str, Any]) -> bytes:
    import imagecodecs

    explicit = to_explicit(body, signed=False) if notes["implicit"] else body
    stream = bytes(imagecodecs.deflate_encode(explicit, level=6, raw=True))
    return _head(file, DEFLATED_TRANSFER_SYNTAX, notes) + stream + b"\0" * (len(stream) % 2)


def _encapsulated(file: bytes, body: bytes, notes: dict[str, Any], codec: Codec) -> bytes:
    layout = _Layout.of(body, implicit=notes["implicit"])
    streams, lengths = [], []
    for plane in layout.planes(body):
        stream = codec.encode(plane, layout.bits_stored)
        lengths.append(len(stream))
        streams.append(stream + b"\0" * (len(stream) % 2))
    before, after = body[: layout.start], body[layout.stop :]
    if notes["implicit"]:
        before = to_explicit(before, signed=layout.signed)
        after = to_explicit(after, signed=layout.signed)
    notes |= {
        "before": len(before),
        "after": len(after),
        "pixel_head": base64.b64encode(body[layout.start : layout.value]).decode(),
        "padding": base64.b64encode(layout.padding(body)).decode(),
        "shape": [layout.rows, layout.columns],
        "dtype": layout.dtype.str,
        "bits": layout.bits_stored,
        "frames": lengths,
    }
    return b"".join(
        (
            _head(file, codec.transfer_syntax_uid, notes),
            before,
            struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF),
            _item(_offset_table(streams)),
            *(_item(stream) for stream in streams),
            struct.pack("<HHL", 0xFFFE, 0xE0DD, 0),
            after,
        )
    )


def _item(content: bytes) -> bytes:
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content


def _offset_table(streams: list[bytes]) -> bytes:
    offsets, at = [], 0
    for stream in streams:
        offsets.append(at)
        at += 8 + len(stream)
    return b"" if len(streams) == 1 else struct.pack(f"<{len(offsets)}L", *offsets)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the pixels of an open data set lie, and how."""

    start: int
    value: int
    stop: int
    rows: int
    columns: int
    frames: int
    dtype: np.dtype[Any]
    bits_stored: int
    signed: bool

    @classmethod
    def of(cls, body: bytes, *, implicit: bool) -> _Layout:
        # A head of ours, so that pydicom knows the representation and does not guess it.
        head = _plain_head(implicit)
        file = BytesIO(head + body)
        try:
            header = read_partial(file, stop_when=lambda tag, _vr, _length: tag in _AT_PIXELS)
            start = file.tell() - len(head)
            if struct.unpack_from("<HH", body, start) != (_PIXELS >> 16, _PIXELS & 0xFFFF):
                raise NotPacked("no_pixels")
            attributes = (
                int(header.Rows),
                int(header.Columns),
                int(header.get("NumberOfFrames") or 1),
                int(header.get("SamplesPerPixel") or 1),
                int(header.BitsAllocated),
                int(header.get("BitsStored") or header.BitsAllocated),
                int(header.get("PixelRepresentation") or 0),
                int(header.get("HighBit") or int(header.get("BitsStored") or 0) - 1),
            )
        except NotPacked:
            raise
        except Exception as error:
            raise NotPacked("no_pixels") from error
        rows, columns, frames, samples, allocated, stored, signed, high = attributes
        value = start + (8 if implicit else 12)
        length = struct.unpack_from("<L", body, value - 4)[0]
        regular = samples == 1 and allocated in (8, 16) and 0 < stored <= allocated
        if not regular or high != stored - 1 or not (rows and columns and frames > 0):
            raise NotPacked("pixel_format")
        wanted = rows * columns * frames * allocated // 8
        if length == 0xFFFFFFFF or length - wanted not in (0, 1) or value + length > len(body):
            raise NotPacked("pixel_length")
        dtype = np.dtype(f"<{'i' if signed else 'u'}{allocated // 8}")
        return cls(start, value, value + length, rows, columns, frames, dtype, stored, bool(signed))

    def planes(self, body: bytes) -> Plane:
        """All frames: (frames, rows, columns)."""
        count = self.frames * self.rows * self.columns
        flat = np.frombuffer(body, dtype=self.dtype, count=count, offset=self.value)
        return flat.reshape(self.frames, self.rows, self.columns)

    def padding(self, body: bytes) -> bytes:
        """What follows the last frame inside the element."""
        used = self.frames * self.rows * self.columns * self.dtype.itemsize
        return body[self.value + used : self.stop]


def _plain_head(implicit: bool) -> bytes:
    syntax = (_IMPLICIT if implicit else _EXPLICIT).encode()
    syntax += b"\0" * (len(syntax) % 2)
    element = struct.pack("<HH2sH", 0x0002, 0x0010, b"UI", len(syntax)) + syntax
    return bytes(128) + b"DICM" + _group_length(element) + element


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so is one that `pack` made."""
    try:
        return _meta(head).get(0x0100, b"").rstrip(b"\0") == CREATOR.encode()
    except (NotPacked, struct.error):
        return False


def unpack(content: bytes) -> bytes:
    """The file as it was before it was packed. Raises `NotPacked` if it was not, or is damaged."""
    try:
        meta = _meta(content)
        notes = json.loads(meta[0x0102].rstrip(b"\0 "))
        offset = _end_of_meta(content)
        head = bytes(128) + b"DICM" + base64.b64decode(notes["head"])
        body = _body(content, offset, notes)
    except NotPacked:
        raise
    except Exception as error:
        raise NotPacked("damaged") from error
    if hashlib.sha256(body).hexdigest() != notes["sha256"]:
        raise NotPacked("damaged")
    return head + body


def _body(content: bytes, offset: int, notes: dict[str, Any]) -> bytes:
    if notes["codec"] == DEFLATE:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        explicit = inflater.decompress(content[offset:], LARGEST_INFLATED)
        if not inflater.eof:
            raise NotPacked("damaged")
        return to_implicit(explicit) if notes["implicit"] else explicit
    codec = CODECS[notes["codec"]]
    shape, dtype = tuple(notes["shape"]), np.dtype(notes["dtype"])
    before = content[offset : offset + notes["before"]]
    at = offset + notes["before"] + 12
    at += 8 + struct.unpack_from("<L", content, at + 4)[0]
    frames = []
    for length in notes["frames"]:
        stream = content[at + 8 : at + 8 + length]
        frames.append(codec.decode(stream, shape, dtype, notes["bits"]).tobytes())
        at += 8 + length + length % 2
    after = content[at + 8 : at + 8 + notes["after"]]
    if notes["implicit"]:
        before, after = to_implicit(before), to_implicit(after)
    pixel_head = base64.b64decode(notes["pixel_head"])
    return b"".join((before, pixel_head, *frames, base64.b64decode(notes["padding"]), after))


def _group_length(elements: bytes) -> bytes:
    return struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(elements))


def _end_of_meta(file: bytes) -> int:
    if len(file) < _HEAD_BYTES or file[128:138] != b"DICM" + struct.pack("<HH2s", 2, 0, b"UL"):
        raise NotPacked("not_ours")
    end = _HEAD_BYTES + int(struct.unpack_from("<L", file, 140)[0])
    if end > len(file):
        raise NotPacked("not_ours")
    return end


def _meta(file: bytes) -> dict[int, bytes]:
    """The raw values of group 0002 by element number."""
    at, values = _HEAD_BYTES, dict[int, bytes]()
    end = _end_of_meta(file)
    while at < end:
        group, number, vr, length = struct.unpack_from("<HH2sH", file, at)
        if group != 2:
            raise NotPacked("not_ours")
        at += 8
        if vr in (b"OB", b"UN"):
            length = struct.unpack_from("<L", file, at)[0]
            at += 4
        values[number] = bytes(file[at : at + length])
        at += length
    return values


def _head(file: bytes, transfer_syntax_uid: str, notes: dict[str, Any]) -> bytes:
    """The file meta information of `file` with another transfer syntax and our notes."""
    values = _meta(file) | {
        0x0010: _even(transfer_syntax_uid.encode(), b"\0"),
        0x0100: _even(CREATOR.encode(), b"\0"),
        0x0102: _even(json.dumps(notes, separators=(",", ":")).encode(), b" "),
    }
    elements = b"".join(
        struct.pack("<HH2sHL", 2, number, b"OB", 0, len(value)) + value
        if number in (0x0001, 0x0102)
        else struct.pack("<HH2sH", 2, number, b"SH" if number == 0x0013 else b"UI", len(value))
        + value
        for number, value in sorted(values.items())
    )
    return bytes(128) + b"DICM" + _group_length(elements) + elements


def _even(value: bytes, padding: bytes) -> bytes:
    return value + padding * (len(value) % 2)

"""The DICOM file around a data set (PS3.10 §7): read it from strangers with limits, write our own.

What is stored is our preamble of zeros and our file meta information, then the received data set, byte for byte.
A preamble from outside is never kept: it may be a program (CVE-2019-11687).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from hevesy.records.archive.scan import Bytes, Unreadable, scan
from hevesy.records.archive.uids import is_uid

IMPLEMENTATION_CLASS_UID: Final = "2.25.98868893717270811839056548995785412203"
"""Ours, made once from a UUID; it never changes, so that equal data sets make equal files."""
IMPLEMENTATION_VERSION_NAME: Final = "HEVESY"
_MAXIMUM_META: Final = 64 * 1024


def file_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Preamble, prefix and file meta information for a data set. The same three UIDs give the same bytes."""
    elements = b"".join(
        (
            struct.pack("<HH2sHL", 0x0002, 0x0001, b"OB", 0, 2) + b"\0\1",
            _text(0x0002, b"UI", sop_class_uid, b"\0"),
            _text(0x0003, b"UI", sop_instance_uid, b"\0"),
            _text(0x0010, b"UI", transfer_syntax_uid, b"\0"),
            _text(0x0012, b"UI", IMPLEMENTATION_CLASS_UID, b"\0"),
            _text(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME, b" "),
        )
    )
    length = struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(elements))
    return bytes(128) + b"DICM" + length + elements


def _text(number: int, representation: bytes, value: str, padding: bytes) -> bytes:
    raw = value.encode("ascii", "replace")
    raw += padding * (len(raw) % 2)
    return struct.pack("<HH2sH", 0x0002, number, representation, len(raw)) + raw


@dataclass(frozen=True, slots=True)
class DataSetPlace:
    """Where the data set of a file begins and how it is encoded."""

    offset: int
    transfer_syntax_uid: str


def locate_data_set(data: Bytes) -> DataSetPlace:
    """Find the data set in the bytes of a file, with or without preamble and file meta information.

    Raises `Unreadable` if it is no DICOM file.
    """
    start = 132 if bytes(data[128:132]) == b"DICM" else 0
    end = _end_of_meta(data, start)
    if end == start:
        return DataSetPlace(start, _guess_syntax(data, start))
    meta = scan(data, implicit=False, wanted=[(0x00020010,)], start=start, stop=end)
    syntax = meta.values.get((0x00020010,), b"").rstrip(b"\0 ").decode("latin-1")
    if syntax and not is_uid(syntax):
        raise Unreadable("invalid_transfer_syntax_uid")
    return DataSetPlace(end, syntax or _guess_syntax(data, end))


def _end_of_meta(data: Bytes, position: int) -> int:
    """The offset behind the elements of group 0002: its group length may be wrong or missing."""
    limit = min(len(data), position + _MAXIMUM_META)
    while position + 8 <= limit and bytes(data[position : position + 2]) == b"\2\0":
        if bytes(data[position + 4 : position + 6]) in (b"OB", b"UN", b"OW", b"UT"):
            if position + 12 > limit:
                break
            position += 12 + struct.unpack_from("<L", data, position + 8)[0]
        else:
            position += 8 + struct.unpack_from("<H", data, position + 6)[0]
    if position > limit:
        raise Unreadable("truncated")
    return position


def _guess_syntax(data: Bytes, position: int) -> str:
    """The transfer syntax of a data set that does not say: by its first element, as every reader does."""
    if len(data) < position + 8:
        raise Unreadable("not_dicom")
    little, big = (struct.unpack_from(order + "HH", data, position) for order in "<>")
    representation = bytes(data[position + 4 : position + 6])
    explicit = representation.isalpha() and representation.isupper()
    if 0 < little[0] <= 0x0020:
        return str(ExplicitVRLittleEndian if explicit else ImplicitVRLittleEndian)
    if 0 < big[0] <= 0x0020 and explicit:
        return str(ExplicitVRBigEndian)
    raise Unreadable("not_dicom")

"""Implicit value representation made explicit and back, byte for byte, where that is possible (PS3.5 §7.1, §7.5).

Encapsulated pixels exist only with explicit representation. Many scanners send implicit. What a reader sees is the
same; whether the way back gives the very bytes is proved by the caller with the hash of the whole.
"""

from __future__ import annotations

import struct
from typing import Final

from pydicom.datadict import DicomDictionary

UNDEFINED: Final = 0xFFFFFFFF
LONG_FORM: Final = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_DEEPEST: Final = 32
_AMBIGUOUS: Final = {"OB or OW": b"OW", "US or OW": b"OW", "US or SS or OW": b"OW"}


class Irregular(ValueError):
    """The elements are not laid out as the standard says; they are left as they are."""


def to_explicit(data: bytes, *, signed: bool) -> bytes:
    """A list of elements with implicit representation as explicit; `signed`: Pixel Representation is 1."""
    out = bytearray()
    end = _convert(data, 0, len(data), out, 0, explicit=False, signed=signed)
    if end != len(data):
        raise Irregular
    return bytes(out)


def to_implicit(data: bytes) -> bytes:
    """The reverse."""
    out = bytearray()
    end = _convert(data, 0, len(data), out, 0, explicit=True, signed=False)
    if end != len(data):
        raise Irregular
    return bytes(out)


def _convert(
    data: bytes, at: int, end: int, out: bytearray, depth: int, *, explicit: bool, signed: bool
) -> int:
    """Convert the elements of `data[at:end]`, or up to an item's delimiter; where they end."""
    if depth > _DEEPEST:
        raise Irregular
    try:
        while at < end:
            tag = _tag(data, at)
            if tag == _ITEM_END and depth:
                return at
            vr, length, value = _head(data, at, explicit, tag, signed)
            if length != UNDEFINED and value + length > end:
                raise Irregular
            at = _element(data, value, end, out, depth, tag, vr, length, explicit, signed)
    except struct.error:
        raise Irregular from None
    return at


def _tag(data: bytes, at: int) -> int:
    group, number = struct.unpack_from("<HH", data, at)
    return int(group) << 16 | int(number)


def _head(data: bytes, at: int, explicit: bool, tag: int, signed: bool) -> tuple[bytes, int, int]:
    """Representation, length, and where the value begins."""
    if not explicit:
        length = struct.unpack_from("<L", data, at + 4)[0]
        return _representation(tag, length, signed), length, at + 8
    vr = bytes(data[at + 4 : at + 6])
    if vr in LONG_FORM:
        return vr, struct.unpack_from("<L", data, at + 8)[0], at + 12
    if not (vr.isalpha() and vr.isupper()):
        raise Irregular
    return vr, struct.unpack_from("<H", data, at + 6)[0], at + 8


def _representation(tag: int, length: int, signed: bool) -> bytes:
    """What the dictionary says; UN for what it does not know, and for a value that its length field cannot tell."""
    entry = DicomDictionary.get(tag)
    if entry is None:
        return b"UL" if tag & 0xFFFF == 0 and length == 4 else b"UN"
    name = entry[0]
    if name == "US or SS":
        name = "SS" if signed else "US"
    vr = _AMBIGUOUS.get(name) or name.encode("ascii")
    if len(vr) != 2 or (length == UNDEFINED and vr != b"SQ"):
        return b"UN"
    return b"UN" if vr not in LONG_FORM and length > 0xFFFF else vr


def _element(
    data: bytes,
    value: int,
    end: int,
    out: bytearray,
    depth: int,
    tag: int,
    vr: bytes,
    length: int,
    explicit: bool,
    signed: bool,
) -> int:
    """Write one element in the other representation; where it ends in `data`."""
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        head += vr + (b"\0\0" if vr in LONG_FORM else b"")
    wide = explicit or vr in LONG_FORM
    if vr != b"SQ":
        # UN of undefined length is a sequence with implicit representation inside (PS3.5 §6.2.2): the same in both.
        stop = _after_sequence(data, value, end, depth) if length == UNDEFINED else value + length
        out += head + struct.pack("<L" if wide else "<H", length) + data[value:stop]
        return stop
    inner = bytearray()
    stop = _items(data, value, length, end, inner, depth, explicit, signed)
    out += head + struct.pack("<L", UNDEFINED if length == UNDEFINED else len(inner)) + inner
    return stop


def _items(
    data: bytes,
    at: int,
    length: int,
    end: int,
    out: bytearray,
    depth: int,
    explicit: bool,
    signed: bool,
) -> int:
    """Convert the items of a sequence; where it ends, behind its delimiter if it has one."""
    stop = end if length == UNDEFINED else at + length
    while at < stop:
        tag, size = _tag(data, at), struct.unpack_from("<L", data, at + 4)[0]
        if tag == _SEQUENCE_END and length == UNDEFINED:
            out += data[at : at + 8]
            return at + 8
        if tag != _ITEM:
            raise Irregular
        inner = bytearray()
        item_end = stop if size == UNDEFINED else at + 8 + size
        if item_end > stop:
            raise Irregular
        closed = _convert(
            data, at + 8, item_end, inner, depth + 1, explicit=explicit, signed=signed
        )
        out += data[at : at + 4] + struct.pack("<L", UNDEFINED if size == UNDEFINED else len(inner))
        out += inner
        if size == UNDEFINED:
            if _tag(data, closed) != _ITEM_END:
                raise Irregular
            out += data[closed : closed + 8]
            closed += 8
        elif closed != item_end:
            raise Irregular
        at = closed
    if length == UNDEFINED:
        raise Irregular
    return at


def _after_sequence(data: bytes, at: int, end: int, depth: int) -> int:
    """Where a sequence of undefined length with implicit content ends."""
    return _items(data, at, UNDEFINED, end, bytearray(), depth, False, False)

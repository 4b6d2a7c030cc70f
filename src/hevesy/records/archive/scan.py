"""One bounded walk over the elements of a data set: no recursion, no allocation by what a length field claims.

The archive must look into objects from strangers before it answers. pydicom recurses into sequences and inflates
deflated data sets without a limit (1.5 MB became 3 GiB), so the archive walks the bytes itself, keeps the values
it was asked for, and refuses what it cannot walk (DICOM PS3.5 §7).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field
from mmap import mmap
from typing import Final

from pydicom.datadict import DicomDictionary

Bytes = bytes | bytearray | mmap
Path = tuple[int, ...]
"""Tags from the top to an element: `(0x00540016, 0x00181074)`; of a sequence the first item is meant."""

MAXIMUM_DEPTH: Final = 32
MAXIMUM_ELEMENTS: Final = 500_000
MAXIMUM_VALUE: Final = 4096
"""Bytes kept of one value: more than any name, description or code has."""
MAXIMUM_HEADER: Final = 64 * 1024 * 1024
"""Bytes of a deflated data set that are inflated to be read; what follows is counted and thrown away."""
MAXIMUM_INFLATED: Final = 1024 * 1024 * 1024
MAXIMUM_RATIO: Final = 200

PIXEL_DATA: Final = 0x7FE00010
FLOAT_PIXELS: Final = frozenset((0x7FE00008, 0x7FE00009))
_ITEM: Final = 0xFFFEE000
_ITEM_END: Final = 0xFFFEE00D
_SEQUENCE_END: Final = 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_FORM: Final = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_FRAGMENT: Final = struct.Struct("<HHL")
_IDENTIFYING: Final = frozenset(((0x00080016,), (0x00080018,), (0x0020000D,), (0x0020000E,)))
_BYTES_FORM: Final = frozenset((b"OB", b"OW", b"OF", b"OD", b"OL", b"OV"))


class Unreadable(Exception):
    """The bytes are not a data set that can be walked. `reason` is a key of `refusals.REASONS`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(slots=True)
class Scan:
    """What a walk found: the raw values that were wanted, and where the pixels lie."""

    little_endian: bool = True
    values: dict[Path, bytes] = field(default_factory=dict)
    representations: dict[Path, bytes] = field(default_factory=dict)
    pixel_offset: int | None = None
    pixel_length: int | None = None
    encapsulated: bool = False
    float_pixels: bool = False
    elements: int = 0


@dataclass(slots=True)
class _Container:
    """An open sequence or item: where it ends (None: at its delimiter), and how its content is encoded."""

    end: int | None
    is_item: bool
    implicit: bool
    path: Path
    items: int = 0
    wanted: bool = False


def scan(
    data: Bytes,
    *,
    implicit: bool,
    little_endian: bool = True,
    wanted: Collection[Path],
    start: int = 0,
    stop: int | None = None,
    open_ended: bool = False,
) -> Scan:
    """Walk the elements of `data[start:stop]` and keep the raw values of the `wanted` paths.

    `open_ended`: more bytes exist behind `stop` than were given, so a last value may run over the end.
    Raises `Unreadable` when the bytes end early, nest too deeply, hold too many elements or make no sense.
    """
    wanted = frozenset(wanted)
    sequences = frozenset(path[:n] for path in wanted for n in range(1, len(path)))
    order = "<" if little_endian else ">"
    tag_of = struct.Struct(order + "HH").unpack_from
    long_of = struct.Struct(order + "L").unpack_from
    short_of = struct.Struct(order + "H").unpack_from
    found = Scan(little_endian=little_endian)
    stack: list[_Container] = []
    position, limit, top_implicit = start, len(data) if stop is None else stop, implicit
    elements = 0
    try:
        while True:
            while stack and (end := stack[-1].end) is not None and position >= end:
                # A sloppy inner length may run over its container: the container's own length is trusted.
                position = end
                stack.pop()
            if position >= limit:
                break
            elements += 1
            if elements > MAXIMUM_ELEMENTS:
                raise Unreadable("too_many_elements")
            group, number = tag_of(data, position)
            tag = group << 16 | number
            if group == 0xFFFE:
                length = long_of(data, position + 4)[0]
                position += 8
                if tag == _ITEM:
                    if not stack or stack[-1].is_item:
                        raise Unreadable("broken_nesting")
                    sequence = stack[-1]
                    sequence.items += 1
                    if len(stack) >= 2 * MAXIMUM_DEPTH:
                        raise Unreadable("too_deep")
                    stack.append(
                        _Container(
                            None if length == _UNDEFINED else position + length,
                            True,
                            sequence.implicit,
                            sequence.path,
                            wanted=sequence.wanted and sequence.items == 1,
                        )
                    )
                elif tag == _ITEM_END:
                    if not stack or not stack[-1].is_item:
                        raise Unreadable("broken_nesting")
                    stack.pop()
                elif tag == _SEQUENCE_END:
                    while stack and stack[-1].is_item:
                        stack.pop()
                    if not stack:
                        raise Unreadable("broken_nesting")
                    stack.pop()
                else:
                    raise Unreadable("broken_nesting")
                continue
            container = stack[-1] if stack else None
            if container is not None and not container.is_item:
                raise Unreadable("broken_nesting")
            element_implicit = top_implicit if container is None else container.implicit
            representation: bytes | None
            if element_implicit:
                representation = None
                length = long_of(data, position + 4)[0]
                header = 8
            else:
                representation = bytes(data[position + 4 : position + 6])
                if representation in _LONG_FORM:
                    length = long_of(data, position + 8)[0]
                    header = 12
                elif representation.isalpha() and representation.isupper():
                    length = short_of(data, position + 6)[0]
                    header = 8
                else:
                    # An element without a representation in an explicit data set: some writers slip back.
                    representation = None
                    length = long_of(data, position + 4)[0]
                    header = 8
            value = position + header
            path = (tag,) if container is None else (*container.path, tag)
            if length == _UNDEFINED:
                if tag == PIXEL_DATA or representation in _BYTES_FORM:
                    if tag == PIXEL_DATA and container is None:
                        found.pixel_offset, found.encapsulated = value, True
                        if open_ended:
                            break
                    position = _after_fragments(data, value, limit)
                    if tag == PIXEL_DATA and container is None:
                        found.pixel_length = position - value
                    continue
                # UN of undefined length holds an implicit little endian sequence (PS3.5 §6.2.2).
                inner = element_implicit or representation in (None, b"UN")
                end = None
            else:
                end = value + length
                if tag == PIXEL_DATA and container is None:
                    found.pixel_offset, found.pixel_length = value, length
                    if open_ended:
                        break
                if end > limit:
                    if open_ended and container is None:
                        break
                    raise Unreadable("truncated")
                inner = element_implicit or representation is None
                found.float_pixels |= tag in FLOAT_PIXELS
            is_sequence = (
                end is None
                or representation == b"SQ"
                or (representation is None and _is_sequence_tag(tag))
            )
            if is_sequence:
                if len(stack) >= 2 * MAXIMUM_DEPTH:
                    raise Unreadable("too_deep")
                reachable = container is None or container.wanted
                stack.append(
                    _Container(end, False, inner, path, wanted=reachable and path in sequences)
                )
                position = value
                continue
            assert end is not None
            if path in wanted and (container is None or container.wanted):
                raw = bytes(data[value : min(end, value + MAXIMUM_VALUE)])
                if path in _IDENTIFYING and found.values.get(path, raw) != raw:
                    # Two readers would file such an object under two names.
                    raise Unreadable("ambiguous")
                found.values[path] = raw
                if representation is not None:
                    found.representations[path] = representation
            position = end
    except struct.error:
        if stack or not (open_ended or not any(data[position:limit])):
            raise Unreadable("truncated") from None
    if not open_ended and any(container.end is None for container in stack):
        raise Unreadable("truncated")
    found.elements = elements
    return found


def _is_sequence_tag(tag: int) -> bool:
    """Whether the data dictionary knows `tag` as a sequence; private ones of defined length are not walked."""
    entry = DicomDictionary.get(tag)
    return entry is not None and entry[0] == "SQ"


def _after_fragments(data: Bytes, position: int, limit: int) -> int:
    """Where encapsulated fragments end: jumps from item to item, never looks into one (PS3.5 §A.4)."""
    while True:
        group, number, length = _FRAGMENT.unpack_from(data, position)
        tag = group << 16 | number
        position += 8
        if tag == _SEQUENCE_END:
            return position
        if tag != _ITEM or length == _UNDEFINED:
            raise Unreadable("broken_fragments")
        position += length
        if position > limit:
            raise Unreadable("truncated")


@dataclass(frozen=True, slots=True)
class Inflated:
    """The beginning of an inflated data set; whether that is all; whether the whole is too large to open."""

    head: bytes
    complete: bool
    excessive: bool


def inflate_header(data: Bytes, start: int = 0) -> Inflated:
    """Inflate at most `MAXIMUM_HEADER` bytes of a deflated data set, and count the rest without keeping it.

    It is excessive beyond `MAXIMUM_INFLATED`, or when it grew more than `MAXIMUM_RATIO`-fold beyond the size of
    any header. Raises `Unreadable` on a stream that is broken or ends early.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    head = bytearray()
    total, step, position, pending = 0, 1024 * 1024, start, b""
    try:
        while not inflater.eof:
            if not pending:
                pending = bytes(data[position : position + step])
                position += len(pending)
                if not pending:
                    raise Unreadable("truncated")
            piece = inflater.decompress(pending, step)
            pending = inflater.unconsumed_tail
            total += len(piece)
            head += piece[: MAXIMUM_HEADER - len(head)]
            consumed = max(1, position - start - len(pending))
            if total > MAXIMUM_INFLATED or (
                total > MAXIMUM_HEADER and total > MAXIMUM_RATIO * consumed
            ):
                return Inflated(bytes(head), complete=False, excessive=True)
    except zlib.error:
        raise Unreadable("broken_deflate") from None
    return Inflated(bytes(head), complete=total == len(head), excessive=False)

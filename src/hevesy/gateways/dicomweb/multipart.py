"""multipart/related, both ways, without holding a study in memory (PS3.18 §8.7)."""

from __future__ import annotations

import mmap
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

from hevesy.gateways.dicomweb.door import RequestRefused

LARGEST_BOUNDARY = 70
"""RFC 2046 §5.1.1."""
LARGEST_PART_HEADER = 8192
MOST_PARTS = 20_000
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Media type of one part and the bytes between its header and the next boundary."""

    media_type: str
    start: int
    end: int


def boundary_of(content_type: str) -> bytes:
    """The boundary parameter of a Content-Type header."""
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != "multipart/related":
        raise RequestRefused('send multipart/related; type="application/dicom"', 415)
    inner = str(message.get_param("type") or "application/dicom").lower()
    if inner != "application/dicom":
        raise RequestRefused(f"parts of type {inner[:60]} are not taken here", 415)
    boundary = message.get_param("boundary")
    if (
        not isinstance(boundary, str)
        or not 0 < len(boundary) <= LARGEST_BOUNDARY
        or not boundary.isascii()
    ):
        raise RequestRefused("the boundary is missing or too long")
    return boundary.encode()


def parts(body: mmap.mmap, boundary: bytes) -> Iterator[Part]:
    """The parts of a body that lies in a file. An empty part is left out."""
    mark = b"--" + boundary
    at = _next_mark(body, mark, 0)
    if at < 0:
        raise RequestRefused("no boundary in the body")
    for _count in range(MOST_PARTS):
        after = at + len(mark)
        if body[after : after + 2] == b"--":
            return
        line_end = body.find(b"\r\n", after, after + 256)
        if line_end < 0:
            raise RequestRefused("a boundary does not end its line")
        # The line break before a boundary belongs to the boundary (RFC 2046 §5.1.1).
        following = _next_mark(body, b"\r\n" + mark, line_end)
        if following < 0:
            raise RequestRefused("the body ends within a part")
        head_end = body.find(
            b"\r\n\r\n", line_end, min(line_end + LARGEST_PART_HEADER, following + 4)
        )
        if head_end < 0 and following - line_end > LARGEST_PART_HEADER:
            raise RequestRefused("the header of a part is too long")
        if head_end >= 0 and head_end + 4 < following:
            header = body[line_end:head_end].decode("latin-1")
            found = re.search(r"^content-type:\s*([^;\r\n]+)", header, re.IGNORECASE | re.MULTILINE)
            media_type = found.group(1).strip().lower() if found else ""
            yield Part(media_type, head_end + 4, following)
        at = following + 2
    raise RequestRefused(f"more than {MOST_PARTS} parts: send them in several requests", 413)


def _next_mark(body: mmap.mmap, mark: bytes, start: int) -> int:
    """Where `mark` stands from `start` on as a whole boundary, not as the beginning of a longer one; -1: nowhere."""
    at = body.find(mark, start)
    while at >= 0:
        ending = body[at + len(mark) : at + len(mark) + 2]
        if ending in (b"--", b"\r\n") or ending[:1] in (b" ", b"\t"):
            return at
        at = body.find(mark, at + 1)
    return -1


def new_boundary() -> str:
    """A boundary that no content contains by chance."""
    return f"hevesy-{secrets.token_hex(16)}"


def related(boundary: str, parts_with_types: Iterable[tuple[str, BinaryIO]]) -> Iterator[bytes]:
    """The pieces of a multipart/related body, one part per stream; each stream is closed when it is read."""
    for media_type, stream in parts_with_types:
        yield f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
        with stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()

"""multipart/related, both ways, without holding a study in memory (PS3.18 §8.7)."""

from __future__ import annotations

import mmap
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

LARGEST_BOUNDARY = 70
"""RFC 2046 §5.1.1."""
LARGEST_PART_HEADER = 8192
PIECE_BYTES = 1 << 20


class MultipartRefused(ValueError):
    """The body is not multipart/related as the standard asks; answered with 400."""


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
        raise MultipartRefused('Content-Type must be multipart/related; type="application/dicom"')
    boundary = message.get_param("boundary")
    if (
        not isinstance(boundary, str)
        or not 0 < len(boundary) <= LARGEST_BOUNDARY
        or not boundary.isascii()
    ):
        raise MultipartRefused("the boundary is missing or too long")
    return boundary.encode()


def parts(body: mmap.mmap, boundary: bytes) -> Iterator[Part]:
    """The parts of a body that lies in a file. An empty part is left out."""
    mark = b"--" + boundary
    at = body.find(mark)
    if at < 0:
        raise MultipartRefused("no boundary in the body")
    while True:
        after = at + len(mark)
        if body[after : after + 2] == b"--":
            return
        line_end = body.find(b"\r\n", after, after + 256)
        if line_end < 0:
            raise MultipartRefused("a boundary does not end its line")
        head_end = body.find(b"\r\n\r\n", line_end, line_end + LARGEST_PART_HEADER)
        following = body.find(b"\r\n" + mark, line_end)
        if head_end < 0 or following < 0 or following < head_end:
            if following >= 0 and (head_end < 0 or following < head_end):
                at = following + 2
                continue
            raise MultipartRefused("the body ends within a part")
        header = body[line_end:head_end].decode("latin-1")
        found = re.search(r"^content-type:\s*([^;\r\n]+)", header, re.IGNORECASE | re.MULTILINE)
        if following > head_end + 4:
            yield Part((found.group(1) if found else "").strip().lower(), head_end + 4, following)
        at = following + 2


def new_boundary() -> str:
    """A boundary that no content contains by chance."""
    return f"hevesy-{secrets.token_hex(16)}"


def related(boundary: str, media_type: str, streams: Iterable[BinaryIO]) -> Iterator[bytes]:
    """The pieces of a multipart/related body, one part per stream; each stream is closed when it is read."""
    for stream in streams:
        yield f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
        with stream:
            while piece := stream.read(PIECE_BYTES):
                yield piece
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()

"""What a client may be sent, by its Accept header (PS3.18 §8.7.4-8.7.5)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from hevesy.gateways.dicomweb.door import RequestRefused

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
DICOM, OCTETS = "application/dicom", "application/octet-stream"
JSON = ("application/dicom+json", "application/json")
FRAME_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}
"""Media type of a compressed frame by its transfer syntax (PS3.18 table 8.7.3-4)."""
MOST_RANGES = 30


@dataclass(frozen=True, slots=True)
class Range:
    """One thing the client takes: the media type of a part, and the transfer syntax ("" unsaid, "*" any)."""

    media_type: str
    transfer_syntax: str

    def takes(self, media_type: str) -> bool:
        """Whether this range covers a media type."""
        kind = media_type.split("/")[0]
        return self.media_type in ("*/*", f"{kind}/*", media_type)


def ranges(header: str) -> list[Range]:
    """The media ranges of an Accept header; `multipart/related` stands for the type of its parts."""
    found = []
    for text in _apart(header or "*/*")[:MOST_RANGES]:
        message = Message()
        message["Content-Type"] = text
        media_type = text.split(";")[0].strip().lower()
        if media_type == "multipart/related":
            media_type = str(message.get_param("type") or "*/*").lower()
        syntax = message.get_param("transfer-syntax") or ""
        found.append(Range(media_type, str(syntax)))
    return found


def _apart(header: str) -> list[str]:
    """The ranges, cut at commas outside quotes."""
    pieces, quoted, start = [], False, 0
    for place, letter in enumerate(header[:4000]):
        if letter == '"':
            quoted = not quoted
        elif letter == "," and not quoted:
            pieces.append(header[start:place])
            start = place + 1
    pieces.append(header[start:4000])
    return [piece.strip() for piece in pieces if piece.strip()]


def require_json(header: str) -> None:
    """Refuse a client that takes no JSON: there is no XML here."""
    if not any(one.takes(media_type) for one in ranges(header) for media_type in JSON):
        raise RequestRefused("only application/dicom+json is served here", 406)


def require_objects(header: str, stored: set[str]) -> None:
    """Refuse a client that wants whole objects in another transfer syntax than they are stored in."""
    for one in ranges(header):
        if one.takes(DICOM) and (
            one.transfer_syntax in ("", "*") or stored == {one.transfer_syntax}
        ):
            return
    raise RequestRefused(
        f"objects are sent as they are stored: application/dicom in {', '.join(sorted(stored))}",
        406,
    )


def wants_compressed(header: str, stored: str) -> bool:
    """Whether frames of the compressed transfer syntax `stored` travel as they are; False: uncompressed.

    What the client names first wins. Raises `RequestRefused` (406) if it takes neither.
    """
    compressed = FRAME_TYPES.get(stored)
    for one in ranges(header):
        if one.media_type == "*/*":
            return one.transfer_syntax in ("*", stored) and compressed is not None
        if one.media_type == OCTETS:
            if one.transfer_syntax in ("", EXPLICIT_LITTLE):
                return False
            if one.transfer_syntax in ("*", stored) and compressed is not None:
                return True
            if one.transfer_syntax == "*":
                return False
        if compressed and one.takes(compressed) and one.transfer_syntax in ("", "*", stored):
            return True
    raise RequestRefused(
        f"frames are sent as {OCTETS}" + (f" or {compressed}" if compressed else ""), 406
    )

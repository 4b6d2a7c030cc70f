"""Answer with a file so that no browser runs what a stranger uploaded."""

from __future__ import annotations

from typing import BinaryIO
from urllib.parse import quote

from django.http import FileResponse

SAFE_INLINE = frozenset(
    {
        "application/pdf",
        "image/jpeg",
        "image/png",
        "image/webp",
        "audio/mpeg",
        "audio/mp4",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "video/mp4",
        "video/webm",
        "text/plain",
    }
)
"""Everything else (HTML, SVG, Office) is only ever saved, never shown."""


def content_disposition(name: str, *, inline: bool) -> str:
    """The header value with the name in both forms (RFC 6266, RFC 5987): old clients get ASCII, others the real one."""
    plain = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\%;' else "_"
        for letter in name
    )
    how = "inline" if inline else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def file_response(
    stream: BinaryIO, *, name: str, media_type: str, size: int, download: bool = False
) -> FileResponse:
    """A response with `stream`: shown in the page if its type is harmless and `download` is not asked, else saved."""
    harmless = media_type in SAFE_INLINE
    response = FileResponse(
        stream, content_type=media_type if harmless else "application/octet-stream"
    )
    if media_type == "text/plain":
        response["Content-Type"] = "text/plain; charset=utf-8"
    response["Content-Length"] = str(size)
    response["Content-Disposition"] = content_disposition(name, inline=harmless and not download)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "private, no-store"
    # A PDF viewer of the browser does not open in a sandbox; it runs in the browser's own.
    sandbox = "" if media_type == "application/pdf" else "; sandbox"
    response["Content-Security-Policy"] = (
        f"default-src 'none'; media-src 'self'; img-src 'self'; frame-ancestors 'self'{sandbox}"
    )
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response

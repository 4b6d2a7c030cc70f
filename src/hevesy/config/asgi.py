"""The ASGI application that uvicorn serves."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any, cast

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponseBase, StreamingHttpResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hevesy.config.settings.base")
django.setup(set_prefix=False)

from hevesy.config.limits import App, LimitedBodies  # noqa: E402

PIECE_BYTES = 256 * 1024


class StreamingHandler(ASGIHandler):
    """Django's handler, which would read a whole file into memory before it sends the first byte of it."""

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            pieces = cast(Iterator[bytes], response.streaming_content)
            response.streaming_content = _beside(pieces)
        await super().send_response(response, send)


def _gather(pieces: Iterator[bytes]) -> bytes:
    """The next pieces together, so that not every 4 KiB costs a change of threads; empty at the end."""
    gathered: list[bytes] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            break
    return b"".join(gathered)


async def _beside(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    read = sync_to_async(_gather)
    while content := await read(pieces):
        yield content


application = LimitedBodies(cast(App, StreamingHandler()))

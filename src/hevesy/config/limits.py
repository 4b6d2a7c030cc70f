"""Bound what a stranger can make the server store before any view decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

KIB, MIB, GIB = 1024, 1024**2, 1024**3

NOBODY_BYTES = 256 * KIB
"""Without session cookie or token: enough for a login form."""
USUAL_BYTES = 12 * MIB
LARGE: dict[str, int] = {
    "/dicom-web/": 4 * GIB,
    "/viewing/": 4 * GIB,
    "/technologist/": 256 * MIB,
    "/reporting/": 2 * GIB,
    "/registration/": 64 * MIB,
    "/interview/": 64 * MIB,
    "/stations/": 64 * MIB,
    "/api/": 64 * MIB,
}
"""Where images, scans, photos and recordings are sent; every other address takes forms only."""


def limit_for(scope: MutableMapping[str, Any]) -> int:
    """The most bytes that this request may send."""
    names = {name for name, _value in scope["headers"]}
    cookie = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
    if b"authorization" not in names and b"sessionid" not in cookie and b"hevesy" not in cookie:
        return NOBODY_BYTES
    for prefix, limit in LARGE.items():
        if scope["path"].startswith(prefix):
            return limit
    return USUAL_BYTES


class LimitedBodies:
    """Counts what arrives, whatever Content-Length says, and answers 413 when it is too much.

    Django spools a request to the disk before it knows who sent it; this is in front of that.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = limit_for(scope)
        declared = next(
            (value for name, value in scope["headers"] if name == b"content-length"), b""
        )
        if declared.isdigit() and int(declared) > limit:
            await _refuse(send)
            return
        counted = _Counted(receive, send, limit)
        await self.app(scope, counted.receive, counted.send)
        if counted.exceeded and not counted.answered:
            await _refuse(send)


class _Counted:
    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self._receive, self._send, self.limit = receive, send, limit
        self.bytes = 0
        self.exceeded = self.answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.bytes += len(message.get("body", b""))
        if self.bytes > self.limit:
            self.exceeded = True
            return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


async def _refuse(send: Send) -> None:
    body = "内容过大，未保存。 Too large; nothing was saved.".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})

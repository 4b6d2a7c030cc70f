"""Bodies are counted whatever they claim."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from hevesy.config import limits

Message = MutableMapping[str, Any]


def exchange(pieces: list[bytes], **scope: Any) -> tuple[list[Message], int]:
    """Send `pieces` through the limit to an application that reads all; its answers and the bytes it saw."""
    messages = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]
    answers: list[Message] = []
    seen = 0

    async def application(scope: Any, receive: limits.Receive, send: limits.Send) -> None:
        nonlocal seen
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            seen += len(message["body"])
            if not message["more_body"]:
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        answers.append(message)

    whole = {"type": "http", "path": "/", "headers": [], **scope}
    asyncio.run(limits.LimitedBodies(application)(whole, receive, send))
    return answers, seen


def test_a_form_of_a_stranger_passes() -> None:
    answers, seen = exchange([b"x" * 1000, b"y" * 1000])

    assert (answers[0]["status"], seen) == (200, 2000)


def test_a_stranger_cannot_fill_the_disk_without_saying_how_much_comes() -> None:
    piece = b"x" * 100 * limits.KIB

    answers, seen = exchange([piece] * 50)

    assert answers[0]["status"] == 413
    assert seen <= limits.NOBODY_BYTES


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    answers, seen = exchange([b"x"], headers=[(b"content-length", b"999999999")])

    assert (answers[0]["status"], seen) == (413, 0)


def test_somebody_logged_in_may_send_images_where_images_are_taken() -> None:
    headers = [(b"cookie", b"sessionid=abc")]

    assert limits.limit_for({"path": "/dicom-web/studies", "headers": headers}) == 4 * limits.GIB
    assert limits.limit_for({"path": "/account/", "headers": headers}) == limits.USUAL_BYTES
    assert limits.limit_for({"path": "/dicom-web/", "headers": []}) == limits.NOBODY_BYTES

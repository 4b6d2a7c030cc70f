"""Short notices in the corner: after a page load through Django's messages, after an htmx swap through a header."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise

LEVELS = {
    "info": messages.INFO,
    "ok": messages.SUCCESS,
    "amber": messages.WARNING,
    "red": messages.ERROR,
}
TONES = {number: tone for tone, number in LEVELS.items()}


def toast(request: HttpRequest, text: str | Promise, tone: str = "ok") -> None:
    """Tell the user `text` when the response arrives, whether it is a page, a redirect or a fragment.

    `tone`: ok, info, amber or red. Red stays until it is closed, the others go by themselves.
    """
    messages.add_message(request, LEVELS[tone], str(text))


def send_with(response: HttpResponseBase, *notices: dict[str, Any]) -> None:
    """Let htmx show `notices` (`{"text": …, "tone": …, "title": …, "reference": …}`) when `response` arrives."""
    sent = json.loads(response.headers.get("HX-Trigger", "{}"))
    sent.setdefault("hv:toast", {"notices": []})["notices"] += notices
    response.headers["HX-Trigger"] = json.dumps(sent)  # ASCII only: headers carry no Chinese


def waiting(request: HttpRequest) -> list[dict[str, Any]]:
    """The notices that wait for this user, taken out of the store."""
    return [
        {"text": str(message), "tone": TONES.get(message.level, "info")}
        for message in messages.get_messages(request)
    ]

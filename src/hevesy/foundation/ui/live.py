"""Live pages: `publish` inside a transaction, `/live/?topics=…` tells every open page that listens.

An event is a row, written with the business data and gone with it on rollback; so it reaches the pages of every web
process and is never sent for something that did not happen. Pages get the topic and a small payload and then ask for
their own fragment: what a user may see is decided there, not here.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.foundation.ui.models import LiveEvent
from hevesy.foundation.ui.nav import allowed

logger = logging.getLogger(__name__)

KEPT = timedelta(hours=1)
OWN = "me"
"""The topic of events for one user; `publish(user_topic(user.pk), …)` reaches his pages only."""


@dataclass(frozen=True, slots=True)
class _Topic:
    prefix: str
    permission: str | tuple[str, ...]
    stations: bool

    @property
    def code(self) -> str:
        """The permission to name in a refusal."""
        return self.permission if isinstance(self.permission, str) else self.permission[0]


_topics: dict[str, _Topic] = {}


def register_topic(
    prefix: str, permission: str | tuple[str, ...] = "", *, stations: bool = False
) -> None:
    """Declare the topic `prefix` and everything below it (`prefix:…`).

    Listening takes `permission` (one code, any of several, or just being logged in). With `stations` a registered
    screen or kiosk may listen without a person. Raises ValueError for a topic that somebody has declared already:
    the later rule would silently shut out readers of the earlier one.
    """
    if prefix in _topics:
        raise ValueError(f"live topic {prefix} is declared twice")
    _topics[prefix] = _Topic(prefix, permission, stations)


def user_topic(user_id: int) -> str:
    """The topic that reaches the pages of one user."""
    return f"user:{user_id}"


def publish(topic: str, **payload: Any) -> LiveEvent:
    """Tell open pages that something about `topic` changed. Call it in the transaction of the change.

    `payload` must be JSON and free of personal data: identifiers, states, a ticket number that a wall shows anyway.
    """
    if topic.split(":", 1)[0] not in _topics and not topic.startswith("user:"):
        raise ValueError(f"live topic {topic!r} is not registered")
    return LiveEvent.objects.create(topic=topic, payload=payload)


def topics_for(request: HttpRequest, asked: list[str]) -> list[str]:
    """The topics to listen to, `me` replaced by the user's own. Raises `PermissionRefused` for one that is not his."""
    granted = []
    for topic in asked:
        if topic == OWN and request.user.is_authenticated:
            granted.append(user_topic(request.user.pk))
            continue
        rule = _topics.get(topic.split(":", 1)[0])
        station = getattr(request, "station", None)
        if rule is None:
            raise PermissionRefused(topic)
        at_station = rule.stations and station is not None and station.active
        if not at_station and not allowed(request, rule.permission):
            raise PermissionRefused(rule.code)
        granted.append(topic)
    return granted


def prune() -> int:
    """Delete events older than an hour; returns how many. Run by the clock."""
    deleted, _details = LiveEvent.objects.filter(at__lt=timezone.now() - KEPT).delete()
    return deleted

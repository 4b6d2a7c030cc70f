"""The counts in the top bar that must not be overlooked: critical values, late, soon late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise

from hevesy.foundation.ui.nav import allowed


@dataclass(frozen=True, slots=True)
class Alarm:
    """A count in the top bar, hidden at zero. `tone` is critical, red or amber; the link filters the list it counts."""

    label: str | Promise
    icon: str
    tone: str
    url_name: str
    count: Callable[[HttpRequest], int]
    permission: str | tuple[str, ...]
    order: int = 100
    query: str = ""


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm with something to show."""

    label: str
    icon: str
    tone: str
    url: str
    number: int


_alarms: list[Alarm] = []


def register(alarm: Alarm) -> None:
    """Add an alarm; to be called in `AppConfig.ready()`."""
    if alarm not in _alarms:
        _alarms.append(alarm)


def raised_for(request: HttpRequest) -> list[RaisedAlarm]:
    """The alarms above zero that concern the request's user, the gravest first."""
    found = []
    for alarm in sorted(_alarms, key=lambda alarm: alarm.order):
        if allowed(request, alarm.permission) and (number := alarm.count(request)):
            url = reverse(alarm.url_name) + (f"?{alarm.query}" if alarm.query else "")
            found.append(RaisedAlarm(str(alarm.label), alarm.icon, alarm.tone, url, number))
    return sorted(found, key=lambda alarm: ("critical", "red", "amber").index(alarm.tone))

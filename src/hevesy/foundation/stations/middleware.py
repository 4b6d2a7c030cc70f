"""Which registered station a request comes from: `request.station`, by the token cookie of its browser."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from hevesy.foundation.stations.models import Station

COOKIE = "hevesy_station"
SEEN_EVERY = timedelta(minutes=1)


class StationMiddleware:
    """Sets `request.station`: the station that claimed this browser, or None."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.station = station_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)


def token_hash(token: str) -> str:
    """What the database keeps of a station token."""
    return hashlib.sha256(token.encode()).hexdigest()


def station_of(request: HttpRequest) -> Station | None:
    """The active station whose token the browser holds."""
    token = request.COOKIES.get(COOKIE, "")
    if not token:
        return None
    station = Station.objects.filter(token_hash=token_hash(token), active=True).first()
    now = timezone.now()
    if station and (station.last_seen_at is None or now - station.last_seen_at >= SEEN_EVERY):
        Station.objects.filter(pk=station.pk).update(last_seen_at=now)
    return station

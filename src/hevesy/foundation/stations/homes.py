"""The page that a screen or kiosk opens by itself; the desk that owns the page says so."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse

from hevesy.foundation.stations.models import Station

_homes: dict[str, str] = {}


def register(kind: str, url_name: str) -> None:
    """Stations of this kind open this page; to be called in `AppConfig.ready()`."""
    _homes[kind] = url_name


def home_of(station: Station) -> str:
    """The address where this station starts: its kind's page, else the front door."""
    url_name = _homes.get(station.kind, "")
    try:
        return reverse(url_name) if url_name else "/"
    except NoReverseMatch:
        return "/"

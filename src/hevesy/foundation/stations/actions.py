"""Acts on stations: register, change, give a browser to a station, take it back."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused, system_actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.stations.middleware import token_hash
from hevesy.foundation.stations.models import Station, StationClaim

CLAIM_MINUTES = 30
"""How long a one-time code waits for somebody to walk to the screen and type it."""
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


class StationRefused(Refused):
    """A station cannot be made, changed or claimed like this."""


@transaction.atomic
def register_station(
    by: Actor,
    *,
    code: str,
    name: str,
    kind: str,
    place: str = "",
    settings: dict[str, Any] | None = None,
) -> Station:
    """Make a station. A browser becomes it later with `make_claim` and `claim`."""
    by.require("stations.manage")
    if Station.objects.filter(code=code).exists():
        raise StationRefused(_("The code %(code)s is taken.") % {"code": code})
    station = Station.objects.create(
        code=code, name=name, kind=kind, place=place, settings=settings or {}
    )
    record(by, "station.register", station, code=code, kind=str(kind))
    return station


@transaction.atomic
def change_station(by: Actor, station: Station, **changes: Any) -> Station:
    """Change name, kind, place, settings, or whether it is in use. A change of kind takes its browser away."""
    by.require("stations.manage")
    station = Station.objects.select_for_update().get(pk=station.pk)
    allowed = {"name", "kind", "place", "settings", "active"}
    changed = {
        key: value
        for key, value in changes.items()
        if key in allowed and getattr(station, key) != value
    }
    for key, value in changed.items():
        setattr(station, key, value)
    if "kind" in changed:
        station.token_hash = ""
    if changed:
        station.save(update_fields=[*changed, "token_hash"])
        record(by, "station.change", station, changed=sorted(changed))
    return station


@transaction.atomic
def make_claim(by: Actor, station: Station) -> str:
    """A one-time code to type at the browser that shall become this station; an earlier one is void."""
    by.require("stations.manage")
    station = Station.objects.select_for_update().get(pk=station.pk)
    if not station.active:
        raise StationRefused(_("The station is not in use."))
    StationClaim.objects.filter(station=station, used_at=None).delete()
    code = "".join(secrets.choice(_LETTERS) for _position in range(10))
    StationClaim.objects.create(
        station=station,
        code_hash=token_hash(code),
        expires_at=timezone.now() + timedelta(minutes=CLAIM_MINUTES),
    )
    record(by, "station.code", station)
    return code


def find_claim(code: str) -> Station:
    """The station that waits for this code. Raises `StationRefused`."""
    claim = (
        StationClaim.objects.select_related("station")
        .filter(
            code_hash=token_hash(code.strip().upper()),
            used_at=None,
            expires_at__gt=timezone.now(),
            station__active=True,
        )
        .first()
    )
    if claim is None:
        raise StationRefused(
            _(
                "This code was used already or has run out. Ask the system administrator for a new one."
            )
        )
    return claim.station


@transaction.atomic
def claim(code: str, *, address: str | None) -> tuple[Station, str]:
    """Use the code up and return the station with the token its browser keeps; an earlier browser loses it."""
    station = find_claim(code)
    used = StationClaim.objects.filter(
        code_hash=token_hash(code.strip().upper()), used_at=None
    ).update(used_at=timezone.now())
    if not used:
        raise StationRefused(_("This code was used already or has run out."))
    token = secrets.token_urlsafe(32)
    station.token_hash = token_hash(token)
    station.last_seen_at = timezone.now()
    station.save(update_fields=["token_hash", "last_seen_at"])
    record(
        system_actor(f"station:{station.code}", channel="station"),
        "station.claim",
        station,
        address=address,
    )
    return station, token


@transaction.atomic
def release(by: Actor, station: Station) -> Station:
    """Take the station away from its browser: stolen, replaced, moved."""
    by.require("stations.manage")
    station = Station.objects.select_for_update().get(pk=station.pk)
    station.token_hash = ""
    station.save(update_fields=["token_hash"])
    record(by, "station.release", station)
    return station

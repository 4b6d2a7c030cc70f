"""Guards of views: default deny. A view without a guard is refused, and a test walks every address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.accounts.models import User
from hevesy.foundation.stations.models import Station

View = TypeVar("View", bound=Callable[..., Any])

STATION_RIGHTS: dict[str, str] = {
    Station.Kind.SCREEN: "stations.show",
    Station.Kind.KIOSK: "stations.checkin",
}
"""The single right of a station at which nobody logs in."""


class StaffRequest(HttpRequest):
    """A request that passed `needs`: somebody is logged in, and who acts is known."""

    user: User
    htmx: HtmxDetails
    actor: Actor


def needs(*codes: str) -> Callable[[View], View]:
    """Let only users through who hold one of the permissions `codes`; sets `request.actor`.

    Without codes anybody who is logged in may pass. A wall screen or kiosk passes where its single right
    (`STATION_RIGHTS`) is named; `request.actor` is then the station and `request.user` stays anonymous.
    Nobody logged in: to the login page (pages) or 401 (htmx, programs). Lacking the right: `PermissionRefused` (403).
    """

    def refusal(request: HttpRequest) -> HttpResponse | None:
        if request.user.is_authenticated:
            actor = actor_of(request)
            if codes and not any(actor.may(code) for code in codes):
                raise PermissionRefused(codes[0])
        else:
            actor = station_actor(request)
            if not actor.permissions & set(codes):
                return ask_to_log_in(request)
        request.actor = actor  # type: ignore[attr-defined]
        return None

    def guard(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
                refused = await sync_to_async(refusal)(request)
                return refused or cast(HttpResponse, await view(request, *args, **kwargs))

        else:

            @wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
                return refusal(request) or cast(HttpResponse, view(request, *args, **kwargs))

        guarded.guard = codes or ("*",)  # type: ignore[attr-defined]
        return cast(View, guarded)

    return guard


def public(view: View) -> View:
    """Mark a view that anybody may open: login, health, static pages without data."""
    view.guard = ("public",)  # type: ignore[attr-defined]
    return view


def passive(view: View) -> View:
    """Mark a view whose requests a page makes by itself (polling, live events): they do not keep a session alive."""
    view.passive = True  # type: ignore[attr-defined]
    return view


def people_only(view: View) -> View:
    """Mark a view that a program's token must not open: passwords, accounts, tokens themselves."""
    view.people_only = True  # type: ignore[attr-defined]
    return view


def before_password(view: View) -> View:
    """Mark a view that stays open to who must first choose a new password."""
    view.before_password = True  # type: ignore[attr-defined]
    return view


def actor_of(request: HttpRequest) -> Actor:
    """Who acts in this request: the user, the station, the address, and how (page or token)."""
    return Actor(
        user=cast(User, request.user),
        channel=getattr(request, "channel", "web"),
        station=getattr(request, "station", None),
        address=request.META.get("REMOTE_ADDR"),
        method="scan" if request.headers.get("X-Hevesy-Scan") else "manual",
    )


def station_actor(request: HttpRequest) -> Actor:
    """The wall screen or kiosk itself, with its single right; an actor without any right at other places."""
    station: Station | None = getattr(request, "station", None)
    right = STATION_RIGHTS.get(station.kind) if station else None
    return Actor(
        name=station.name if station else "",
        channel="station",
        station=station,
        address=request.META.get("REMOTE_ADDR"),
        permissions=frozenset({right} if right else ()),
    )


def ask_to_log_in(request: HttpRequest) -> HttpResponse:
    """To the login page, in the way that the asker understands: redirect, htmx redirect, or 401 as JSON."""
    here = request.get_full_path() if request.method in ("GET", "HEAD") else "/"
    if getattr(request, "htmx", False):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = resolve_url("accounts:login")
        return response
    if "text/html" in request.headers.get("Accept", "text/html"):
        return redirect_to_login(here)
    response = JsonResponse({"error": _("Log in or send a token.")}, status=401)
    response["WWW-Authenticate"] = 'Bearer realm="hevesy"'
    return response

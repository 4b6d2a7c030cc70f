"""Guards of views: default deny. A view without a guard is refused, and a test walks every address."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from hevesy.foundation.accounts.actors import Actor, PermissionRefused
from hevesy.foundation.accounts.models import User

View = TypeVar("View", bound=Callable[..., Any])


class StaffRequest(HttpRequest):
    """A request that passed `needs`: somebody is logged in, and who acts is known."""

    user: User  # type: ignore[assignment]
    htmx: HtmxDetails
    actor: Actor


def needs(*codes: str) -> Callable[[View], View]:
    """Let only users through who hold one of the permissions `codes`; sets `request.actor`.

    Nobody logged in: to the login page (pages) or 401 (programs). Lacking the right: `PermissionRefused` (403).
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            actor = actor_of(request)
            if codes and not any(actor.may(code) for code in codes):
                raise PermissionRefused(codes[0])
            request.actor = actor  # type: ignore[attr-defined]
            return cast(HttpResponse, view(request, *args, **kwargs))

        guarded.guard = codes or ("*",)  # type: ignore[attr-defined]
        return cast(View, guarded)

    return guard


def public(view: View) -> View:
    """Mark a view that anybody may open: login, health, static pages without data."""
    view.guard = ("public",)  # type: ignore[attr-defined]
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

"""What every request passes: the program's token, the login session, and the rule that a view has a guard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts import sessions, tokens
from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.accounts.models import LoginSession, User
from hevesy.foundation.ui.views import bad_request

GetResponse = Callable[[HttpRequest], HttpResponse]
PASSIVE_HEADER = "X-Hevesy-Passive"
"""Set by a page on requests that it makes by itself: polling does not keep a session alive."""


class TokenMiddleware:
    """A program's `Authorization: Bearer` token: who it is, without cookie and without CSRF token."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        scheme, _space, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return self.get_response(request)
        token = tokens.find_live(text.strip())
        if token is None:
            response = JsonResponse(
                {"error": _("This token is unknown, revoked or expired. Ask for a new one.")},
                status=401,
            )
            response["WWW-Authenticate"] = 'Bearer realm="hevesy", error="invalid_token"'
            return response
        tokens.mark_used(token, request.META.get("REMOTE_ADDR"))
        request.user = token.user
        request.channel = "api"  # type: ignore[attr-defined]
        # No cookie authenticates this request, so no other site can have forged it.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return self.get_response(request)


class LoginSessionMiddleware:
    """Serve a logged-in browser only while its login session lives; tell it why when it does not."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "channel", "web") == "api" or "_auth_user_id" not in request.session:
            return self.get_response(request)
        session = sessions.session_of(request.session)
        if session is None:
            request.session.flush()
            return self.get_response(request)
        session = sessions.end_if_over(
            Actor(user=session.user, address=request.META.get("REMOTE_ADDR")), session
        )
        if session.ended_at is None:
            request.login_session = session  # type: ignore[attr-defined]
        else:
            # Out before anybody asks who the user is; told below, when language and htmx are known. The key stays, so
            # that the other requests that the page makes at this moment do not take the reason away with the cookie.
            request.session.clear()
            request.session["ended_session"] = session.pk
            request.ended_session = session  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Count the request as use unless the page made it by itself; hold who must choose a new password."""
        if hasattr(request, "ended_session"):
            return tell_why_ended(request, request.ended_session)
        session: LoginSession | None = getattr(request, "login_session", None)
        if session is None:
            return None
        if not is_passive(request, view):
            sessions.mark_seen(session)
        if must_change_password(session.user) and not getattr(view, "before_password", False):
            return send_to(request, "accounts:password")
        return None


class GuardMiddleware:
    """Default deny: a view that declares no guard is not served."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if not guard_of(view):
            if settings.DEBUG:
                name = f"{view.__module__}.{getattr(view, '__qualname__', view)}"
                return HttpResponse(
                    f"{name} has no guard: decorate it with needs(…) or public.",
                    status=500,
                    content_type="text/plain",
                )
            return HttpResponseForbidden(_("This page is not released for anybody."))
        if getattr(request, "channel", "web") == "api" and getattr(view, "people_only", False):
            return JsonResponse(
                {"error": _("This page is for people, not for tokens.")}, status=403
            )
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The last resort for a refusal that no page explained."""
        if isinstance(exception, Refused):
            return HttpResponse(
                str(exception), status=exception.status, content_type="text/plain; charset=utf-8"
            )
        if isinstance(exception, DataError) or (
            isinstance(exception, OverflowError) and "SQLite INTEGER" in str(exception)
        ):
            # A number that no database column holds: the request is wrong, and nothing was written. SQLite's driver
            # says so by an OverflowError; one of our own arithmetic is a fault of ours and stays a 500.
            return bad_request(request, exception)
        return None


def guard_of(view: Callable[..., Any]) -> tuple[str, ...]:
    """The permission codes that open a view, `("*",)` for anybody logged in, `("public",)`, or empty: no guard."""
    view_class = getattr(view, "view_class", None)
    return tuple(getattr(view, "guard", ()) or getattr(view_class, "guard", ()))


def is_passive(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether a page made this request by itself: a polling or live-event view, or marked by the page's header."""
    return bool(
        getattr(view, "passive", False)
        or request.headers.get(PASSIVE_HEADER)
        or request.headers.get("Accept", "").startswith("text/event-stream")
    )


def must_change_password(user: User) -> bool:
    """Whether the password was set by somebody else or is older than the site allows."""
    if user.must_change_password:
        return True
    days = settings.PASSWORD_DAYS
    return bool(days) and (timezone.now() - user.password_changed_at).days >= days


def send_to(request: HttpRequest, url_name: str) -> HttpResponse:
    """Redirect a page or, by htmx's header, the page around a fragment."""
    if getattr(request, "htmx", False):
        response = HttpResponse(status=401)
        response["HX-Redirect"] = resolve_url(url_name)
        return response
    return redirect(url_name)


def tell_why_ended(request: HttpRequest, session: LoginSession) -> HttpResponse:
    """Say why, when and where a session ended; a fragment leaves its page, so that nothing stays readable."""
    if getattr(request, "htmx", False):
        return send_to(request, "accounts:ended")
    if "text/html" not in request.headers.get("Accept", "text/html"):
        return JsonResponse(
            {"error": _("You were logged out."), "reason": session.end_reason}, status=401
        )
    return render(request, "accounts/ended.html", {"ended": session}, status=401)

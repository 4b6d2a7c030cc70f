"""The home page, the gallery of parts, small services of the page frame, and what a user sees when something fails."""

from __future__ import annotations

import logging
import re
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from hevesy.foundation.accounts.actions import set_preference
from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.foundation.accounts.guards import (
    StaffRequest,
    actor_of,
    before_password,
    needs,
    passive,
    public,
)
from hevesy.foundation.ui import live, nav, search, streams
from hevesy.foundation.ui.context import Shell
from hevesy.foundation.ui.specimens import specimens

logger = logging.getLogger(__name__)

_EVENT_ID = re.compile(r"[0-9]{1,18}")
_TIME_MS = re.compile(r"[0-9]{13}")


@require_GET
@needs()
def home(request: StaffRequest) -> HttpResponse:
    """`/`: what waits for this user, put together by the desks."""
    return render(request, "ui/home.html")


@require_GET
@needs()
def gallery(request: StaffRequest) -> HttpResponse:
    """`/ui/`: every part of the page kit in all its states."""
    return render(request, "ui/gallery.html", specimens())


@require_GET
@passive
@needs()
def frame_counts(request: StaffRequest) -> HttpResponse:
    """The counts of side bar and top bar anew; `at` is the page that asks."""
    at = request.GET.get("at", "/")
    if not at.startswith("/"):
        at = "/"
    return render(
        request, "ui/_counts.html", {"at": at, "groups": nav.groups_for(request, path=at)}
    )


@require_GET
@needs()
def find(request: StaffRequest) -> HttpResponse:
    """What the box in the top bar finds, group by group."""
    text = request.GET.get("q", "").strip()[:60]
    groups = search.find(request, text) if text else []
    return render(request, "ui/_hits.html", {"text": text, "groups": groups})


@require_POST
@before_password
@public
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of this browser and of the user."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        return HttpResponseBadRequest()
    if request.user.is_authenticated:
        set_preference(actor_of(request), "language", code)
    response = _back(request)
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, code, max_age=365 * 86400, samesite="Lax", httponly=True
    )
    return response


@require_GET
@never_cache
@passive
@before_password
@public
def server_time(request: HttpRequest) -> JsonResponse:
    """The server's time in milliseconds, by which pages set their clock."""
    return JsonResponse({"now": round(time.time() * 1000)})


@require_GET
@never_cache
@passive
@public  # a wall screen listens as a station, without a person; `topics_for` judges every topic
def live_events(request: HttpRequest) -> HttpResponseBase:
    """`/live/?topics=a,b`: the events of these topics as they happen (server-sent events)."""
    station = getattr(request, "station", None)
    if not request.user.is_authenticated and station is None:
        return JsonResponse({"error": _("You were logged out.")}, status=401)
    asked = [topic for topic in request.GET.get("topics", "").split(",") if topic][:20]
    try:
        topics = live.topics_for(request, asked)
    except PermissionRefused as refusal:
        return JsonResponse({"error": str(refusal)}, status=403)
    if not hasattr(request, "scope"):
        # A WSGI server would collect an endless answer. 204 tells the browser not to try again.
        return HttpResponse(status=204)
    owner = f"user:{request.user.pk}" if request.user.is_authenticated else f"station:{station.pk}"  # type: ignore[union-attr]
    if not streams.may_open(owner):
        return JsonResponse(
            {"error": _("Too many open pages.")}, status=429, headers={"Retry-After": "10"}
        )
    response = StreamingHttpResponse(
        streams.stream(owner, topics, _since(request)),
        content_type="text/event-stream; charset=utf-8",
    )
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _since(request: HttpRequest) -> int | datetime:
    """The last event that the page got; when it got none, the time when it was asked for; else now."""
    last = request.headers.get("Last-Event-ID") or request.GET.get("last", "")
    if _EVENT_ID.fullmatch(last):
        return int(last)
    since = request.GET.get("since", "")
    if _TIME_MS.fullmatch(since):
        return datetime.fromtimestamp(int(since) / 1000, UTC)
    return timezone.now()


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return _failed(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 of Django itself."""
    return _failed(request, 403)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _failed(request, 404)


def failed(request: HttpRequest) -> HttpResponse:
    """500. Asks nothing of the database, which may be what failed."""
    logger.error("Request %s failed: %s", getattr(request, "reference", ""), request.path)
    return _failed(request, 500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose page was older than its login."""
    return _failed(request, 403, template="csrf")


def _failed(request: HttpRequest, status: int, template: str = "") -> HttpResponse:
    context: dict[str, Any] = {
        "status": status,
        "kind": template or str(status),
        "shell": Shell(request, offline=True),
        "reference": getattr(request, "reference", ""),
    }
    if getattr(request, "channel", "web") == "api" or request.path.startswith("/api/"):
        return JsonResponse(
            {"error": str(status), "reference": context["reference"]}, status=status
        )
    return render(request, "ui/error.html", context, status=status)


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next") or request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = "/"
    if getattr(request, "htmx", False):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return HttpResponseRedirect(target)

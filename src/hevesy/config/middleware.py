"""Headers of every page, and one log line per request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("hevesy.requests")

PERMISSIONS_POLICY = ", ".join(
    ["camera=(self)", "microphone=(self)", "fullscreen=(self)", "clipboard-write=(self)"]
    + [f"{feature}=()" for feature in ("geolocation", "payment", "usb", "midi", "display-capture")]
)
"""Cameras scan QR codes and photograph request forms; microphones dictate. Nothing else is asked of a browser."""


class PageHeadersMiddleware:
    """Patients' pages are not kept by browsers or proxies unless a view says so itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class RequestLogMiddleware:
    """Who asked for which kind of page, how it ended and how long it took.

    The route is logged, not the address: addresses carry search words, and search words are patients' names.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        user = getattr(request, "user", None)
        logger.info(
            "%s %s %s %.0f ms user=%s",
            request.method,
            match.route if match else "-",
            response.status_code,
            (time.monotonic() - started) * 1000,
            getattr(user, "pk", None) or "-",
        )
        return response

"""What every page shares: a number for each request, the user's language, and refusals as answers to a person."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from hevesy.foundation.accounts.actors import PermissionRefused, Refused
from hevesy.foundation.ui import toasts

Next = Callable[[HttpRequest], HttpResponseBase]
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that look alike when read over the phone


class ReferenceMiddleware:
    """Gives each request a short number (`E-7F3A-K2M9`) that the page shows with an error and the log carries.

    Notes too when it came: nothing on its page is older, so a live page asks for what happened since.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        request.reference = f"E-{code[:4]}-{code[4:]}"  # type: ignore[attr-defined]
        request.came_ms = round(time.time() * 1000)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers["X-Reference"] = request.reference  # type: ignore[attr-defined]
        return response


class LanguageMiddleware:
    """Activates the user's language: his preference, else this browser's cookie, else the site's.

    The browser's Accept-Language is not asked: a hospital PC with an English Windows still belongs to a Chinese site.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.known = {code for code, _name in settings.LANGUAGES}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(self.language(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or "")
            patch_vary_headers(response, ("Cookie",))
            return response

    def language(self, request: HttpRequest) -> str:
        """The language code of this request."""
        preferred = None
        if request.user.is_authenticated:
            preferred = request.user.preferences.get("language")
        for code in (preferred, request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)):
            if code in self.known:
                return str(code)
        return settings.LANGUAGE_CODE


class RefusedMiddleware:
    """Turns a `Refused` that no view caught into an answer: a page, a toast for htmx, JSON for a program.

    Also hands waiting messages to htmx, whose responses have no page to show them on.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if _is_htmx(request) and 200 <= response.status_code < 300:
            leaves = "HX-Redirect" in response.headers or "HX-Refresh" in response.headers
            if not leaves and hasattr(request, "_messages"):
                notices = toasts.waiting(request)
                if notices:
                    toasts.send_with(response, *notices)
        return response

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Answer a refusal; leave every other exception to Django."""
        if not isinstance(exception, Refused):
            return None
        return refusal_response(request, exception)


def refusal_response(request: HttpRequest, refusal: Refused) -> HttpResponseBase:
    """The answer to `refusal` in the form that the caller understands, with the refusal's status."""
    sentence = str(refusal)
    if _is_htmx(request):
        response: HttpResponse = HttpResponse(sentence, status=refusal.status)
        response.headers["HX-Reswap"] = "none"
        toasts.send_with(response, {"text": sentence, "tone": "amber"})
        return response
    if _wants_json(request):
        return JsonResponse({"error": sentence}, status=refusal.status)
    template = "ui/forbidden.html" if isinstance(refusal, PermissionRefused) else "ui/refused.html"
    context: dict[str, Any] = {"sentence": sentence, "status": refusal.status}
    return render(request, template, context, status=refusal.status)


def _is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]


def _wants_json(request: HttpRequest) -> bool:
    if getattr(request, "channel", "web") == "api" or request.path.startswith("/api/"):
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"

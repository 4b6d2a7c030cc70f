"""The door of a gateway for programs: every answer is a status and a sentence as JSON, never a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import needs
from hevesy.imaging.dicomio import ImageRefused
from hevesy.records.archive.keys import KeyRefused

Answer = HttpResponse | StreamingHttpResponse
View = Callable[..., Answer]


class RequestRefused(ValueError):
    """What the client asked cannot be answered; `status` says why in HTTP's words."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        self.status = status
        super().__init__(sentence)


def programs(*codes: str) -> Callable[[View], View]:
    """Guard a view as `needs` does, but answer as a program expects: 401 with a challenge instead of a login page."""

    def guard(view: View) -> View:
        let_in = needs(*codes)(view)

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Answer:
            if not request.user.is_authenticated:
                # Before anything is looked up: whether something exists is nobody's business yet.
                response = _told(_("Log in or send a token."), 401)
                response["WWW-Authenticate"] = 'Bearer realm="hevesy"'
                return response
            try:
                return let_in(request, *args, **kwargs)
            except RequestRefused as refusal:
                return _told(str(refusal), refusal.status)
            except KeyRefused as refusal:
                return _told(str(refusal), 400)
            except Refused as refusal:
                return _told(str(refusal), refusal.status)
            except ImageRefused as refusal:
                return _told(refusal.text_en, 422)
            except (Http404, FileNotFoundError):
                return _told(_("There is nothing here."), 404)

        guarded.guard = codes  # type: ignore[attr-defined]
        return guarded

    return guard


def _told(sentence: str, status: int) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=status)

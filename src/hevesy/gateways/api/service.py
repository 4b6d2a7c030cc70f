"""The JSON API at /api/v1/: the same actions as the pages, for programs (public contract)."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import ValidationError

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.guards import actor_of
from hevesy.gateways.api import doses, exams, lesions, patients, queues, reports


def logged_in(request: HttpRequest) -> Any:
    """A browser's session or a program's token; sets `request.actor`."""
    if not request.user.is_authenticated:
        return None
    request.actor = actor_of(request)  # type: ignore[attr-defined]
    return request.user


class Service(NinjaAPI):
    """An API that describes itself once: collecting the schemas takes a tenth of a second, every time the same."""

    @cache  # noqa: B019 - there is one, for as long as the process lives
    def _described(self, path_prefix: str) -> Any:
        return super().get_openapi_schema(path_prefix=path_prefix)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> Any:
        return self._described(path_prefix or self.get_root_path(path_params or {}))


api = Service(
    title="Hevesy",
    version="1",
    description=(
        "Patients, orders, exams, administrations, reports, queues and lesion tables of a nuclear medicine department. "
        "Send `Authorization: Bearer TOKEN`. Every write is the action of the page: same rights, same audit."
    ),
    auth=logged_in,
    docs_url=None,
    urls_namespace="api",
)
api.add_router("", patients.router, tags=["patients"])
api.add_router("", exams.router, tags=["exams"])
api.add_router("", doses.router, tags=["administrations"])
api.add_router("", reports.router, tags=["reports"])
api.add_router("", queues.router, tags=["queues"])
api.add_router("", lesions.router, tags=["lesions"])


@api.exception_handler(Refused)
def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """An action said no: its sentence, with its status (403, 409, 422)."""
    return api.create_response(request, {"error": str(refusal)}, status=refusal.status)


@api.exception_handler(Http404)
def missing(request: HttpRequest, fault: Http404) -> HttpResponse:
    """Not there, or not for the asker: the two look alike."""
    return api.create_response(request, {"error": _("There is nothing here.")}, status=404)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, fault: ValidationError) -> HttpResponse:
    """A field is missing or of the wrong kind."""
    fields = [
        {"field": ".".join(map(str, error["loc"][1:])), "what": error["msg"]}
        for error in fault.errors
    ]
    return api.create_response(
        request, {"error": _("The request is incomplete."), "fields": fields}, status=422
    )

"""Who asks, as the API's functions see it."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Schema

from hevesy.foundation.accounts.actors import Actor


class ApiRequest(HttpRequest):
    """A request that passed the API's authentication."""

    actor: Actor


class Fault(Schema):
    """Why a request was refused, as a sentence for a person."""

    error: str


FAULTS = {401: Fault, 403: Fault, 404: Fault, 409: Fault, 422: Fault}

"""Every address of the system, read from the URL configuration, and what it answers to whom.

A part of the test suite, not of the product: `test_address_policy.py` compares what is measured here with
`address_policy.toml`, which a person reads and keeps. See `print_address_policy.py`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.middleware import guard_of
from hevesy.foundation.accounts.testing import CAST, cast_member
from hevesy.foundation.accounts.tokens import issue_token
from hevesy.foundation.stations.middleware import COOKIE, token_hash
from hevesy.foundation.stations.models import Station

PEOPLE: dict[str, str] = {
    role: fixture for fixture, (username, role, _name) in CAST.items() if username == role
}
"""Role key → the fixture of one person who holds it."""
STRANGERS = ("anonymous", "wall_screen", "kiosk")
ASKERS = (*STRANGERS, *PEOPLE)
"""Who asks: nobody, the two kinds of station without a person, and one person of each default role."""

OPENS, REFUSED, BROKEN = "opens", "refused", "broken"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


@dataclass(frozen=True)
class Address:
    """One address: its URL name (`accounts:person`), its route, its view, and the names of its parameters."""

    name: str
    route: str
    view: Callable[..., Any]
    parameters: tuple[str, ...] = ()
    methods: tuple[str, ...] = METHODS
    """In this order they are tried until the view takes one."""

    @property
    def namespace(self) -> str:
        """The app that owns the address, by its URL namespace."""
        return self.name.partition(" ")[0].rpartition(":")[0] or self.name

    @property
    def guard(self) -> tuple[str, ...]:
        """What the view declares."""
        return guard_of(self.view)


def every_address() -> list[Address]:
    """All addresses in the order of the URL configuration; the route is added to a name that several bear."""
    found = list(_walk(get_resolver().url_patterns, "", "", ()))
    uses = Counter(address.name for address in found)
    found = [replace(address, methods=_methods(address)) for address in found]
    return [
        replace(address, name=f"{address.name} {address.route}")
        if uses[address.name] > 1
        else address
        for address in found
    ]


def _walk(
    patterns: list[Any], route: str, namespace: str, parameters: tuple[str, ...]
) -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        more = (*parameters, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, here, inner, more)
        elif isinstance(pattern, URLPattern):
            name = pattern.name or re.sub(r"<\w+:", "<", here)
            yield Address(f"{namespace}{name}", here, pattern.callback, more)


def _methods(address: Address) -> tuple[str, ...]:
    """The methods of one operation: several operations of the API share one path and view."""
    if address.namespace != "api":
        return METHODS
    from hevesy.gateways.api.service import api

    for _prefix, router in api._routers:
        for path, view in router.path_operations.items():
            route = "api/v1" + re.sub(r"{(\w+)}", r"<\1>", path)
            for operation in view.operations:
                if route == address.route and address.name.endswith(
                    f":{operation.view_func.__name__}"
                ):
                    return tuple(operation.methods)
    return METHODS


@dataclass
class Answer:
    """What one asker got: the outcome, and the status for the reader of a failure."""

    outcome: str
    status: int
    method: str
    text: str = ""


@dataclass
class Asker:
    """Somebody with a browser."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""

    browser: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def client(self) -> Client:
        """The browser with the asker's first cookies again, so that one answer leaves nothing for the next."""
        self.browser.cookies.clear()
        for key, value in self.cookies.items():
            self.browser.cookies[key] = value
        return self.browser


def make_asker(name: str) -> Asker:
    """Log the person in, or make the station, of this name."""
    if name == "anonymous":
        return Asker(name)
    if name in STRANGERS:
        kind = Station.Kind.SCREEN if name == "wall_screen" else Station.Kind.KIOSK
        token = f"token of {name}"
        Station.objects.create(
            code=f"walk-{name.replace('_', '-')}",
            name=name,
            kind=kind,
            token_hash=token_hash(token),
        )
        return Asker(name, {COOKIE: token})
    client, person = Client(), cast_member(PEOPLE[name])
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    cookies = {key: morsel.value for key, morsel in client.cookies.items()}
    return Asker(name, cookies, issue_token(person, by=system_actor("walk", "tokens.manage")))


def url_of(address: Address, values: dict[str, Any]) -> str:
    """The address with its parameters filled in."""
    url = "/"
    rest = address.route
    while "<" in rest:
        before, _open, rest = rest.partition("<")
        inner, _close, rest = rest.partition(">")
        url += before + str(values[inner.rpartition(":")[2]])
    return url + rest


def ask(
    asker: Asker,
    address: Address,
    values: dict[str, Any],
    body: dict[str, Any],
    *,
    keep: bool = False,
) -> Answer:
    """Ask as a browser or, below /api/, as a program, and undo whatever it did, unless the caller wants to see it.

    JSON is accepted, not HTML: a refusal is then a line and not a page, four times as quick.
    """
    url = url_of(address, values)
    for method in address.methods:
        with transaction.atomic():
            if address.namespace == "api":
                response = _ask_as_program(asker, method, url, body)
            else:
                response = asker.client().generic(
                    method,
                    url,
                    urlencode(body, doseq=True) if method != "GET" else "",
                    "application/x-www-form-urlencoded",
                    QUERY_STRING=urlencode(body, doseq=True) if method == "GET" else "",
                    HTTP_ACCEPT="application/json",
                )
            answer = judge(response, method)
            close(response)
            transaction.set_rollback(not keep)
        if answer.status != 405:
            return answer
    return answer


def _ask_as_program(asker: Asker, method: str, url: str, body: dict[str, Any]) -> HttpResponse:
    headers = {"HTTP_ACCEPT": "application/json"}
    if asker.token:
        headers["HTTP_AUTHORIZATION"] = f"Bearer {asker.token}"
    query = urlencode(body) if method == "GET" else ""
    asker.browser.cookies.clear()
    return asker.browser.generic(
        method, url, json.dumps(body), "application/json", QUERY_STRING=query, **headers
    )


def close(response: HttpResponse) -> None:
    """End an answer that streams; the test client has closed the others. Keeps the transaction's connection open."""
    if response.streaming:
        request_finished.disconnect(close_old_connections)
        response.close()
        request_finished.connect(close_old_connections)


def judge(response: HttpResponse, method: str) -> Answer:
    """Whether an answer lets the asker in. A refusal of what was sent (400, 409, 422) lets in; 404 does not.

    When the API names missing fields, nobody has looked at rights yet: nothing is known, so it counts as broken.
    """
    status = response.status_code
    location = response.headers.get("Location", "")
    if (status >= 500 and status != 501) or (status == 422 and b'"fields"' in response.content):
        return Answer(BROKEN, status, method, _sentence(response))
    if status in (401, 403, 404) or location.startswith("/account/login/?next="):
        return Answer(REFUSED, status, method, _sentence(response))
    return Answer(OPENS, status, method)


def _sentence(response: HttpResponse) -> str:
    if getattr(response, "exc_info", None):
        return repr(response.exc_info[1])
    if response.streaming:
        return "(stream)"
    return response.content.decode(errors="replace")[:300]

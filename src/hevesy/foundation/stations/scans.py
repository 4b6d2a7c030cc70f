"""What happens when a code is scanned: the apps say where each kind leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from hevesy.foundation.stations import qr


@dataclass(frozen=True, slots=True)
class Target:
    """Where a scanned code leads, and what it was, in words."""

    url: str
    label: str


Resolver = Callable[[str, HttpRequest], "str | Target"]
"""Takes the code and the request (user, station); answers with an address. Refuses with a `Refused`."""

_resolvers: dict[str, Resolver] = {}


def register(kind: str, resolver: Resolver) -> None:
    """Let scans of `kind` be answered by `resolver`; to be called in `AppConfig.ready()`."""
    if kind not in qr.KINDS:
        raise ValueError(f"unknown kind of code {kind!r}")
    _resolvers[kind] = resolver


def resolve(text: str, request: HttpRequest) -> Target:
    """Where this scanned text leads for this user. Raises `qr.CodeRefused` or what the resolver refuses."""
    scanned = qr.read(text)
    resolver = _resolvers.get(scanned.kind)
    if resolver is None:
        raise qr.CodeRefused(
            _("Nothing can be done here with a code of kind %(kind)s.")
            % {"kind": qr.KINDS[scanned.kind]}
        )
    answer = resolver(scanned.code, request)
    if isinstance(answer, Target):
        return answer
    return Target(answer, f"{qr.KINDS[scanned.kind]} {scanned.code}")

"""The box in the top bar: apps register what it can find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise

from hevesy.foundation.ui.chips import Chip
from hevesy.foundation.ui.nav import allowed


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found. `title` is the name, `facts` stand beside it, `line` below; `url` opens it."""

    url: str
    title: str
    facts: tuple[str, ...] = ()
    line: tuple[str, ...] = ()
    chip: Chip | None = None
    icon: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Finder:
    """One source of hits: `find(request, text, limit)` gives those that the request's user may see."""

    label: str | Promise
    find: Callable[[HttpRequest, str, int], list[Hit]]
    permission: str | tuple[str, ...] = ""
    order: int = 100
    limit: int = 6


@dataclass(frozen=True, slots=True)
class HitGroup:
    """Hits of one source under its label."""

    label: str
    hits: list[Hit]


_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Add a source; to be called in `AppConfig.ready()`."""
    if finder not in _finders:
        _finders.append(finder)


def find(request: HttpRequest, text: str) -> list[HitGroup]:
    """Everything that matches `text` and that the request's user may see."""
    groups = []
    for finder in sorted(_finders, key=lambda finder: finder.order):
        if allowed(request, finder.permission):
            hits = finder.find(request, text, finder.limit)
            if hits:
                groups.append(HitGroup(str(finder.label), hits))
    return groups

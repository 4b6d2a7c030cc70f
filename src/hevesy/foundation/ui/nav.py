"""The side bar: every desk registers its entries at start, each user sees those that he may open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

GROUPS: dict[str, str | Promise] = {
    "front": pgettext_lazy("group of the side bar", "Front desk"),
    "exam": pgettext_lazy("group of the side bar", "Examination"),
    "reading": pgettext_lazy("group of the side bar", "Reading"),
    "drugs": pgettext_lazy("group of the side bar", "Drugs"),
    "department": pgettext_lazy("group of the side bar", "Department"),
    "system": pgettext_lazy("group of the side bar", "System"),
}
"""Group titles of the side bar, in their order."""


@dataclass(frozen=True, slots=True)
class Count:
    """A number beside an entry. `tone` is "", "amber" (soon) or "red" (late); a folded bar shows only those two."""

    number: int
    tone: str = ""


Counter = Callable[[HttpRequest], "int | Count"]


@dataclass(frozen=True, slots=True)
class NavEntry:
    """One line of the side bar. `permission` is a code, several codes (any of them suffices) or "" for everybody."""

    group: str
    label: str | Promise
    icon: str
    url_name: str
    permission: str | tuple[str, ...] = ""
    order: int = 100
    count: Counter | None = None
    """Reads how many things wait there, narrowed to what the request's user may see. Must be one quick query."""


@dataclass(frozen=True, slots=True)
class NavLine:
    """A registered entry as one user sees it."""

    label: str
    icon: str
    url: str
    current: bool
    count: Count | None


@dataclass(frozen=True, slots=True)
class NavGroup:
    """A titled group of lines."""

    key: str
    title: str
    lines: list[NavLine]


_entries: list[NavEntry] = []


def register(entry: NavEntry) -> None:
    """Add an entry; to be called in `AppConfig.ready()`."""
    if entry.group not in GROUPS:
        raise ValueError(f"{entry.url_name}: unknown group {entry.group!r}")
    if entry not in _entries:
        _entries.append(entry)


def allowed(request: HttpRequest, permission: str | tuple[str, ...]) -> bool:
    """Whether the request's user holds `permission` (one code, or any of several, or none needed)."""
    user = request.user
    if not user.is_authenticated:
        return False
    codes = (permission,) if isinstance(permission, str) else permission
    return any(not code or user.may(code) for code in codes)


def entries_for(request: HttpRequest) -> list[NavEntry]:
    """The entries that the request's user may open, in their order."""
    seen = [entry for entry in _entries if allowed(request, entry.permission)]
    return sorted(seen, key=lambda entry: (list(GROUPS).index(entry.group), entry.order))


def groups_for(request: HttpRequest, *, path: str | None = None) -> list[NavGroup]:
    """The side bar of the request's user with counts; the entry that contains `path` is the current one."""
    at = request.path if path is None else path
    lines = [(entry, line) for entry in entries_for(request) for line in _line(entry, request)]
    current = max(
        (line.url for _entry, line in lines if at.startswith(line.url)), key=len, default=""
    )
    groups: dict[str, list[NavLine]] = {}
    for entry, line in lines:
        marked = NavLine(line.label, line.icon, line.url, line.url == current, line.count)
        groups.setdefault(entry.group, []).append(marked)
    return [NavGroup(key, str(GROUPS[key]), group) for key, group in groups.items()]


def _line(entry: NavEntry, request: HttpRequest) -> Iterator[NavLine]:
    try:
        url = reverse(entry.url_name)
    except NoReverseMatch:  # the page of a part that is switched off at this site
        return
    count = entry.count(request) if entry.count else None
    if isinstance(count, int):
        count = Count(count)
    yield NavLine(
        str(entry.label), entry.icon, url, False, count if count and count.number else None
    )

"""Places on a page that other apps fill, so that desks meet on one page without importing each other.

`exam.panels` and `exam.actions` (subject: an exam) belong to the pages of an examination; `home.flow` and
`home.cards` (no subject) to the home page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from hevesy.foundation.ui.nav import allowed

logger = logging.getLogger(__name__)

ContextFunction = Callable[[HttpRequest, Any], "dict[str, Any] | None"]


@dataclass(frozen=True, slots=True)
class Filling:
    """One app's part of a slot."""

    slot: str
    template: str
    context: ContextFunction
    permission: str | tuple[str, ...]
    order: int
    place: str


_fillings: dict[str, list[Filling]] = {}


def fill(
    slot: str,
    template: str,
    context: ContextFunction,
    permission: str | tuple[str, ...] = "",
    order: int = 100,
    place: str = "main",
) -> None:
    """Put `template` into `slot`; to be called in `AppConfig.ready()`.

    `context(request, subject)` gives the template's variables, or None to show nothing this time.
    `place` is the column on pages with two: main or side.
    """
    filling = Filling(slot, template, context, permission, order, place)
    filled = _fillings.setdefault(slot, [])
    if filling not in filled:
        filled.append(filling)
        filled.sort(key=lambda filling: filling.order)


def render(
    slot: str, request: HttpRequest, subject: Any = None, *, place: str | None = None
) -> SafeString:
    """The HTML of everything that fills `slot` for this user. One part that fails does not take the page with it."""
    parts = []
    for filling in _fillings.get(slot, []):
        if place is not None and filling.place != place:
            continue
        if not allowed(request, filling.permission):
            continue
        try:
            context = filling.context(request, subject)
            if context is not None:
                parts.append(
                    render_to_string(
                        filling.template, {"subject": subject, **context}, request=request
                    )
                )
        except Exception:
            if settings.DEBUG or getattr(settings, "SLOT_ERRORS_ARE_RAISED", False):
                raise
            logger.exception("Slot %s: %s failed", slot, filling.template)
            parts.append(render_to_string("ui/_slot_failed.html", request=request))
    return mark_safe("".join(parts))

"""Tags and filters for what moves: minutes since a start, activity that falls. Built in like the rest of the kit.

Each shows the state at the time of rendering; the page's scripts take it from there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def share(part: Any, whole: Any) -> str:
    """`part` of `whole` as a percentage for an SVG attribute, kept between 0 % and 100 %."""
    try:
        fraction = float(part) / float(whole)
    except (TypeError, ValueError, ZeroDivisionError):
        return "0%"
    return f"{min(max(fraction, 0.0), 1.0) * 100:.2f}%"


@register.filter
def minutes_since(start: Any) -> int:
    """Whole minutes from `start` (a datetime or ISO text) until now."""
    at = _moment(start)
    return int((timezone.now() - at).total_seconds() // 60) if at else 0


@register.filter
def moment(value: Any) -> str:
    """A datetime as ISO 8601 in UTC, the form in which scripts read it; text passes through."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.get_default_timezone()).isoformat()
    return str(value or "")


@register.simple_tag
def share_between(start: Any, end: Any, whole: Any) -> str:
    """The stretch from `start` to `end` as a share of `whole`, for the width of an SVG rectangle."""
    return share(float(end) - float(start), whole)


def _uptake(now: Any, least: Any, most: Any) -> str:
    elapsed = float(now or 0)
    if elapsed > float(most):
        return "late"
    return "in" if elapsed >= float(least) else "wait"


@register.simple_tag
def uptake_class(now: Any, least: Any, most: Any) -> str:
    """`is-in` within the window, `is-late` past it."""
    state = _uptake(now, least, most)
    return "" if state == "wait" else f"is-{state}"


@register.simple_tag
def uptake_word(
    now: Any, least: Any, most: Any, wait: str = "", within: str = "", late: str = ""
) -> str:
    """What the minutes beside it mean."""
    words = {
        "wait": wait or _("To target"),
        "in": within or _("In window, left"),
        "late": late or _("Past the window"),
    }
    return words[_uptake(now, least, most)]


@register.simple_tag
def uptake_number(now: Any, least: Any, target: Any, most: Any) -> str:
    """The minutes to the target, to the end of the window, or past it."""
    elapsed = float(now or 0)
    state = _uptake(now, least, most)
    if state == "late":
        return _("+{number} min").format(number=int(elapsed - float(most)))
    left = float(most if state == "in" else target) - elapsed
    return _("{number} min").format(number=round(left + 0.499))


@register.simple_tag
def decayed(activity: Any, at: Any, half_life_s: Any) -> str:
    """The activity now: A0 · 2^(−t/T½), written as `activity` writes it; a dash without reference."""
    moment_at = _moment(at)
    try:
        elapsed_s = (timezone.now() - moment_at).total_seconds() if moment_at else 0.0
        value = float(activity) * 2 ** (-elapsed_s / float(half_life_s))
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return "—"
    return activity_text(value) if moment_at else "—"


@register.filter(name="activity")
def activity_text(value: Any) -> str:
    """An activity as people read it: whole from 100 on, one decimal from 1, two below; thin gaps between thousands."""
    if value is None or value == "":
        return "—"
    number = float(value)
    digits = 0 if number >= 99.95 else 1 if number >= 1 else 2
    return f"{number:,.{digits}f}".replace(",", "\u2009")


@register.filter
def clock(value: Any) -> str:
    """A time of day at the site: 10:45."""
    at = _moment(value)
    return f"{timezone.localtime(at):%H:%M}" if at else ""


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value) if value else None
    if isinstance(value, datetime) and timezone.is_naive(value):
        return timezone.make_aware(value)
    return value if isinstance(value, datetime) else None

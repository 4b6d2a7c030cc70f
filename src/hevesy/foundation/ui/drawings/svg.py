"""A few helpers to write SVG elements with escaped attributes."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Value = str | int | float | None


def element(name: str, inside: SafeString | str = "", /, **attributes: Value) -> SafeString:
    """`<name …>inside</name>`; of a name the trailing `_` is dropped, other `_` become `-`; None is left out."""
    pairs = format_html_join(
        "",
        ' {}="{}"',
        (
            (key.rstrip("_").replace("_", "-"), _text(value))
            for key, value in attributes.items()
            if value is not None
        ),
    )
    return format_html("<{}{}>{}</{}>", SafeString(name), pairs, inside, SafeString(name))


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Elements one after the other."""
    return SafeString("".join(parts))


STRETCH = 1.4
"""How much wider than drawn a chart or timeline may be shown, where there is room."""


def natural_width(width: float, *, stretch: float = 1.0) -> str:
    """How wide a drawing of `width` units may become on the page: its letters stay near those around it."""
    return f"{width * stretch / 16:.2f}rem"


def points(pairs: Iterable[tuple[float, float]]) -> str:
    """Coordinates as polylines and polygons take them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def axis_end(value: float) -> float:
    """The end of an axis: a round number not below `value` whose half is round too."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value > 0:
        power /= 10
    return next(
        (
            step * power
            for step in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
            if step * power >= value
        ),
        10 * power,
    )


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)

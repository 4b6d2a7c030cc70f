"""Stacked bars and lines over categories, with a legend and a table behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from hevesy.foundation.ui.drawings.svg import (
    STRETCH,
    axis_end,
    element,
    joined,
    natural_width,
    points,
)

LEFT, TOP, BOTTOM = 36.0, 14.0, 20.0
THICKEST = 56.0
"""A bar is no wider than this, or a chart of one day is one block of colour."""


@dataclass(frozen=True, slots=True)
class Series:
    """One colour: its name and a value per category (None: not measured)."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """`kind`: bars (stacked) or lines. `label` says in a sentence what is to be seen; `limit` must not be crossed."""

    kind: str
    categories: Sequence[str]
    series: Sequence[Series]
    label: str
    unit: str = ""
    limit: float | None = None
    running: int | None = None
    """Index of a category that is not over yet (today); its bars are paler."""
    width: int = 470
    height: int = 190

    def __post_init__(self) -> None:
        if self.kind not in ("bars", "lines"):
            raise ValueError(f"chart kind {self.kind!r}")
        if len(self.series) > 6:
            raise ValueError("a chart has six colours; group the rest")
        for series in self.series:
            if len(series.values) != len(self.categories):
                raise ValueError(
                    f"{series.name}: {len(series.values)} values for {len(self.categories)} categories"
                )


def draw_chart(chart: Chart) -> SafeString:
    """Legend, drawing and table of a chart."""
    legend = format_html(
        '<ul class="hv-legend">{}</ul>',
        format_html_join(
            "",
            '<li><i class="c{}"></i>{}</li>',
            ((number, series.name) for number, series in enumerate(chart.series, 1)),
        ),
    )
    if len(chart.series) < 2:
        legend = SafeString("")
    return legend + _svg(chart) + _table(chart)


def _svg(chart: Chart) -> SafeString:
    count = len(chart.categories)
    wide = chart.width - LEFT
    base = chart.height - BOTTOM
    if chart.kind == "bars":
        totals = [sum(series.values[at] or 0 for series in chart.series) for at in range(count)]
    else:
        totals = [value or 0 for series in chart.series for value in series.values]
    top = axis_end(max([*totals, chart.limit or 0, 0.001]))

    def y(value: float) -> float:
        return base - (base - TOP) * value / top

    step = wide / max(count, 1)
    parts = []
    for part in (0.0, 0.5, 1.0):
        at = y(top * part)
        parts.append(element("line", class_="g", x1=LEFT, x2=chart.width, y1=at, y2=at))
        parts.append(element("text", f"{top * part:g}", x=LEFT - 6, y=at + 4, text_anchor="end"))
    every = max(1, round(count * 34 / wide + 0.499))  # a label needs about 34 px
    for at, category in enumerate(chart.categories):
        if at % every == 0:
            middle = LEFT + step * (at + 0.5)
            parts.append(
                element("text", category, x=middle, y=chart.height - 4, text_anchor="middle")
            )
    if chart.kind == "bars":
        parts += [_bar(chart, at, LEFT + step * at, step, y) for at in range(count)]
    else:
        for number, series in enumerate(chart.series, 1):
            line = [
                (LEFT + step * (at + 0.5), y(value))
                for at, value in enumerate(series.values)
                if value is not None
            ]
            parts.append(element("polyline", class_=f"l{number}", points=points(line)))
            parts += [
                element("circle", class_=f"c{number}", cx=px, cy=py, r=2.5) for px, py in line
            ]
    if chart.limit is not None:
        at = y(chart.limit)
        parts.append(element("line", class_="limit", x1=LEFT, x2=chart.width, y1=at, y2=at))
    return element(
        "svg",
        joined(parts),
        class_="hv-chart",
        viewBox=f"0 0 {chart.width} {chart.height}",
        width=natural_width(chart.width, stretch=STRETCH),
        role="img",
        aria_label=chart.label,
    )


def _bar(
    chart: Chart, at: int, x: float, step: float, place: Callable[[float], float]
) -> SafeString:
    rects, height = [], 0.0
    thick = min(max(step * 0.68, 1), THICKEST)
    for number, series in enumerate(chart.series, 1):
        value = series.values[at] or 0
        if value <= 0:
            continue
        upper, lower = place(height + value), place(height)
        rects.append(
            element(
                "rect",
                class_=f"c{number}",
                x=x + (step - thick) / 2,
                y=upper,
                width=thick,
                height=max(lower - upper - (1 if height else 0), 0.5),
            )
        )
        height += value
    return element("g", joined(rects), class_="faded" if at == chart.running else None)


def _table(chart: Chart) -> SafeString:
    head = format_html_join(
        "", '<th scope="col" class="num">{}</th>', ((s.name,) for s in chart.series)
    )
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                category,
                format_html_join(
                    "",
                    '<td class="num">{}</td>',
                    (("—" if s.values[at] is None else f"{s.values[at]:g}",) for s in chart.series),
                ),
            )
            for at, category in enumerate(chart.categories)
        ),
    )
    return format_html(
        '<details class="hv-more"><summary>{}</summary><table class="hv-table" data-density="compact">'
        '<caption class="visually-hidden">{}</caption><thead><tr><th scope="col">{}</th>{}</tr></thead>'
        "<tbody>{}</tbody></table></details>",
        _("Figures"),
        chart.label,
        chart.unit,
        head,
        rows,
    )

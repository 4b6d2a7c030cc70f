"""Rows over one time axis (rooms, devices) and, below, supply against need on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from hevesy.foundation.ui.drawings.svg import (
    STRETCH,
    axis_end,
    element,
    joined,
    natural_width,
    points,
)

SPAN_KINDS = ("taken", "free", "blocked", "short", "chosen")
LEFT, ROW, CURVE = 92.0, 30.0, 130.0


@dataclass(frozen=True, slots=True)
class Span:
    """Something in a row. `kind`: taken, free, blocked, short (allowed, but activity will not suffice) or chosen."""

    start: datetime
    end: datetime
    kind: str = "taken"
    word: str = ""
    href: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        if self.kind not in SPAN_KINDS:
            raise ValueError(f"span kind {self.kind!r}")


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """A named row: spans, or a load from 0 to 1 per stretch of time (places of an uptake room)."""

    label: str
    spans: Sequence[Span] = ()
    load: Sequence[tuple[datetime, datetime, float]] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A moment at which supply rises."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn. Curves are (time, value) in `unit`; `chain` joins chosen spans as (row number, span)."""

    start: datetime
    end: datetime
    rows: Sequence[TimelineRow]
    label: str
    now: datetime | None = None
    chain: Sequence[tuple[int, Span]] = ()
    supply: Sequence[tuple[datetime, float]] = ()
    need: Sequence[tuple[datetime, float]] = ()
    need_with: Sequence[tuple[datetime, float]] = ()
    deliveries: Sequence[Delivery] = ()
    curve_label: str = ""
    unit: str = ""
    width: int = 780
    """In pixels, about as wide as it will be shown: the letters are 12 px then."""


def draw_timeline(timeline: Timeline) -> SafeString:
    """The rows, and the curves if there are any, as one SVG."""
    drawing = _Drawing(timeline)
    parts = [drawing.hours(), *drawing.rows(), drawing.chain()]
    if timeline.supply:
        parts.append(drawing.curves())
    parts.append(drawing.now())
    return element(
        "svg",
        joined(parts),
        class_="hv-slots",
        viewBox=f"0 0 {timeline.width} {drawing.height:.0f}",
        width=natural_width(timeline.width, stretch=STRETCH),
        role="group",
        aria_label=timeline.label,
    )


class _Drawing:
    def __init__(self, timeline: Timeline) -> None:
        self.it = timeline
        self.right = float(timeline.width)
        self.seconds = max((timeline.end - timeline.start).total_seconds(), 1.0)
        self.rows_end = 18 + ROW * len(timeline.rows)
        self.height = self.rows_end + (CURVE + 34 if timeline.supply else 4)

    def x(self, at: datetime) -> float:
        share = (at - self.it.start).total_seconds() / self.seconds
        return LEFT + (self.right - LEFT) * min(max(share, 0.0), 1.0)

    def hours(self) -> SafeString:
        at = timezone.localtime(self.it.start).replace(minute=0, second=0, microsecond=0)
        step = timedelta(hours=1 if self.seconds <= 12 * 3600 else 2)
        marks = []
        while at <= self.it.end:
            if at >= self.it.start:
                x = self.x(at)
                marks.append(element("line", class_="hour", x1=x, x2=x, y1=16, y2=self.height - 18))
                if x < self.right - 30:
                    marks.append(element("text", f"{at:%H:%M}", x=x + 3, y=11))
            at += step
        return joined(marks)

    def rows(self) -> list[SafeString]:
        drawn = []
        for number, row in enumerate(self.it.rows):
            y = 18 + ROW * number
            drawn.append(element("text", row.label, class_="row", x=0, y=y + 20))
            drawn.append(
                element("line", class_="base", x1=0, x2=self.right, y1=y + ROW, y2=y + ROW)
            )
            drawn += [self.load(start, end, part, y) for start, end, part in row.load]
            drawn += [self.span(span, y) for span in row.spans]
        return drawn

    def load(self, start: datetime, end: datetime, part: float, y: float) -> SafeString:
        high = min(part, 1.0) * (ROW - 6)
        return element(
            "rect",
            class_="load-full" if part >= 1 else "load",
            x=self.x(start) + 1,
            y=y + ROW - 2 - high,
            width=max(self.x(end) - self.x(start) - 2, 1),
            height=high,
        )

    def span(self, span: Span, y: float) -> SafeString:
        x, wide = self.x(span.start), max(self.x(span.end) - self.x(span.start) - 2, 3)
        hint = element("title", span.title) if span.title else SafeString("")
        box = element("rect", hint, class_=span.kind, x=x, y=y + 5, width=wide, height=20, rx=3)
        word = SafeString("")
        # 12 px letters: a Chinese word of n characters needs about 12 n.
        if span.word and (span.kind == "blocked" or wide >= 12 * len(span.word)):
            middle = x + wide / 2 if span.kind == "chosen" else x + 5
            kind = f"{span.kind}-text" if span.kind in ("blocked", "chosen") else None
            word = element("text", span.word, class_=kind, x=middle, y=y + 19)
        drawn = box + word
        if not span.href:
            return drawn
        return element("a", drawn, href=span.href, aria_label=span.title or span.word)

    def chain(self) -> SafeString:
        """A line from each chosen span to the next, the way the patient goes."""
        drawn = []
        for (row, span), (next_row, following) in zip(
            self.it.chain, self.it.chain[1:], strict=False
        ):
            y, next_y = 18 + ROW * row + 15, 18 + ROW * next_row + 15
            x, next_x = self.x(span.end) - 2, (self.x(following.start) + self.x(following.end)) / 2
            end = next_y + (10 if next_row < row else -10)
            drawn.append(
                element("path", class_="chain", d=f"M{x:.1f} {y:.1f}H{next_x:.1f}V{end:.1f}")
            )
        return joined(drawn)

    def now(self) -> SafeString:
        if self.it.now is None or not self.it.start <= self.it.now <= self.it.end:
            return SafeString("")
        x = self.x(self.it.now)
        return element("line", class_="now", x1=x, x2=x, y1=16, y2=self.height - 18)

    def curves(self) -> SafeString:
        top, bottom = self.rows_end + 24, self.rows_end + 14 + CURVE
        values = [
            value
            for curve in (self.it.supply, self.it.need, self.it.need_with)
            for _at, value in curve
        ]
        highest = axis_end(max(values, default=1.0))

        def y(value: float) -> float:
            return bottom - (bottom - top) * max(value, 0.0) / highest

        def line(curve: Sequence[tuple[datetime, float]], name: str) -> SafeString:
            if not curve:
                return SafeString("")
            return element(
                "polyline",
                class_=name,
                points=points((self.x(at), y(value)) for at, value in curve),
            )

        parts = [
            element("text", self.it.curve_label, class_="row", x=0, y=top - 2),
            element("text", self.it.unit, x=0, y=top + 15),
        ]
        for part in (0.0, 0.5, 1.0):
            at = y(highest * part)
            parts.append(element("line", class_="axis", x1=LEFT, x2=self.right, y1=at, y2=at))
            parts.append(
                element("text", f"{highest * part:g}", x=LEFT - 6, y=at + 4, text_anchor="end")
            )
        outline = [(self.x(at), y(value)) for at, value in self.it.supply]
        area = [(outline[0][0], bottom), *outline, (outline[-1][0], bottom)]
        parts.append(element("polygon", class_="supply-area", points=points(area)))
        parts += [
            line(self.it.supply, "supply"),
            line(self.it.need, "need"),
            line(self.it.need_with, "need-with"),
        ]
        for delivery in self.it.deliveries:
            x = self.x(delivery.at)
            parts.append(element("line", class_="delivery", x1=x, x2=x, y1=top - 12, y2=bottom))
            parts.append(element("text", delivery.word, class_="delivery-text", x=x + 5, y=top - 3))
        return format_html("<g>{}</g>", joined(parts))

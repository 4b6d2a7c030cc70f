"""A family tree, from the top down: material → batch → vial → unit → patient, or any other descent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString

from hevesy.foundation.ui.drawings.svg import element, joined, natural_width

KINDS = ("", "rad", "focus", "decay", "ok", "now", "recalled")
WIDE, HIGH, GAP_X, GAP_Y = 116.0, 46.0, 18.0, 24.0
MOST = 6
"""More nodes than this on a level are drawn as the first ones and a count."""


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A box with two lines. `kind`: rad, focus, decay, ok, now, recalled, or "" for plain."""

    id: str
    title: str
    sub: str = ""
    kind: str = ""
    href: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"tree node kind {self.kind!r}")


@dataclass(frozen=True, slots=True)
class Tree:
    """Levels from the top down and the edges between node ids. `label` says the whole tree in one sentence."""

    levels: Sequence[Sequence[TreeNode]]
    edges: Sequence[tuple[str, str]]
    label: str
    more: dict[int, int] = field(default_factory=dict)
    """How many further nodes each level has that were not handed over."""


def draw_tree(tree: Tree) -> SafeString:
    """The tree as one SVG."""
    shown = [list(level[:MOST]) for level in tree.levels]
    columns = max((len(level) for level in shown), default=1)
    width = columns * (WIDE + GAP_X)
    height = len(shown) * (HIGH + GAP_Y) - GAP_Y + 4
    place: dict[str, tuple[float, float]] = {}
    nodes: list[SafeString] = []
    for row, level in enumerate(shown):
        y = 2 + row * (HIGH + GAP_Y)
        step = width / max(len(level), 1)
        for column, node in enumerate(level):
            x = step * (column + 0.5)
            place[node.id] = (x, y)
            nodes.append(_node(node, x, y))
        hidden = len(tree.levels[row]) - len(level) + tree.more.get(row, 0)
        if hidden:
            nodes.append(element("text", f"+{hidden}", x=width - 2, y=y - 6, class_="more"))
    recalled = {node.id for level in shown for node in level if node.kind == "recalled"}
    edges = joined(
        _edge(place[upper], place[lower], upper in recalled and lower in recalled)
        for upper, lower in tree.edges
        if upper in place and lower in place
    )
    return element(
        "svg",
        edges + joined(nodes),
        class_="hv-tree",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=natural_width(width),
        role="group",
        aria_label=tree.label,
    )


def _node(node: TreeNode, x: float, y: float) -> SafeString:
    box = element(
        "rect",
        class_=f"n k-{node.kind}" if node.kind else "n",
        x=x - WIDE / 2,
        y=y,
        width=WIDE,
        height=HIGH,
        rx=6,
    )
    title = element("text", node.title, class_="t", x=x, y=y + (19 if node.sub else 28))
    sub = element("text", node.sub, x=x, y=y + 36) if node.sub else SafeString("")
    drawn = box + title + sub
    return element("a", drawn, href=node.href) if node.href else element("g", drawn)


def _edge(upper: tuple[float, float], lower: tuple[float, float], recalled: bool) -> SafeString:
    (x1, y1), (x2, y2) = upper, lower
    y1 += HIGH
    middle = y2 - GAP_Y / 2
    return element(
        "path",
        class_="edge is-recalled" if recalled else "edge",
        d=f"M{x1:.1f} {y1:.1f}V{middle:.1f}H{x2:.1f}V{y2:.1f}",
    )

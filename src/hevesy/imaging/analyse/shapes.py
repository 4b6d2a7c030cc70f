"""Shapes of regions in pixel coordinates: polygon, ellipse, rectangle, and a list of pixels.

Coordinates and membership are those of `hevesy.imaging.analyse.regions`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.refusal import Refused

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Point: TypeAlias = tuple[float, float]

MAXIMUM_POINTS: Final = 10_000


class RegionRefused(Refused):
    """A region, or a set of them, that cannot be used as it is."""


def refuse_shape(detail: str) -> NoReturn:
    """Refuse a malformed region; `detail` says which and why."""
    raise RegionRefused(
        "bad_regions",
        f"The regions cannot be read: {detail}.",
        f"感兴趣区无法读取：{detail}。",
        detail,
    )


def _centres(rows: int, columns: int) -> tuple[Floats, Floats]:
    return np.arange(columns, dtype=np.float64)[None, :], np.arange(rows, dtype=np.float64)[:, None]


def _keep_inside(box: tuple[float, float, float, float], rows: int, columns: int) -> None:
    left, top, right, bottom = box
    # A thousandth of a pixel: a shape drawn to the very edge of the image is inside it.
    if left < -0.501 or top < -0.501 or right > columns - 0.499 or bottom > rows - 0.499:
        raise RegionRefused(
            "region_outside",
            "A region reaches beyond the image: move it inside, or its counts would be cut off.",
            "感兴趣区超出图像范围，请移入图像内，否则计数不完整。",
            f"x {left:g} to {right:g}, y {top:g} to {bottom:g} in {columns} x {rows}",
        )


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed polygon; even-odd rule. Neighbours that share an edge share no pixel."""

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.points) <= MAXIMUM_POINTS:
            refuse_shape(f"a polygon needs 3 to {MAXIMUM_POINTS} points")

    def mask(self, rows: int, columns: int) -> Bools:
        """Pixels whose centre is inside, (rows, columns). Raises `RegionRefused` outside."""
        points = np.array(self.points)
        _keep_inside((*points.min(axis=0), *points.max(axis=0)), rows, columns)
        x, y = _centres(rows, columns)
        inside = np.zeros((rows, columns), dtype=np.bool_)
        for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
            if y1 == y2:
                continue
            crosses = (y >= min(y1, y2)) & (y < max(y1, y2))
            inside ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        return inside

    def as_json(self) -> dict[str, Any]:
        """As the schema writes it."""
        return {"kind": "polygon", "points": [list(one) for one in self.points]}


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Centre, two half-axes in pixels, and the turn of the first from the x axis towards y."""

    centre: Point
    radii: Point
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        if min(self.radii) <= 0:
            refuse_shape("the radii of an ellipse must be above zero")

    def mask(self, rows: int, columns: int) -> Bools:
        """Pixels whose centre is inside, (rows, columns). Raises `RegionRefused` outside."""
        turn = math.radians(self.angle_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        (cx, cy), (a, b) = self.centre, self.radii
        reach_x, reach_y = math.hypot(a * cos, b * sin), math.hypot(a * sin, b * cos)
        _keep_inside((cx - reach_x, cy - reach_y, cx + reach_x, cy + reach_y), rows, columns)
        x, y = _centres(rows, columns)
        along = ((x - cx) * cos + (y - cy) * sin) / a
        across = ((y - cy) * cos - (x - cx) * sin) / b
        inside: Bools = along**2 + across**2 <= 1.0
        return inside

    def as_json(self) -> dict[str, Any]:
        """As the schema writes it."""
        return {
            "kind": "ellipse",
            "centre": list(self.centre),
            "radii": list(self.radii),
            "angle_deg": self.angle_deg,
        }


@dataclass(frozen=True, slots=True)
class Rectangle:
    """Upper left corner and size. With whole numbers it holds exactly width x height pixels.

    Half open: a centre on the left or upper edge is inside, on the right or lower edge outside.
    """

    corner: Point
    size: Point

    def __post_init__(self) -> None:
        if min(self.size) <= 0:
            refuse_shape("the size of a rectangle must be above zero")

    def mask(self, rows: int, columns: int) -> Bools:
        """Pixels whose centre is inside, (rows, columns). Raises `RegionRefused` outside."""
        (left, top), (width, height) = self.corner, self.size
        # A corner on a pixel's centre takes that pixel, so the far edge may lie one further.
        _keep_inside((left, top, left + width - 1.0, top + height - 1.0), rows, columns)
        x, y = _centres(rows, columns)
        inside: Bools = (x >= left) & (x < left + width) & (y >= top) & (y < top + height)
        return inside

    def as_json(self) -> dict[str, Any]:
        """As the schema writes it."""
        return {"kind": "rectangle", "corner": list(self.corner), "size": list(self.size)}


@dataclass(frozen=True, slots=True)
class Mask:
    """Pixels listed in runs of (row, first column, length): painted or computed regions."""

    runs: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        if not self.runs or any(row < 0 or first < 0 or n < 1 for row, first, n in self.runs):
            refuse_shape("a mask needs runs of [row, first column, length]")

    def mask(self, rows: int, columns: int) -> Bools:
        """The pixels, (rows, columns). Raises `RegionRefused` outside."""
        runs = np.array(self.runs)
        right, bottom = (runs[:, 1] + runs[:, 2]).max() - 1, runs[:, 0].max()
        _keep_inside((0.0, 0.0, float(right), float(bottom)), rows, columns)
        inside = np.zeros((rows, columns), dtype=np.bool_)
        for row, first, length in self.runs:
            inside[row, first : first + length] = True
        return inside

    @classmethod
    def of(cls, inside: Bools) -> Self:
        """The runs of an array of true and false, (rows, columns)."""
        edges = np.diff(np.pad(inside.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        rows, first = np.nonzero(edges == 1)
        after = np.nonzero(edges == -1)[1]
        return cls(
            tuple((int(r), int(a), int(b - a)) for r, a, b in zip(rows, first, after, strict=True))
        )

    def as_json(self) -> dict[str, Any]:
        """As the schema writes it."""
        return {"kind": "mask", "runs": [list(one) for one in self.runs]}


Shape: TypeAlias = Polygon | Ellipse | Rectangle | Mask


def shape_from_json(given: Any, role: str) -> Shape:
    """Read a shape; raises `RegionRefused` (`bad_regions`) naming the region and the fault."""
    if not isinstance(given, Mapping):
        refuse_shape(f"{role}: shape must be an object")
    kind = given.get("kind")
    if kind == "polygon":
        points = given.get("points")
        if not isinstance(points, Sequence) or isinstance(points, str):
            refuse_shape(f"{role}: points must be a list")
        return Polygon(tuple(_pair(one, f"{role}: a point") for one in points))
    if kind == "ellipse":
        angle = given.get("angle_deg", 0.0)
        return Ellipse(
            _pair(given.get("centre"), f"{role}: centre"),
            _pair(given.get("radii"), f"{role}: radii"),
            _pair([angle, 0.0], f"{role}: angle_deg")[0],
        )
    if kind == "rectangle":
        return Rectangle(
            _pair(given.get("corner"), f"{role}: corner"), _pair(given.get("size"), f"{role}: size")
        )
    if kind == "mask":
        runs = given.get("runs")
        if not isinstance(runs, Sequence) or not all(
            isinstance(one, Sequence) and len(one) == 3 and all(type(n) is int for n in one)
            for one in runs
        ):
            refuse_shape(f"{role}: runs must be a list of [row, first column, length]")
        return Mask(tuple((one[0], one[1], one[2]) for one in runs))
    refuse_shape(f"{role}: the kind is polygon, ellipse, rectangle or mask, not {kind!r:.40}")


def _pair(given: Any, what: str) -> Point:
    if (
        isinstance(given, Sequence)
        and not isinstance(given, str)
        and len(given) == 2
        and all(isinstance(n, int | float) and not isinstance(n, bool) for n in given)
        and all(math.isfinite(n) for n in given)
    ):
        return float(given[0]), float(given[1])
    refuse_shape(f"{what} must be two numbers")

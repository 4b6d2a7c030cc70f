"""Solid shapes in patient space and a canvas to paint them on.

Every shape knows its bounding box and a distance-like field in mm that is negative inside; only
its sign near the surface must be right. Fields are evaluated inside the box alone, so hundreds of
small shapes cost little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float32]
Axis = npt.NDArray[np.float32]
Point = tuple[float, float, float]


Condition: TypeAlias = Callable[[Axis, Axis, Axis], npt.NDArray[np.bool_]]


class Shape(Protocol):
    """Anything that can be painted."""

    def bounds(self) -> tuple[Point, Point]:
        """Lower and upper corner in LPS mm."""

    def field(self, x: Axis, y: Axis, z: Axis) -> Field:
        """Distance-like values for broadcastable coordinates, negative inside."""


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Centre, radii along x, y, z, and optionally the direction its third radius points to."""

    centre: Point
    radii: Point
    along: Point | None = None

    def bounds(self) -> tuple[Point, Point]:
        reach = self.radii if self.along is None else (max(self.radii),) * 3
        return _corner(self.centre, reach, -1), _corner(self.centre, reach, 1)

    def field(self, x: Axis, y: Axis, z: Axis) -> Field:
        dx, dy, dz = (a - np.float32(c) for a, c in zip((x, y, z), self.centre, strict=True))
        if self.along is not None:
            first, second, third = _frame(self.along)
            dx, dy, dz = (
                dx * np.float32(axis[0]) + dy * np.float32(axis[1]) + dz * np.float32(axis[2])
                for axis in (first, second, third)
            )
        a, b, c = (np.float32(r) for r in self.radii)
        ring = np.sqrt((dx / a) ** 2 + (dy / b) ** 2 + (dz / c) ** 2)
        return as_field((ring - 1) * min(a, b, c))


@dataclass(frozen=True, slots=True)
class Cone:
    """A tapered capsule from `start` to `end`; flat squeezes it along y (1 is round)."""

    start: Point
    end: Point
    start_mm: float
    end_mm: float
    flat: float = 1.0

    def bounds(self) -> tuple[Point, Point]:
        reach = (max(self.start_mm, self.end_mm),) * 3
        ends = np.array([self.start, self.end])
        return _corner(ends.min(axis=0), reach, -1), _corner(ends.max(axis=0), reach, 1)

    def field(self, x: Axis, y: Axis, z: Axis) -> Field:
        start, axis = np.array(self.start), np.subtract(self.end, self.start)
        dx, dy, dz = (a - np.float32(c) for a, c in zip((x, y, z), start, strict=True))
        length2 = float(axis @ axis) or 1.0
        ax, ay, az = (np.float32(c) for c in axis)
        t = np.clip((dx * ax + dy * ay + dz * az) / np.float32(length2), 0, 1)
        radius = np.float32(self.start_mm) + t * np.float32(self.end_mm - self.start_mm)
        squeeze = np.float32(1.0 / self.flat)
        away = np.sqrt((dx - t * ax) ** 2 + ((dy - t * ay) * squeeze) ** 2 + (dz - t * az) ** 2)
        return as_field(away - radius)


def between(low_z: float, high_z: float) -> Condition:
    """Condition for `Canvas.paint`: z at least `low_z` and below `high_z`."""
    return lambda x, y, z: np.asarray((z >= low_z) & (z < high_z))


def tube(points: Sequence[Point], radius_mm: float | Sequence[float]) -> list[Cone]:
    """Capsules along a smooth curve through `points`; radii at the points or one for all."""
    from scipy.interpolate import PchipInterpolator

    path = np.array(points, dtype=np.float64)
    steps = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    radii = np.broadcast_to(np.asarray(radius_mm, dtype=np.float64), (len(path),))
    count = max(2, int(steps[-1] / 8.0) + 1)
    at = np.linspace(0.0, steps[-1], count)
    curve = PchipInterpolator(steps, path)(at)
    thick = PchipInterpolator(steps, radii)(at)
    return [
        Cone(tuple(a), tuple(b), float(ra), float(rb))
        for a, b, ra, rb in zip(curve[:-1], curve[1:], thick[:-1], thick[1:], strict=True)
    ]


def smooth_union(one: Field, other: Field, blend_mm: float | Field) -> Field:
    """Union of two fields with the crease between them filled over about `blend_mm`."""
    k = np.maximum(np.float32(1e-3), blend_mm)
    near = np.maximum(k - np.abs(one - other), 0) / k
    return as_field(np.minimum(one, other) - near * near * k * np.float32(0.25))


def as_field(values: npt.NDArray[Any]) -> Field:
    """Values as float32, to keep the large grids small."""
    return np.asarray(values, dtype=np.float32)


class Canvas:
    """Labels [k, j, i] on a grid of voxel centres x, y, z in LPS mm."""

    def __init__(self, x: Axis, y: Axis, z: Axis) -> None:
        self.x = x.astype(np.float32)[None, None, :]
        self.y = y.astype(np.float32)[None, :, None]
        self.z = z.astype(np.float32)[:, None, None]
        self.labels = np.zeros((z.size, y.size, x.size), dtype=np.uint8)

    def box(self, low: Point, high: Point) -> tuple[slice, slice, slice]:
        """Index ranges (k, j, i) of the voxels whose centres lie in a box, a voxel to spare."""
        ranges = []
        for axis, a, b in zip((self.z, self.y, self.x), low[::-1], high[::-1], strict=True):
            places = axis.ravel()
            start = int(np.searchsorted(places, a)) - 1
            stop = int(np.searchsorted(places, b, side="right")) + 1
            ranges.append(slice(max(0, start), min(places.size, max(stop, 0))))
        return ranges[0], ranges[1], ranges[2]

    def coordinates(self, box: tuple[slice, slice, slice]) -> tuple[Axis, Axis, Axis]:
        """Broadcastable x, y, z of a box."""
        k, j, i = box
        return self.x[:, :, i], self.y[:, j, :], self.z[k]

    def paint(
        self,
        shape: Shape,
        label: int,
        *,
        over: Sequence[int] | None = None,
        where: Condition | None = None,
        grown_mm: float = 0.0,
    ) -> None:
        """Give `label` to the voxels inside a shape.

        over: only where one of these labels lies. where: only where this condition of x, y, z
        holds. grown_mm: enlarge the shape by this much (shrink if negative).
        """
        low, high = shape.bounds()
        spare = max(grown_mm, 0.0)
        box = self.box(
            (low[0] - spare, low[1] - spare, low[2] - spare),
            (high[0] + spare, high[1] + spare, high[2] + spare),
        )
        x, y, z = self.coordinates(box)
        part = self.labels[box]
        if not part.size:
            return
        inside = shape.field(x, y, z) < grown_mm
        if over is not None:
            inside &= np.isin(part, over)
        if where is not None:
            inside &= where(x, y, z)
        part[inside] = label

    def paint_all(
        self, shapes: Sequence[Shape], label: int, *, over: Sequence[int] | None = None
    ) -> None:
        """Paint several shapes with one label."""
        for shape in shapes:
            self.paint(shape, label, over=over)


Limb: TypeAlias = Ellipsoid | Cone


def mirrored(shape: Limb) -> Limb:
    """The same shape on the other side of the body (x to -x)."""
    if isinstance(shape, Ellipsoid):
        along = None if shape.along is None else _flip(shape.along)
        return Ellipsoid(_flip(shape.centre), shape.radii, along)
    return Cone(_flip(shape.start), _flip(shape.end), shape.start_mm, shape.end_mm, shape.flat)


def both(*shapes: Limb) -> list[Limb]:
    """Shapes and their mirror images."""
    return [*shapes, *(mirrored(shape) for shape in shapes)]


def _corner(centre: npt.ArrayLike, reach: npt.ArrayLike, sign: int) -> Point:
    x, y, z = np.asarray(centre, dtype=np.float64) + sign * np.asarray(reach, dtype=np.float64)
    return (float(x), float(y), float(z))


def _flip(point: Point) -> Point:
    return (-point[0], point[1], point[2])


def _frame(along: Point) -> tuple[Axis, Axis, Axis]:
    """Perpendicular unit vectors, the third along `along`; x, y, z if that is z."""
    third = np.array(along, dtype=np.float64)
    third /= np.linalg.norm(third)
    sideways = (1.0, 0.0, 0.0) if abs(third[0]) < 0.9 else (0.0, -1.0, 0.0)
    second = np.cross(third, sideways)
    second /= np.linalg.norm(second)
    first = np.cross(second, third)
    return first.astype(np.float32), second.astype(np.float32), third.astype(np.float32)

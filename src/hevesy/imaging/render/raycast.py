"""Volume rendering on the processor: tissues of a CT, a PET glowing in them, cuts (clauses 6.21, 6.22).

For phones, print, movies and thumbnails; a browser with a graphics card draws its own. Rays are
parallel. Along each, samples are composited from front to back until nothing behind can show:
each tissue is a plateau, a range of values with a colour and an opacity, lit from the viewer by
the gradient of the values. The PET is composited sample by sample in the same ray, so that what is
in front hides what is behind, whichever volume it comes from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.geometry.orientation import Plane
from hevesy.imaging.geometry.reslice import checked_affine
from hevesy.imaging.geometry.volume import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colour import HOT_IRON, Picture
from hevesy.imaging.render.colourmaps import Table
from hevesy.imaging.render.raycast_kernels import (
    BLOCK,
    block_ranges,
    composite_rows,
    maximum_rows,
)
from hevesy.imaging.render.slices import View, view_grid, whole_view

VERSION: Final = "hevesy-raycast/2"
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Tissue:
    """Values from `low` to `high` (both included) in one colour.

    opacity_per_mm: share of the light that one millimetre stops, 0 to 1; 1 is a hard surface.
    Where ranges overlap, the first of the list counts.
    """

    low: float
    high: float
    colour: Colour
    opacity_per_mm: float

    def __post_init__(self) -> None:
        if not (self.low <= self.high and 0.0 <= self.opacity_per_mm <= 1.0):
            raise _bad_tissue()


@dataclass(frozen=True, slots=True, eq=False)
class Glow:
    """A second volume, coloured by a table between the ends of a window.

    Opacity rises from 0 at the lower end to `opacity_per_mm` at the upper. ratio: 0 shows only
    the tissues, 1 only the glow, at 0.5 both have their full opacity. fixed_to_moving: 4x4 in LPS
    from a point of the first volume to the same anatomy in this one.
    """

    volume: Volume
    window: tuple[float, float]
    table: Table = field(default_factory=lambda: HOT_IRON)
    opacity_per_mm: float = 0.2
    ratio: float = 0.5
    fixed_to_moving: npt.ArrayLike | None = None

    def __post_init__(self) -> None:
        if not (
            self.window[0] < self.window[1]
            and 0.0 <= self.opacity_per_mm <= 1.0
            and 0.0 <= self.ratio <= 1.0
        ):
            raise _bad_tissue()


@dataclass(frozen=True, slots=True)
class HalfSpace:
    """What is kept by a cut: the points with normal · lps <= offset_mm (a unit normal)."""

    normal: tuple[float, float, float]
    offset_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """picture: (rows, columns, 3). opacity: (rows, columns), 0 to 1.

    depth_mm: from the plane of the view, positive away from the viewer, to where half of the light
    is stopped; NaN where that never happens.
    """

    picture: Picture
    opacity: npt.NDArray[np.float32]
    depth_mm: npt.NDArray[np.float32]
    method: str
    version: str = VERSION


def box(low_lps: npt.ArrayLike, high_lps: npt.ArrayLike) -> tuple[HalfSpace, ...]:
    """The six half spaces that keep what lies between two corners."""
    low, high = (np.asarray(corner, dtype=np.float64) for corner in (low_lps, high_lps))
    axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    upper = [HalfSpace(axis, float(high[n])) for n, axis in enumerate(axes)]
    lower = [
        HalfSpace((-axis[0], -axis[1], -axis[2]), float(-low[n])) for n, axis in enumerate(axes)
    ]
    return (*upper, *lower)


def turned_plane(degrees: float, *, tilt_degrees: float = 0.0) -> Plane:
    """What is seen from a side: 0 from the front, 90 onto the patient's left side.

    Angles as in `render.mip`; tilt_degrees raises the viewer towards the head.
    """
    turn, tilt = math.radians(degrees), math.radians(tilt_degrees)
    across = np.array((math.cos(turn), math.sin(turn), 0.0))
    level = np.array((-math.sin(turn), math.cos(turn), 0.0))
    down = -math.cos(tilt) * np.array((0.0, 0.0, 1.0)) + math.sin(tilt) * -level
    return Plane(
        "turned",
        (float(across[0]), float(across[1]), float(across[2])),
        (float(down[0]), float(down[1]), float(down[2])),
    )


def turned_view(
    volume: Volume, degrees: float, *, tilt_degrees: float = 0.0, longest: int = 512
) -> View:
    """The whole volume in a `turned_plane`."""
    return whole_view(volume, turned_plane(degrees, tilt_degrees=tilt_degrees), longest=longest)


def turntable(
    low_lps: npt.ArrayLike,
    high_lps: npt.ArrayLike,
    degrees: Sequence[float],
    *,
    tilt_degrees: float = 0.0,
    longest: int = 512,
) -> tuple[View, ...]:
    """One view per angle of what lies between two corners, all of one size and about one centre.

    longest: picture elements of the longer side.
    """
    low, high = (np.asarray(corner, dtype=np.float64) for corner in (low_lps, high_lps))
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, 8).T
    planes = [turned_plane(one, tilt_degrees=tilt_degrees) for one in degrees]
    wide = max(float(np.ptp(corners @ np.array(plane.axis_u))) for plane in planes)
    tall = max(float(np.ptp(corners @ np.array(plane.axis_v))) for plane in planes)
    spacing = max(wide, tall) / longest
    shape = (max(1, round(tall / spacing)), max(1, round(wide / spacing)))
    x, y, z = (float(one) for one in (low + high) / 2)
    return tuple(View(plane, (x, y, z), shape, spacing) for plane in planes)


def cast(
    volume: Volume,
    view: View,
    tissues: Sequence[Tissue],
    *,
    glow: Glow | None = None,
    keep: Sequence[HalfSpace] = (),
    background: Colour = (0, 0, 0),
    step_mm: float | None = None,
) -> Rendering:
    """Tissues of a volume, and a glow in them, as seen by the viewer of `view`.

    The plane of the view may lie anywhere: rays run through the whole volume in front of and
    behind it. keep: cuts; what lies in all half spaces is shown. step_mm: between samples, by
    default half of the finest voxel spacing. Raises `Refused` "tissue_range" for a tissue or glow
    whose numbers make no sense.
    """
    step = step_mm or min(volume.spacing_mm) / 2
    rays = _Rays(volume, view, step, keep)
    ends = np.array([(one.low, one.high) for one in tissues], np.float64).reshape(-1, 2)
    colours = np.array([one.colour for one in tissues], np.float32).reshape(-1, 3)
    shares = [1.0, 1.0]
    if glow is not None:
        shares = [min(1.0, 2 * (1 - glow.ratio)), min(1.0, 2 * glow.ratio)]
    alphas = np.array(
        [_of_step(one.opacity_per_mm, step) * shares[0] for one in tissues], np.float64
    )
    first = np.ascontiguousarray(volume.array)
    occupied = _occupied(first, [(one.low, one.high) for one in tissues if one.opacity_per_mm > 0])
    second, second_map = np.zeros((1, 1, 1), np.float32), rays.index_map
    second_occupied = np.zeros((1, 1, 1), np.bool_)
    window, table = np.array((0.0, 1.0, 0.0)), np.zeros((256, 3), np.float32)
    if glow is not None and shares[1] > 0:
        between = (
            np.eye(4) if glow.fixed_to_moving is None else checked_affine(glow.fixed_to_moving)
        )
        second = np.ascontiguousarray(glow.volume.array, np.float32)
        second_map = np.ascontiguousarray((glow.volume.lps_to_ijk @ between @ rays.grid)[:3])
        second_occupied = _occupied(second, [(glow.window[0], np.inf)])
        table = glow.table.astype(np.float32)
        window = np.array((*glow.window, _of_step(glow.opacity_per_mm, step) * shares[1]))
    rows, columns = view.shape
    lit = np.empty((rows, columns, 4), np.float32)
    depth = np.empty((rows, columns), np.float32)
    in_parts(
        lambda start, stop: composite_rows(
            first, rays.index_map, rays.to_lps, occupied, ends, colours, alphas,
            second, second_map, second_occupied, table, window,
            rays.cuts, rays.steps, rays.first_mm, step, lit, depth, start, stop,
        ),
        rows,
    )  # fmt: skip
    opacity = lit[..., 3]
    mixed = lit[..., :3] + (1 - opacity[..., None]) * np.array(background, np.float32)
    picture: Picture = np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)
    method = (
        f"front-to-back compositing of {len(tissues)} tissues"
        f"{' and a second volume' if glow else ''}, trilinear, step {step:.3g} mm, gradient shading"
    )
    return Rendering(picture, opacity, depth, method)


def cast_maximum(
    volume: Volume,
    view: View,
    *,
    keep: Sequence[HalfSpace] = (),
    floor: float = 0.0,
    step_mm: float | None = None,
) -> npt.NDArray[np.float32]:
    """Maxima (rows, columns) along the rays of any view; `floor` where a ray meets nothing higher.

    step_mm: by default the finest voxel spacing. With it, for an isotropic volume seen from the
    side, samples lie where `render.mip` takes them.
    """
    step = step_mm or min(volume.spacing_mm)
    rays = _Rays(volume, view, step, keep)
    source = np.ascontiguousarray(volume.array)
    maxima = np.empty(view.shape, np.float32)
    in_parts(
        lambda start, stop: maximum_rows(
            source, rays.index_map, rays.cuts, rays.steps, np.float32(floor), maxima, start, stop
        ),
        view.shape[0],
    )
    return maxima


class _Rays:
    """Where samples lie: (column, row, step) to LPS and to indices, and the cuts in these terms."""

    def __init__(
        self, volume: Volume, view: View, step_mm: float, keep: Sequence[HalfSpace]
    ) -> None:
        normal = view.plane.normal
        away = (volume.corners_lps() - np.asarray(view.centre_lps)) @ normal
        # Whole steps from the plane, or half ones where the axis that the rays follow has an even
        # number of voxels: so a view along an axis through the middle meets voxel centres.
        along = int(np.argmax(np.abs(volume.lps_to_ijk[:3, :3] @ normal)))
        phase = 0.5 if volume.shape_ijk[along] % 2 == 0 else 0.0
        first = math.floor(float(away.min()) / step_mm - phase)
        self.steps = math.ceil(float(away.max()) / step_mm - phase) - first + 1
        self.first_mm = (first + phase) * step_mm
        grid = view_grid(view)
        grid[:3, 2] = normal * step_mm
        grid[:3, 3] += normal * self.first_mm
        self.grid = grid
        self.index_map = np.ascontiguousarray((volume.lps_to_ijk @ grid)[:3])
        self.to_lps = np.ascontiguousarray(volume.lps_to_ijk[:3, :3].T)
        self.cuts = np.array(
            [[*(np.asarray(one.normal) @ grid[:3]), one.offset_mm] for one in keep], np.float64
        ).reshape(-1, 5)


def _of_step(opacity_per_mm: float, step_mm: float) -> float:
    return float(1.0 - (1.0 - opacity_per_mm) ** step_mm)


def _occupied(
    values: npt.NDArray[np.generic], ranges: Sequence[tuple[float, float]]
) -> npt.NDArray[np.bool_]:
    """Which blocks of voxels can hold a sample within one of the ranges."""
    shape = tuple(-(-n // BLOCK) for n in values.shape)
    least, most = np.empty(shape, np.float64), np.empty(shape, np.float64)
    in_parts(lambda start, stop: block_ranges(values, least, most, start, stop), shape[0])
    occupied = np.zeros(shape, np.bool_)
    for low, high in ranges:
        occupied |= (most >= low) & (least <= high)
    return occupied


def _bad_tissue() -> Refused:
    return Refused(
        "tissue_range",
        "A tissue needs a lower value not above its upper one and an opacity between 0 and 1.",
        "组织的下限不得高于上限，不透明度须在 0 到 1 之间。",
    )

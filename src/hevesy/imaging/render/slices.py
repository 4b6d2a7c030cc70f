"""Slices, fusion and thumbnails as uint8 arrays ready for PNG."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import CORONAL, PLANES, Plane, Volume
from hevesy.imaging.render.colour import (
    GREY,
    HOT_IRON,
    INVERSE_GREY,
    Picture,
    coloured,
)
from hevesy.imaging.render.colourmaps import Table

CT_WINDOW: Final = (-160.0, 240.0)
SUV_WINDOW: Final = (0.0, 7.0)
_PROJECTIONS: Final = ("max", "mean", "min")


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle to look at: plane, centre, size in picture elements, and their distance."""

    plane: Plane
    centre_lps: tuple[float, float, float]
    shape: tuple[int, int]
    spacing_mm: float


def whole_view(
    volume: Volume,
    plane: Plane | str = CORONAL,
    *,
    at_lps: npt.ArrayLike | None = None,
    spacing_mm: float | None = None,
    longest: int = 2048,
) -> View:
    """A view of all of a volume in a standard plane through `at_lps`, by default its centre.

    spacing_mm defaults to the finest voxel spacing; it is coarsened so that no side exceeds
    `longest` picture elements.
    """
    plane = PLANES[plane] if isinstance(plane, str) else plane
    corners = volume.corners_lps()
    u, v, n = np.array(plane.axis_u), np.array(plane.axis_v), plane.normal
    width_mm, height_mm = (float(np.ptp(corners @ axis)) for axis in (u, v))
    spacing = max(spacing_mm or min(volume.spacing_mm), width_mm / longest, height_mm / longest)
    centre = np.asarray(volume.centre_lps)
    if at_lps is not None:
        centre = centre + n * float((np.asarray(at_lps, dtype=np.float64) - centre) @ n)
    return View(
        plane,
        (float(centre[0]), float(centre[1]), float(centre[2])),
        (max(1, round(height_mm / spacing)), max(1, round(width_mm / spacing))),
        spacing,
    )


def slice_values(
    volume: Volume,
    view: View,
    *,
    slab_mm: float = 0.0,
    projection: str = "max",
    fixed_to_moving: npt.ArrayLike | None = None,
    outside: float = 0.0,
) -> npt.NDArray[np.float32]:
    """Values (rows, columns) of a volume in a view: any oblique plane, or a thick slab about it.

    slab_mm: thickness, sampled in layers no farther apart than the finest voxel spacing, the
    outer ones half a step inside; so a slab of three slices holds exactly these three. projection:
    "max", "mean" or "min" of the layers that lie inside the volume. fixed_to_moving: 4x4 in LPS
    that takes a point of the view to the same anatomy in the volume (see `geometry.reslice`).
    Raises `ValueError` for axes that are not orthogonal unit vectors, a negative thickness or
    another projection.
    """
    # Here, because the web server imports this module at start-up and compiles nothing.
    from hevesy.imaging.geometry.reslice import checked_affine, gathered

    if projection not in _PROJECTIONS or not slab_mm >= 0:
        raise ValueError(f"a slab has a thickness and one of {', '.join(_PROJECTIONS)}")
    layers = max(1, math.ceil(slab_mm / min(volume.spacing_mm) - 1e-6))
    between = np.eye(4) if fixed_to_moving is None else checked_affine(fixed_to_moving)
    index_map = volume.lps_to_ijk @ between @ view_grid(view, slab_mm, layers)
    found = gathered(volume.array, index_map, (layers, *view.shape), outside=np.nan)
    inside = np.isfinite(found[0])
    if layers > 1:
        inside = np.isfinite(found).any(axis=0)
        if projection == "mean":
            counts = np.maximum(np.isfinite(found).sum(axis=0), 1)
            found = np.nansum(found, axis=0, dtype=np.float64) / counts
        else:
            found = (np.fmax if projection == "max" else np.fmin).reduce(found, axis=0)
    else:
        found = found[0]
    values: npt.NDArray[np.float32] = np.where(inside, found, outside).astype(np.float32)
    return values


def view_grid(view: View, slab_mm: float = 0.0, layers: int = 1) -> npt.NDArray[np.float64]:
    """4x4 that takes (column, row, layer) of a view to LPS mm."""
    axes = np.column_stack((view.plane.axis_u, view.plane.axis_v, view.plane.normal))
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-6):
        raise ValueError("the axes of a plane must be orthogonal unit vectors")
    rows, columns = view.shape
    steps = np.array((view.spacing_mm, view.spacing_mm, slab_mm / layers or 1.0))
    grid = np.eye(4)
    grid[:3, :3] = axes * steps
    middle = (np.array((columns, rows, layers)) - 1) / 2
    grid[:3, 3] = np.asarray(view.centre_lps) - grid[:3, :3] @ middle
    return grid


def slice_picture(
    volume: Volume,
    view: View,
    *,
    window: tuple[float, float] | None = None,
    table: Table | None = None,
) -> Picture:
    """Colours (rows, columns, 3) of one volume; grey for CT and MR, inverse grey for the rest."""
    low, high = window or default_window(volume)
    if table is None:
        table = GREY if volume.modality in ("CT", "MR") else INVERSE_GREY
    return coloured(slice_values(volume, view, outside=low), low, high, table)


def fused_picture(
    below: Volume,
    above: Volume,
    view: View,
    *,
    below_window: tuple[float, float] | None = None,
    above_window: tuple[float, float] | None = None,
    above_table: Table = HOT_IRON,
    alpha: float = 0.5,
    transparent_below: float | None = None,
    fixed_to_moving: npt.ArrayLike | None = None,
) -> Picture:
    """`above` (PET) in colour over `below` (CT or MR) in grey, both sampled in the same plane.

    alpha: share of `above`; 0 is exactly the one, 1 exactly the other. transparent_below: value of
    `above` under which only `below` shows. fixed_to_moving: registration, from a point of `below`
    to the same anatomy in `above`.
    """
    from hevesy.imaging.render.fusion import fused

    below_ends = below_window or default_window(below)
    above_ends = above_window or default_window(above)
    return fused(
        slice_values(below, view, outside=below_ends[0]),
        slice_values(above, view, outside=above_ends[0], fixed_to_moving=fixed_to_moving),
        below_window=below_ends,
        above_window=above_ends,
        below_table=GREY,
        above_table=above_table,
        alpha=alpha,
        transparent_below=transparent_below,
    )


def default_window(volume: Volume) -> tuple[float, float]:
    """Window to begin with: soft tissue for CT, SUV 0 to 7 for PET, else by the values.

    Without fixed units the window runs from 0 (or the lowest value below it) to the 99.8th
    percentile of the values above zero.
    """
    if volume.modality == "CT" and volume.units == "HU":
        return CT_WINDOW
    if volume.units == "SUVbw":
        return SUV_WINDOW
    step = max(1, volume.array.size // 2_000_000)
    sample = volume.array.reshape(-1)[::step]
    positive = sample[sample > 0]
    high = float(np.percentile(positive, 99.8)) if positive.size else 1.0
    low = min(0.0, float(np.percentile(sample, 1)))
    return low, max(high, low + 1e-6)


def thumbnail(volume: Volume, *, size: int = 128, plane: Plane | str | None = None) -> Picture:
    """A square picture (size, size, 3): PET and NM as anterior maxima, CT and MR as a slice."""
    if volume.modality in ("PT", "NM") and plane is None and len(volume.array) > 1:
        return _anterior_maxima(volume, size)
    view = whole_view(volume, plane or "axial", longest=size)
    return _centred(slice_picture(volume, view), size)


def _anterior_maxima(volume: Volume, size: int) -> Picture:
    whole = whole_view(volume, CORONAL, longest=size)
    depth_mm = float(np.ptp(volume.corners_lps() @ CORONAL.normal))
    maxima = slice_values(volume, whole, slab_mm=depth_mm, projection="max")
    low, high = default_window(volume)
    return _centred(coloured(maxima, low, high, INVERSE_GREY), size)


def _centred(picture: Picture, size: int) -> Picture:
    rows, columns = (min(size, n) for n in picture.shape[:2])
    square = np.empty((size, size, 3), dtype=np.uint8)
    square[:] = picture[0, 0]
    top, left = (size - rows) // 2, (size - columns) // 2
    square[top : top + rows, left : left + columns] = picture[:rows, :columns]
    return square


def mip_picture(
    frame: npt.NDArray[Any],
    *,
    window: tuple[float, float] = SUV_WINDOW,
    table: Table = INVERSE_GREY,
) -> Picture:
    """Colours of one frame of a rotating MIP."""
    return coloured(frame, *window, table)

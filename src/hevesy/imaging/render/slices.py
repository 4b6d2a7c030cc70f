"""Slices, fusion and thumbnails as uint8 arrays ready for PNG."""

from __future__ import annotations

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
    blended,
    coloured,
)
from hevesy.imaging.render.colourmaps import Table

CT_WINDOW: Final = (-160.0, 240.0)
SUV_WINDOW: Final = (0.0, 7.0)


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


def slice_values(volume: Volume, view: View, *, outside: float = 0.0) -> npt.NDArray[np.float32]:
    """Values (rows, columns) of a volume in a view."""
    return volume.sample_plane(
        centre_lps=view.centre_lps,
        axis_u=view.plane.axis_u,
        axis_v=view.plane.axis_v,
        shape=view.shape,
        spacing_mm=view.spacing_mm,
        outside=outside,
    )


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
) -> Picture:
    """`above` (PET) in colour over `below` (CT) in grey, both sampled in the same plane."""
    base = slice_picture(below, view, window=below_window, table=GREY)
    over = slice_picture(above, view, window=above_window, table=above_table)
    return blended(base, over, alpha)


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
    count = max(1, round(depth_mm / whole.spacing_mm))
    maxima = np.full(whole.shape, -np.inf, dtype=np.float32)
    for offset in (np.arange(count) - (count - 1) / 2) * whole.spacing_mm:
        at = np.add(whole.centre_lps, offset * CORONAL.normal)
        plane = View(CORONAL, (at[0], at[1], at[2]), whole.shape, whole.spacing_mm)
        np.maximum(maxima, slice_values(volume, plane), out=maxima)
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

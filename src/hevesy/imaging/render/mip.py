"""Rotating maximum intensity projection: the cine of a whole-body scan.

Frame a is seen by a viewer who walked from the front of the patient by a * degrees_per_frame,
counter-clockwise when seen from the head (right-handed about LPS z): frame 0 is the anterior view
with the patient's right on the left of the picture, 90 degrees is the view onto the patient's left
side. With the angle t, picture right is u = (cos t, sin t, 0), away from the viewer is
d = (-sin t, cos t, 0), and picture down is -z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume

FRAMES: Final = 72
# Finer pictures cost time and transfer but show no more of a PET.
_FINEST_MM: Final = 2.5
_WIDEST: Final = 256


@dataclass(frozen=True, slots=True, eq=False)
class RotatingMip:
    """Frames (frame, row, column) of maxima in `units`, and where along the ray each lies.

    depth_mm: signed distance from the plane through centre_lps, positive away from the viewer; 0
    where the ray met nothing above zero. Row 0 is nearest to the head.
    """

    values: npt.NDArray[np.float32]
    depth_mm: npt.NDArray[np.float32]
    degrees_per_frame: float
    spacing_mm: float
    centre_lps: tuple[float, float, float]
    units: str

    def point_lps(self, frame: int, column: float, row: float) -> npt.NDArray[np.float64]:
        """Where in the patient the maximum of a picture element lies, (3,) in mm."""
        count, height, width = self.values.shape
        turn = math.radians((frame % count) * self.degrees_per_frame)
        c, r = (min(max(round(x), 0), n - 1) for x, n in ((column, width), (row, height)))
        across = (column - (width - 1) / 2) * self.spacing_mm
        up = ((height - 1) / 2 - row) * self.spacing_mm
        away = float(self.depth_mm[frame % count, r, c])
        offset = (
            across * math.cos(turn) - away * math.sin(turn),
            across * math.sin(turn) + away * math.cos(turn),
            up,
        )
        return np.add(self.centre_lps, offset)


def rotating_mip(volume: Volume, *, frames: int = FRAMES, floor: float = 0.0) -> RotatingMip:
    """Maxima along `frames` directions about the patient's long axis through the volume's centre.

    In-plane samples are bilinear, one voxel apart along the ray. Voxel columns whose values all
    are `floor` or less are skipped. Only half of an even number of directions is computed: the
    opposite view is its mirror image.
    """
    upright = _upright(volume)
    columns, spacing_mm, centre = upright.columns, upright.spacing_mm, upright.centre_lps
    ny, nx, height = columns.shape
    width = _diameter(nx, ny)
    flat = columns.reshape(ny * nx, height)
    alive = flat.max(axis=1) > floor
    values = np.zeros((frames, height, width), dtype=np.float32)
    depth = np.zeros((frames, height, width), dtype=np.float32)
    half = frames // 2 if frames % 2 == 0 else frames
    for frame in range(half):
        turn = 2 * math.pi * frame / frames
        found, at = _project(flat, alive, (ny, nx), width, turn)
        values[frame], depth[frame] = found, at * np.float32(spacing_mm)
        if half < frames:
            values[frame + half] = values[frame, :, ::-1]
            depth[frame + half] = -depth[frame, :, ::-1]
    return RotatingMip(
        values=values,
        depth_mm=depth,
        degrees_per_frame=360.0 / frames,
        spacing_mm=spacing_mm,
        centre_lps=centre,
        units=volume.units,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Upright:
    """Voxels as columns [y, x, z], isotropic, along the patient's axes, z from the head down."""

    columns: npt.NDArray[np.float32]
    spacing_mm: float
    centre_lps: tuple[float, float, float]


def _upright(volume: Volume) -> _Upright:
    corners = volume.corners_lps()
    low, high = corners.min(axis=0), corners.max(axis=0)
    extent = high - low
    spacing = max(_FINEST_MM, *(extent[:2] / _WIDEST), min(volume.spacing_mm))
    coarse = [max(1, int(spacing / s + 0.01)) for s in volume.spacing_mm]
    if max(coarse) > 1:
        # Fine voxels are averaged first, otherwise most of them would fall between the samples.
        volume = volume.binned((coarse[0], coarse[1], coarse[2]))
    nx, ny, nz = (max(1, round(float(e) / spacing)) for e in extent)
    centre = (low + high) / 2
    axes = [
        centre[axis] + (np.arange(n) - (n - 1) / 2) * spacing for axis, n in enumerate((nx, ny, nz))
    ]
    columns = np.empty((ny, nx, nz), dtype=np.float32)
    grid = np.empty((nx, nz, 3))
    grid[..., 0] = axes[0][:, None]
    grid[..., 2] = axes[2][None, ::-1]
    for row, y in enumerate(axes[1]):
        grid[..., 1] = y
        columns[row] = volume.sample(grid)
    return _Upright(columns, spacing, (float(centre[0]), float(centre[1]), float(centre[2])))


def _diameter(nx: int, ny: int) -> int:
    """Columns of a picture that shows the box from every side, centred as the box is."""
    across = math.ceil(math.hypot(nx, ny)) if min(nx, ny) > 0 else 1
    # Scanners fill a circle inside the square: its corners are empty.
    width = min(across, max(nx, ny))
    return width + (width - nx) % 2


def _project(
    flat: npt.NDArray[np.float32],
    alive: npt.NDArray[np.bool_],
    shape: tuple[int, int],
    width: int,
    turn: float,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Maxima (height, width) and their depth in voxels for one direction."""
    ny, nx = shape
    height = flat.shape[1]
    cosine, sine = math.cos(turn), math.sin(turn)
    # Snapping makes the quarter turns exact, so that they equal plain maxima of the array.
    cosine, sine = (0.0 if abs(x) < 1e-12 else x for x in (cosine, sine))
    reach = width + (nx - width) % 2
    u = (np.arange(width) - (width - 1) / 2)[:, None]
    d = (np.arange(reach) - (reach - 1) / 2)[None, :]
    x = u * cosine - d * sine + (nx - 1) / 2
    y = u * sine + d * cosine + (ny - 1) / 2
    x0, y0 = np.floor(x + 1e-9), np.floor(y + 1e-9)
    wx, wy = x - x0, y - y0
    column = np.broadcast_to(np.arange(width)[:, None], x.shape)
    corners, weights = [], []
    hit = np.zeros(x.shape, dtype=bool)
    for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
        xi, yi = (x0 + dx).astype(np.intp), (y0 + dy).astype(np.intp)
        inside = (xi >= 0) & (xi < nx) & (yi >= 0) & (yi < ny)
        place = np.where(inside, yi * nx + xi, 0)
        weight = (wx if dx else 1 - wx) * (wy if dy else 1 - wy)
        weight = np.where(inside & (weight > 1e-9) & alive[place], weight, 0.0)
        hit |= weight > 0
        corners.append(place)
        weights.append(weight)
    maxima = np.zeros((height, width), dtype=np.float32)
    where = np.zeros((height, width), dtype=np.float32)
    if not hit.any():
        return maxima, where
    # Rays come one after the other, each a run of samples from near to far.
    samples = np.zeros((int(hit.sum()), height), dtype=np.float32)
    for place, weight in zip(corners, weights, strict=True):
        samples += flat[place[hit]] * weight[hit].astype(np.float32)[:, None]
    ray, depth = column[hit], np.broadcast_to(d, x.shape)[hit].astype(np.float32)
    starts = np.flatnonzero(np.diff(ray, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(ray)], strict=True):
        run = samples[start:stop]
        best = run.argmax(axis=0)
        top = run[best, np.arange(height)]
        shown = np.maximum(top, 0)
        maxima[:, ray[start]] = shown
        where[:, ray[start]] = np.where(top > 0, depth[start:stop][best], 0)
    return maxima, where

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
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import in_parts, kernel
from hevesy.imaging.geometry.reslice import AIR_HU, gathered
from hevesy.imaging.geometry.volume import Volume

FRAMES: Final = 72
# Finer pictures cost time and transfer but show no more of a PET.
FINEST_MM: Final = 2.5
WIDEST: Final = 256
# Voxels of a column that are skipped or sampled together; a column's lanes are 8 wide.
_BLOCK: Final = 32
_LANES: Final = 8
# Steps of a ray between looks at how low a block still is.
_REVIEW: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class RotatingMip:
    """Frames (frame, row, column) of maxima in `units`, and where along the ray each lies.

    depth_mm: signed distance from the plane through centre_lps, positive away from the viewer; 0
    where the ray met nothing above the floor. Row 0 is nearest to the head.
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


def rotating_mip(
    volume: Volume,
    *,
    frames: int = FRAMES,
    floor: float | None = None,
    finest_mm: float = FINEST_MM,
    widest: int = WIDEST,
) -> RotatingMip:
    """Maxima along `frames` directions about the patient's long axis through the volume's centre.

    In-plane samples are bilinear, one voxel apart along the ray. floor: the answer where a ray
    meets nothing higher, and the value beyond the volume; by default air for HU, 0 for other
    units. Whatever lies at or below it, or below what the ray has met, is skipped, which changes
    no value: each is the greater of the floor and the true maximum of the samples. Only half of
    an even number of directions is computed: the opposite view is its mirror image, the samples
    of both being the same points.

    The voxels are brought onto an isotropic grid along the patient's axes, no finer than
    finest_mm and no more than `widest` across; where they lie so already, frame 0 is exactly the
    maximum along the back-to-front axis.
    """
    if floor is None:
        floor = AIR_HU if volume.units == "HU" else 0.0
    upright = _upright(volume, floor, finest_mm, widest)
    half = frames // 2 if frames % 2 == 0 else frames
    turns = 2 * math.pi * np.arange(half) / frames
    found, at = _projected(upright.columns, turns, floor)
    values = np.empty((frames, *found.shape[1:]), dtype=np.float32)
    depth = np.empty_like(values)
    values[:half], depth[:half] = found, at * np.float32(upright.spacing_mm)
    if half < frames:
        values[half:], depth[half:] = values[:half, :, ::-1], -depth[:half, :, ::-1]
    return RotatingMip(
        values=values,
        depth_mm=depth,
        degrees_per_frame=360.0 / frames,
        spacing_mm=upright.spacing_mm,
        centre_lps=upright.centre_lps,
        units=volume.units,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Upright:
    """Voxels as columns [y, x, z] in a frame of one voxel of the floor, isotropic, along the
    patient's axes, z from the head down."""

    columns: npt.NDArray[np.float32]
    spacing_mm: float
    centre_lps: tuple[float, float, float]


def _upright(volume: Volume, floor: float, finest_mm: float, widest: int) -> _Upright:
    corners = volume.corners_lps()
    low, high = corners.min(axis=0), corners.max(axis=0)
    extent = high - low
    spacing = max(finest_mm, *(extent[:2] / widest), min(volume.spacing_mm))
    coarse = [max(1, int(spacing / s + 0.01)) for s in volume.spacing_mm]
    if max(coarse) > 1:
        # Fine voxels are averaged first, otherwise most of them would fall between the samples.
        volume = volume.binned((coarse[0], coarse[1], coarse[2]))
    counts = [max(1, round(float(e) / spacing)) for e in extent]
    nx, ny, nz = counts
    centre = (low + high) / 2
    grid = np.diag((spacing, spacing, spacing, 1.0))
    grid[:3, 3] = centre - (np.array(counts) - 1) / 2 * spacing
    index_map = np.round(volume.lps_to_ijk @ grid, 9)
    if np.array_equal(index_map, np.eye(4)) and volume.array.shape == (nz, ny, nx):
        upright = np.ascontiguousarray(volume.array)
    else:
        upright = gathered(volume.array, index_map, (nz, ny, nx), outside=floor)
    columns = np.empty((ny + 2, nx + 2, nz), dtype=np.float32)
    in_parts(lambda a, b: _columns_of(upright, np.float32(floor), columns, a, b), ny + 2)
    return _Upright(columns, spacing, (float(centre[0]), float(centre[1]), float(centre[2])))


@kernel
def _columns_of(upright, floor, columns, start, stop):  # type: ignore[no-untyped-def]
    """[z, y, x] to columns, 16 x 16 at a time so that cache lines are used up."""
    nz, ny, nx = upright.shape
    for y in range(start, stop):
        if y in (0, ny + 1):
            columns[y] = floor
            continue
        columns[y, 0] = floor
        columns[y, nx + 1] = floor
        for x0 in range(0, nx, 16):
            for z0 in range(0, nz, 16):
                for z in range(z0, min(z0 + 16, nz)):
                    for x in range(x0, min(x0 + 16, nx)):
                        columns[y, x + 1, nz - 1 - z] = upright[z, y - 1, x]


def _diameter(nx: int, ny: int) -> int:
    """Columns of a picture that shows the box from every side, centred as the box is."""
    across = math.ceil(math.hypot(nx, ny)) if min(nx, ny) > 0 else 1
    # Scanners fill a circle inside the square: its corners are empty.
    width = min(across, max(nx, ny))
    return width + (width - nx) % 2


def _projected(
    columns: npt.NDArray[np.float32], turns: npt.NDArray[np.float64], floor: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Maxima (turn, row, column) and their depth in voxels; columns as in `_Upright`."""
    ny, nx, nz = columns.shape[0] - 2, columns.shape[1] - 2, columns.shape[2]
    width = _diameter(nx, ny)
    highest = np.empty((ny + 2, nx + 2, -(-nz // _BLOCK)), dtype=np.float32)
    in_parts(lambda start, stop: _highest_of(columns, highest, start, stop), ny + 2)
    cosine, sine = np.cos(turns), np.sin(turns)
    # Snapping makes the quarter turns exact, so that they equal plain maxima of the array.
    cosine[np.abs(cosine) < 1e-12] = 0.0
    sine[np.abs(sine) < 1e-12] = 0.0
    maxima = np.empty((len(turns), width, nz), dtype=np.float32)
    where = np.empty_like(maxima)

    def work(start: int, stop: int) -> None:
        _cast(columns, highest, cosine, sine, np.float32(floor), maxima, where, start, stop)

    in_parts(work, len(turns) * width)
    return maxima.transpose(0, 2, 1), where.transpose(0, 2, 1)


@kernel
def _highest_of(columns, highest, start, stop):  # type: ignore[no-untyped-def]
    """The greatest value of each block of each column; not-a-number counts as nothing."""
    _, nx, nz = columns.shape
    for y in range(start, stop):
        for x in range(nx):
            for block in range(highest.shape[2]):
                top = np.float32(-np.inf)
                for z in range(block * _BLOCK, min(block * _BLOCK + _BLOCK, nz)):
                    top = columns[y, x, z] if columns[y, x, z] > top else top
                highest[y, x, block] = top


@kernel
def _lowest(best, first, lane):  # type: ignore[no-untyped-def]
    """The least of a block; in lanes, because a plain minimum of floats does not vectorise."""
    for n in range(_LANES):
        lane[n] = best[first + n]
    for z in range(first + _LANES, first + _BLOCK, _LANES):
        for n in range(_LANES):
            lane[n] = best[z + n] if best[z + n] < lane[n] else lane[n]
    low = lane[0]
    for n in range(1, _LANES):
        low = lane[n] if lane[n] < low else low
    return low


@kernel
def _cast(columns, highest, cosine, sine, floor, maxima, where, start, stop):  # type: ignore[no-untyped-def]
    """Rays `start` to `stop`, counted over turns and picture columns; all heights of one at once."""
    ny, nx, nz = columns.shape
    blocks = highest.shape[2]
    width = maxima.shape[1]
    best = np.empty(blocks * _BLOCK, dtype=np.float32)
    place = np.empty(blocks * _BLOCK, dtype=np.float32)
    least = np.empty(blocks, dtype=np.float32)
    lane = np.empty(_LANES, dtype=np.float32)
    for ray in range(start, stop):
        turn, column = ray // width, ray % width
        c, s = cosine[turn], sine[turn]
        u = column - (width - 1) / 2
        # Whole voxels in the axis that the ray runs along most: so quarter turns are exact.
        along = ny if abs(c) >= abs(s) else nx
        longest = int(np.ceil(np.hypot(nx, ny)))
        reach = (longest + (longest - along) % 2 - 1) / 2
        best[:] = floor
        place[:] = np.float32(0.0)
        least[:] = floor
        # Beyond the last block's end nothing is sampled and nothing must hold `least` down.
        best[nz:] = np.float32(np.inf)
        steps = int(2 * reach) + 1
        for n in range(steps):
            # From the middle away, then from the middle near: what lies around the patient is
            # lower than what was met inside, and is skipped.
            step = steps // 2 + n if n < steps - steps // 2 else steps - 1 - n
            d = step - reach
            x = u * c - d * s + (nx - 1) / 2
            y = u * s + d * c + (ny - 1) / 2
            if x < 0 or y < 0 or x > nx - 1 or y > ny - 1:
                continue
            x0, y0 = min(int(x), nx - 2), min(int(y), ny - 2)
            h00, h01 = highest[y0, x0], highest[y0, x0 + 1]
            h10, h11 = highest[y0 + 1, x0], highest[y0 + 1, x0 + 1]
            low, high = blocks, 0
            for block in range(blocks):
                if max(max(h00[block], h01[block]), max(h10[block], h11[block])) > least[block]:
                    low = min(low, block)
                    high = block + 1
            if high == 0:
                continue
            wx, wy = np.float32(x - x0), np.float32(y - y0)
            w11 = wx * wy
            w10, w01 = wy - w11, wx - w11
            w00 = np.float32(1.0) - wy - w01
            # Slices, because indices that may be negative to the compiler do not vectorise.
            first, last = low * _BLOCK, min(high * _BLOCK, nz)
            a, b = columns[y0, x0, first:last], columns[y0, x0 + 1, first:last]
            e, f = columns[y0 + 1, x0, first:last], columns[y0 + 1, x0 + 1, first:last]
            met, at = best[first:last], place[first:last]
            away = np.float32(d)
            for z in range(last - first):
                value = w00 * a[z] + w01 * b[z] + w10 * e[z] + w11 * f[z]
                more = value > met[z]
                met[z] = value if more else met[z]
                at[z] = away if more else at[z]
            if n % _REVIEW == 0:
                for block in range(low, high):
                    least[block] = _lowest(best, block * _BLOCK, lane)
        maxima[turn, column] = best[:nz]
        where[turn, column] = place[:nz]

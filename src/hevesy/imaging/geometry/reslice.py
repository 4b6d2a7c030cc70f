"""One volume on the grid of another: the step before fusion, attenuation correction, comparison.

`resliced` takes `Volume`s, `gathered` plain arrays and an index map. Where the two grids are
parallel (PET and CT of one scanner) the weights of each axis are computed once; otherwise the
index of each voxel is stepped along its row.

The border is ITK's: a voxel covers its whole cell, so the edge value continues for half a voxel
beyond the outer centres, and what lies farther out is `outside`. A point exactly on the outer face
counts as inside at both ends (ITK: at the lower end only). Nothing is smoothed: on a much coarser
grid voxels in between are skipped, as ITK does; `Volume.binned` averages first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import in_parts, kernel
from hevesy.imaging.geometry.volume import Volume

# Voxels by which an index may err when grids are taken as parallel; far below what shows in HU.
_PARALLEL_VOXELS: Final = 2e-4
# Rounding must not decide whether a point on the outer face is inside.
_FACE: Final = 1e-6
# Fixed point: one voxel, the part of an index below it, and what one unit of that part is worth.
_ONE: Final = 4294967296.0
_PART: Final = 0xFFFFFFFF
_SMALLEST: Final = np.float32(1.0 / _ONE)
AIR_HU: Final = -1000.0


def resliced(
    moving: Volume,
    onto: Volume,
    *,
    fixed_to_moving: npt.ArrayLike | None = None,
    nearest: bool = False,
    outside: float | None = None,
) -> Volume:
    """Values of `moving` at the voxel centres of `onto`, with the geometry of `onto`.

    fixed_to_moving: 4x4 in LPS mm that takes a point of `onto` to the same anatomy in `moving`
    (the direction of ITK and of `hevesy.imaging.register`); the identity where it is not given.
    nearest: for labels; keeps the type of the array. Otherwise trilinear, float32. outside: value
    beyond `moving`; by default air for HU and 0 for other units. Raises `ValueError` for a matrix
    that is not a finite, invertible, affine 4x4.
    """
    between = np.eye(4) if fixed_to_moving is None else checked_affine(fixed_to_moving)
    if outside is None:
        outside = AIR_HU if moving.units == "HU" else 0.0
    values = gathered(
        moving.array,
        moving.lps_to_ijk @ between @ onto.ijk_to_lps,
        onto.array.shape,
        nearest=nearest,
        outside=outside,
    )
    return replace(
        moving,
        array=values,
        ijk_to_lps=onto.ijk_to_lps,
        frame_of_reference_uid=onto.frame_of_reference_uid,
        slices=(),
        headers=moving.headers[:1],
    )


def checked_affine(matrix: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A finite, invertible, affine 4x4 as float64, or `ValueError`."""
    affine = np.array(matrix, dtype=np.float64)
    if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
        raise ValueError("a transform must be a finite 4x4 matrix")
    if not np.allclose(affine[3], (0, 0, 0, 1)) or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise ValueError("a transform must be affine and invertible")
    return affine


def gathered(
    array: npt.NDArray[Any],
    index_map: npt.ArrayLike,
    shape: tuple[int, ...],
    *,
    nearest: bool = False,
    outside: float = 0.0,
) -> npt.NDArray[Any]:
    """Values of `array` [k, j, i] on a grid of `shape` (nk, nj, ni).

    index_map: 4x4 that takes an index (i, j, k, 1) of the new grid to the fractional index of
    `array`. float32 and trilinear, or, if `nearest`, the type of `array` (halves round up).
    """
    matrix = np.asarray(index_map, dtype=np.float64)
    source = np.ascontiguousarray(array)
    if source.dtype == np.bool_:
        source = source.view(np.uint8)
    elif source.dtype.byteorder not in "=|" or source.dtype == np.float16:
        source = source.astype(
            np.float32 if source.dtype.kind == "f" else source.dtype.newbyteorder("=")
        )
    nk, nj, ni = shape
    found = np.empty((nk, nj, ni), dtype=source.dtype if nearest else np.float32)
    fill = found.dtype.type(outside)
    if _parallel(matrix, (ni, nj, nk)) and not nearest:
        _by_axes(source, matrix, found, fill)
    else:
        rows = np.ascontiguousarray(matrix[:3])
        work = _nearest_rows if nearest else _linear_rows
        in_parts(
            lambda start, stop: work(source, rows, found, fill, start, stop), nk * nj, at_least=64
        )
    return found.view(np.bool_) if nearest and array.dtype == np.bool_ else found


def _parallel(matrix: npt.NDArray[np.float64], shape_ijk: tuple[int, int, int]) -> bool:
    turned = np.abs(matrix[:3, :3] * np.array(shape_ijk))
    np.fill_diagonal(turned, 0.0)
    return bool(turned.sum(axis=1).max() < _PARALLEL_VOXELS)


def _by_axes(
    source: npt.NDArray[Any],
    matrix: npt.NDArray[np.float64],
    found: npt.NDArray[np.float32],
    fill: np.float32,
) -> None:
    (i0, i1, wi, a, b), (j0, j1, wj, ja, jb), (k0, k1, wk, ka, kb) = (
        _axis_weights(matrix[axis, axis], matrix[axis, 3], out, size)
        for axis, (out, size) in enumerate(zip(found.shape[::-1], source.shape[::-1], strict=True))
    )
    if a >= b or ja >= jb or ka >= kb:
        found[:] = fill
        return
    low, high = int(min(i0[a], i0[b - 1])), int(max(i1[a], i1[b - 1])) + 1

    def work(start: int, stop: int) -> None:
        _separable(
            source, found, fill, i0, wi, j0, j1, wj, k0, k1, wk,
            np.array((a, b, ja, jb, ka, kb, low, high)), start, stop,
        )  # fmt: skip

    in_parts(work, found.shape[0])


def _axis_weights(
    step: float, start: float, count: int, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32], int, int]:
    """Lower and upper neighbour, weight of the upper one, and the range that lies inside."""
    place = start + step * np.arange(count)
    inside = np.flatnonzero((place >= -0.5 - _FACE) & (place <= size - 0.5 + _FACE))
    first, beyond = (int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0)
    clamped = np.clip(place, 0.0, size - 1.0)
    lower = clamped.astype(np.int64)
    upper = np.minimum(lower + 1, size - 1)
    return lower, upper, (clamped - lower).astype(np.float32), first, beyond


@kernel
def _separable(source, found, fill, i0, wi, j0, j1, wj, k0, k1, wk, box, start, stop):  # type: ignore[no-untyped-def]
    a, b, ja, jb, ka, kb, low, high = box
    nj = found.shape[1]
    # One longer than the row: the last voxel has no upper neighbour but itself.
    line = np.empty(high + 1, dtype=np.float32)
    for k in range(start, stop):
        for j in range(nj):
            out = found[k, j]
            if k < ka or k >= kb or j < ja or j >= jb:
                out[:] = fill
                continue
            w11 = wk[k] * wj[j]
            w10 = wk[k] - w11
            w01 = wj[j] - w11
            w00 = np.float32(1.0) - wk[k] - w01
            # Slices, because indices that may be negative to the compiler do not vectorise.
            near0 = source[k0[k], j0[j], low:high]
            near1 = source[k0[k], j1[j], low:high]
            far0 = source[k1[k], j0[j], low:high]
            far1 = source[k1[k], j1[j], low:high]
            for i in range(high - low):
                line[i] = (
                    w00 * np.float32(near0[i])
                    + w01 * np.float32(near1[i])
                    + w10 * np.float32(far0[i])
                    + w11 * np.float32(far1[i])
                )
            out[:a] = fill
            out[b:] = fill
            line[high - low] = line[high - low - 1]
            for i in range(a, b):
                at = np.uint32(i0[i] - low)
                left = line[at]
                out[i] = left + wi[i] * (line[at + np.uint32(1)] - left)


@kernel
def span(x0, dx, low, high, count):  # type: ignore[no-untyped-def]
    """The steps n of range(count) with low <= x0 + n dx <= high, as (first, beyond)."""
    if dx == 0.0:
        return (0, count) if low <= x0 <= high else (0, 0)
    near, far = (low - x0) / dx, (high - x0) / dx
    if near > far:
        near, far = far, near
    first = int(np.ceil(min(max(near, 0.0), float(count))))
    last = int(np.floor(min(max(far, -1.0), count - 1.0)))
    return first, max(last + 1, first)


@kernel
def row_inside(x, y, z, dx, dy, dz, ni, nj, nk, margin, count):  # type: ignore[no-untyped-def]
    """Steps of a row within `margin` voxels of the outer centres of an array, (first, beyond)."""
    a0, a1 = span(x, dx, -margin, ni - 1 + margin, count)
    b0, b1 = span(y, dy, -margin, nj - 1 + margin, count)
    c0, c1 = span(z, dz, -margin, nk - 1 + margin, count)
    first = max(a0, b0, c0)
    return first, max(min(a1, b1, c1), first)


@kernel
def cell(values, x, y, z):  # type: ignore[no-untyped-def]
    """Trilinear value at an index (x, y, z) whose outer half voxels repeat the edge."""
    nk, nj, ni = values.shape
    x = min(max(x, 0.0), ni - 1.0)
    y = min(max(y, 0.0), nj - 1.0)
    z = min(max(z, 0.0), nk - 1.0)
    i0, j0, k0 = int(x), int(y), int(z)
    i1, j1, k1 = min(i0 + 1, ni - 1), min(j0 + 1, nj - 1), min(k0 + 1, nk - 1)
    u, v, w = np.float32(x - i0), np.float32(y - j0), np.float32(z - k0)
    a = np.float32(values[k0, j0, i0])
    a += u * (np.float32(values[k0, j0, i1]) - a)
    b = np.float32(values[k0, j1, i0])
    b += u * (np.float32(values[k0, j1, i1]) - b)
    c = np.float32(values[k1, j0, i0])
    c += u * (np.float32(values[k1, j0, i1]) - c)
    d = np.float32(values[k1, j1, i0])
    d += u * (np.float32(values[k1, j1, i1]) - d)
    a += v * (b - a)
    c += v * (d - c)
    return a + w * (c - a)


@kernel
def _linear_rows(source, rows, found, fill, start, stop):  # type: ignore[no-untyped-def]
    nk, nj, ni = source.shape
    _, height, width = found.shape
    flat = source.ravel()
    plane, line, one = nj * ni, np.uint64(ni), np.uint64(1)
    dx, dy, dz = rows[0, 0], rows[1, 0], rows[2, 0]
    step_x, step_y, step_z = (
        int(np.rint(dx * _ONE)),
        int(np.rint(dy * _ONE)),
        int(np.rint(dz * _ONE)),
    )
    for row in range(start, stop):
        k, j = row // height, row % height
        out = found[k, j]
        x0 = rows[0, 1] * j + rows[0, 2] * k + rows[0, 3]
        y0 = rows[1, 1] * j + rows[1, 2] * k + rows[1, 3]
        z0 = rows[2, 1] * j + rows[2, 2] * k + rows[2, 3]
        first, beyond = row_inside(x0, y0, z0, dx, dy, dz, ni, nj, nk, 0.5 + 1e-6, width)
        # Inside by a hair, so that all eight neighbours exist without a question.
        inner, outer = row_inside(x0, y0, z0, dx, dy, dz, ni, nj, nk, -1e-6, width)
        if inner >= outer:
            inner = outer = beyond
        out[:first] = fill
        out[beyond:] = fill
        for i in range(first, inner):
            out[i] = cell(source, x0 + i * dx, y0 + i * dy, z0 + i * dz)
        # Stepping whole numbers of 2^-32 voxels is a third faster than doubles; over a row of a
        # thousand voxels it drifts by 1e-7 voxel.
        x = int((x0 + inner * dx) * _ONE)
        y = int((y0 + inner * dy) * _ONE)
        z = int((z0 + inner * dz) * _ONE)
        for i in range(inner, outer):
            at = np.uint64((z >> 32) * plane + (y >> 32) * ni + (x >> 32))
            below = at + np.uint64(plane)
            u = np.float32(x & _PART) * _SMALLEST
            v = np.float32(y & _PART) * _SMALLEST
            w = np.float32(z & _PART) * _SMALLEST
            x += step_x
            y += step_y
            z += step_z
            a = np.float32(flat[at])
            a += u * (np.float32(flat[at + one]) - a)
            b = np.float32(flat[at + line])
            b += u * (np.float32(flat[at + line + one]) - b)
            c = np.float32(flat[below])
            c += u * (np.float32(flat[below + one]) - c)
            d = np.float32(flat[below + line])
            d += u * (np.float32(flat[below + line + one]) - d)
            a += v * (b - a)
            c += v * (d - c)
            out[i] = a + w * (c - a)
        for i in range(outer, beyond):
            out[i] = cell(source, x0 + i * dx, y0 + i * dy, z0 + i * dz)


@kernel
def _nearest_rows(source, rows, found, fill, start, stop):  # type: ignore[no-untyped-def]
    nk, nj, ni = source.shape
    _, height, width = found.shape
    dx, dy, dz = rows[0, 0], rows[1, 0], rows[2, 0]
    for row in range(start, stop):
        k, j = row // height, row % height
        out = found[k, j]
        x0 = rows[0, 1] * j + rows[0, 2] * k + rows[0, 3]
        y0 = rows[1, 1] * j + rows[1, 2] * k + rows[1, 3]
        z0 = rows[2, 1] * j + rows[2, 2] * k + rows[2, 3]
        first, beyond = row_inside(x0, y0, z0, dx, dy, dz, ni, nj, nk, 0.5 + 1e-6, width)
        out[:first] = fill
        out[beyond:] = fill
        for i in range(first, beyond):
            x = min(max(int(np.floor(x0 + i * dx + 0.5)), 0), ni - 1)
            y = min(max(int(np.floor(y0 + i * dy + 0.5)), 0), nj - 1)
            z = min(max(int(np.floor(z0 + i * dz + 0.5)), 0), nk - 1)
            out[i] = source[z, y, x]

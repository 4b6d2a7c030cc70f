"""Trilinear sampling of voxel arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

# Points per round: eight gathers of this many floats stay in cache and bound the memory.
_ROUND = 1 << 18


def trilinear(
    array: npt.NDArray[Any], ijk: npt.NDArray[np.float64], *, outside: float = 0.0
) -> npt.NDArray[np.float32]:
    """Values of `array` [k, j, i] at fractional indices `ijk` (…, 3) ordered (i, j, k).

    Within half a voxel of the outer centres the edge value is continued, as a voxel covers its
    whole cell; beyond, and for NaN, the answer is `outside`.
    """
    points = ijk.reshape(-1, 3)
    found = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), _ROUND):
        part = slice(start, start + _ROUND)
        found[part] = _trilinear_round(array, points[part], outside)
    return found.reshape(ijk.shape[:-1])


def _trilinear_round(
    array: npt.NDArray[Any], points: npt.NDArray[np.float64], outside: float
) -> npt.NDArray[np.float32]:
    nk, nj, ni = array.shape
    size = np.array((ni, nj, nk), dtype=np.float64)
    inside = np.all((points >= -0.5) & (points <= size - 0.5), axis=1)
    clamped = np.clip(np.where(inside[:, None], points, 0.0), 0.0, size - 1.0)
    low = np.minimum(clamped.astype(np.intp), np.maximum(size.astype(np.intp) - 2, 0))
    weight = clamped - low
    # Along an axis of one voxel the upper neighbour is the voxel itself.
    step = (size > 1).astype(np.intp)
    i0, j0, k0 = low.T
    i1, j1, k1 = (low + step).T
    wi, wj, wk = weight.T
    flat = array.reshape(-1)

    def row(k: npt.NDArray[np.intp], j: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        base = (k * nj + j) * ni
        left: npt.NDArray[np.float64] = flat[base + i0].astype(np.float64)
        left += wi * (flat[base + i1] - left)
        return left

    near = row(k0, j0)
    near += wj * (row(k0, j1) - near)
    far = row(k1, j0)
    far += wj * (row(k1, j1) - far)
    near += wk * (far - near)
    found: npt.NDArray[np.float32] = np.where(inside, near, outside).astype(np.float32)
    return found

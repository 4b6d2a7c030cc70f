"""The largest weighted mean around the voxels of a mask, summed tap by tap along rows.

Along a row the same tap meets neighbouring voxels, so that the inner loop is vector code: faster
than a Fourier transform of the box for lesions, and about as fast for organs (bench/segment.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import kernel
from hevesy.imaging.quantify.voi import Mask
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import Box

Array = npt.NDArray[Any]


@kernel
def _line(values: Array, k: int, j: int, first: int, size: int, offset: Array) -> Array:
    # A slice, because a sum of indices might be negative for all the compiler knows, and such a
    # loop does not become vector code.
    start = first + offset[2]
    return np.asarray(values[k + offset[0], j + offset[1], start : start + size])


@kernel
def _row_sums(values: Array, mask: Array, offsets: Array, weights: Array, sums: Array) -> None:
    """Weighted sums around the voxels of each row, from its first to its last in the mask.

    values is larger than mask by the largest offset on every side; offsets count from there
    and come in fours.
    """
    layers, rows, columns = mask.shape
    line = np.empty(columns, np.float64)
    for k in range(layers):
        for j in range(rows):
            first, last = columns, -1
            for i in range(columns):
                if mask[k, j, i]:
                    first, last = min(first, i), i
            if last < 0:
                continue
            size = last + 1 - first
            for i in range(size):
                line[i] = 0.0
            # Four taps at a time: the line is read and written once for all of them.
            for tap in range(0, offsets.shape[0], 4):
                a = _line(values, k, j, first, size, offsets[tap])
                b = _line(values, k, j, first, size, offsets[tap + 1])
                c = _line(values, k, j, first, size, offsets[tap + 2])
                d = _line(values, k, j, first, size, offsets[tap + 3])
                wa, wb, wc, wd = weights[tap], weights[tap + 1], weights[tap + 2], weights[tap + 3]
                for i in range(size):
                    line[i] += wa * a[i] + wb * b[i] + wc * c[i] + wd * d[i]
            for i in range(size):
                sums[k, j, first + i] = line[i]


def sphere_means(
    array: Array, mask: Mask, box: Box, offsets: Array, weights: Array
) -> tuple[float, Array, float]:
    """Largest mean over the voxels of a mask, its centre (k, j, i), and the weight inside / all.

    array: the whole volume; mask: over `box` of it. Taps outside the volume do not count. Of
    several equal means the first counts. Raises `Refused` if a voxel near has no finite value.
    """
    reach = np.abs(offsets).max(axis=0)
    low = np.array([part.start for part in box]) - reach
    high = np.array([part.stop for part in box]) + reach
    first, stop = np.maximum(low, 0), np.minimum(high, array.shape)
    near = array[first[0] : stop[0], first[1] : stop[1], first[2] : stop[2]]
    if not np.all(np.isfinite(near)):
        raise Refused(
            "not_finite",
            "Voxels around the region have no finite value; check the image.",
            "区域周围存在无有效数值的体素，请检查图像。",
        )
    beyond = list(zip(first - low, high - stop, strict=True))
    kind = np.float32 if near.dtype.itemsize <= 4 else np.float64
    padded = np.pad(near.astype(kind, copy=False), beyond)
    # Taps come in fours: empty ones at the middle fill the last four.
    lacking = -len(offsets) % 4
    taps = np.pad(offsets, ((0, lacking), (0, 0))) + reach
    weights = np.pad(weights, (0, lacking))
    sums = np.zeros(mask.shape)
    _row_sums(padded, mask, taps, weights, sums)
    present = np.full(mask.shape, weights.sum())
    if np.any(beyond):
        there = np.pad(np.ones(near.shape, dtype=kind), beyond)
        _row_sums(there, mask, taps, weights, present)
    means = np.where(mask, sums / present, -np.inf)
    best = np.unravel_index(int(np.argmax(means)), mask.shape)
    centre = np.array(best) + [part.start for part in box]
    return float(means[best]), centre, min(float(present[best] / weights.sum()), 1.0)

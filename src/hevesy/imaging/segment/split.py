"""Cutting one region into several along the valleys of its values.

Watersheds from markers (scikit-image); every voxel of the region goes to exactly one part, so
that the volume and the sum of the values are conserved.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

VERSION: Final = "hevesy-split/1"
Array = npt.NDArray[Any]
_FULL: Final = np.ones((3, 3, 3), dtype=np.bool_)


def split(values: Array, mask: Array, *, depth: float = 0.25) -> npt.NDArray[np.int32]:
    """Labels 1, 2, … of the parts of a region, 0 outside it, [k, j, i]; hottest part first.

    A peak makes a part of its own if the way from it to any higher peak of the region goes down
    by at least `depth` times the height of the highest peak above zero (an h-maximum). With no
    such valley the region stays whole. Raises ValueError for a depth outside 0 < depth < 1.
    """
    from scipy.ndimage import label, maximum
    from skimage.morphology import h_maxima
    from skimage.segmentation import watershed

    if not 0 < depth < 1:
        raise ValueError("depth is a fraction between 0 and 1")
    inside = np.asarray(mask, dtype=np.bool_)
    if not inside.any():
        return np.zeros(inside.shape, dtype=np.int32)
    # A rim outside the region, lower than all of it, parts what does not touch.
    heights = np.where(inside, values, -np.inf).astype(np.float64)
    heights = np.pad(heights, 1, constant_values=-np.inf)
    top = float(heights.max())
    low = float(heights[np.isfinite(heights)].min())
    step = depth * top if top > 0 else depth * (top - low)
    heights[~np.isfinite(heights)] = low - 2.0 * max(step, 1e-6)
    peaks = h_maxima(heights, step, _FULL) if step > 0 else heights == top
    seeds, found = label(peaks.astype(np.bool_), _FULL)
    hottest = maximum(heights, seeds, np.arange(1, found + 1))
    order = np.argsort(-np.asarray(hottest), kind="stable")
    rank = np.zeros(found + 1, dtype=np.int32)
    rank[1 + order] = np.arange(1, found + 1)
    basins = watershed(-heights, rank[seeds], connectivity=_FULL, mask=np.pad(inside, 1))
    return np.asarray(basins[1:-1, 1:-1, 1:-1], dtype=np.int32)


def gradient_basin(values: Array, core: Array, outside: Array) -> npt.NDArray[np.bool_]:
    """What belongs to `core` rather than to `outside` when their border follows the steepest edge.

    Watershed of the Gaussian gradient magnitude (sigma 1 voxel), 26 neighbours; masks [k, j, i].
    """
    from scipy.ndimage import gaussian_gradient_magnitude
    from skimage.segmentation import watershed

    slope = gaussian_gradient_magnitude(np.asarray(values, dtype=np.float64), 1.0)
    markers = np.where(core, 1, np.where(outside, 2, 0))
    return np.asarray(watershed(slope, markers, connectivity=_FULL) == 1)

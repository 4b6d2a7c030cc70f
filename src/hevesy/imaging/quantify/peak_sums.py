"""The largest weighted mean around many centres: tap by tap, or through a Fourier transform.

Small regions are summed tap by tap. For a large one a transform of its box finds the few centres
that can be the largest, and these are then summed tap by tap: both ways give the same number.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import fft

from hevesy.imaging.compiled import kernel
from hevesy.imaging.refusal import Refused

Array = npt.NDArray[Any]
# Cost of one tap and of one sample of a transformed box, in ns on the machine of bench/segment.py;
# only their ratio matters, and only for time.
_TAP_NS: Final = 1.0
_SAMPLE_NS: Final = 60.0
# Single precision transforms err by some 1e-6 of the largest value in the box.
_DOUBT: Final = 2e-5


@kernel
def _means(
    values: Array, centres: Array, offsets: Array, weights: Array, means: Array, inside: Array
) -> None:
    layers, rows, columns = values.shape
    for n in range(centres.shape[0]):
        k0, j0, i0 = centres[n, 0], centres[n, 1], centres[n, 2]
        total = 0.0
        weight = 0.0
        for tap in range(offsets.shape[0]):
            k, j, i = k0 + offsets[tap, 0], j0 + offsets[tap, 1], i0 + offsets[tap, 2]
            if 0 <= k < layers and 0 <= j < rows and 0 <= i < columns:
                total += weights[tap] * values[k, j, i]
                weight += weights[tap]
        means[n] = total / weight
        inside[n] = weight


def sphere_means(
    array: Array, centres: Array, offsets: Array, weights: Array
) -> tuple[float, Array, float]:
    """Largest mean over the centres (n, 3), its centre (k, j, i), and its weight inside / all.

    Of several equal means the first centre counts.
    """
    reach = np.abs(offsets).max(axis=0)
    first = np.maximum(centres.min(axis=0) - reach, 0)
    stop = np.minimum(centres.max(axis=0) + reach + 1, array.shape)
    box = array[first[0] : stop[0], first[1] : stop[1], first[2] : stop[2]]
    samples = float(np.prod(stop - first + 2 * reach))
    if not np.all(np.isfinite(box)):
        raise Refused(
            "not_finite",
            "Voxels around the region have no finite value; check the image.",
            "区域周围存在无有效数值的体素，请检查图像。",
        )
    if len(centres) * len(offsets) * _TAP_NS > samples * _SAMPLE_NS:
        cut = np.any(centres.min(axis=0) < reach) or np.any(stop - reach <= centres.max(axis=0))
        centres = _likely(box, first, centres, offsets, weights, cut=bool(cut))
    means, inside = np.empty(len(centres)), np.empty(len(centres))
    near = np.ascontiguousarray(box, dtype=np.float32 if box.dtype.itemsize <= 4 else np.float64)
    _means(near, centres - first, offsets, weights, means, inside)
    best = int(np.argmax(means))
    return float(means[best]), centres[best], min(float(inside[best] / weights.sum()), 1.0)


def _likely(
    box: Array, first: Array, centres: Array, offsets: Array, weights: Array, *, cut: bool
) -> Array:
    """The centres whose mean may be the largest, judged by a convolution of the box.

    cut: some spheres leave the volume, so that the sums need their own weights.
    """
    reach = np.abs(offsets).max(axis=0)
    values = box.astype(np.float32)
    shape = [
        fft.next_fast_len(n + int(r), real=True) for n, r in zip(box.shape, reach, strict=True)
    ]
    # A correlation: offsets enter with their sign turned, negative ones wrap around.
    taps = np.zeros(shape, dtype=np.float32)
    taps[tuple(-offsets.T)] = weights
    spectrum = fft.rfftn(taps)
    sums = fft.irfftn(fft.rfftn(values, shape) * spectrum, shape)
    at = tuple((centres - first).T)
    means = sums[at]
    if cut:
        present = fft.irfftn(fft.rfftn(np.ones_like(values), shape) * spectrum, shape)
        means = means / present[at]
    doubt = _DOUBT * float(np.abs(values).max())
    return np.asarray(centres[means >= means.max() - doubt])

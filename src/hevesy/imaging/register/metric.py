"""Mutual information of two grey pictures, and where it grows: the two compiled loops of the search.

After Mattes et al., IEEE Trans Med Imaging 2003;22:120: the joint histogram has sharp bins along the
fixed values and cubic B-splines of four bins along the moving ones, so that it changes smoothly
with the place. With p(f, m) its share, the mutual information is sum p ln(p / (p(f) p(m))) in nat,
and its slope for one sample is the slope of the four weights times ln(p / p(m)): whatever does
not depend on m falls out, because the four weights always add up to 1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import kernel
from hevesy.imaging.register.matrices import Matrix

BINS: Final = 32


def moving_scale(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Lowest value and bins per unit, so that every value has four bins of its own."""
    least, most = float(values.min()), float(values.max())
    return least, (BINS - 5.0) / max(most - least, 1e-12)


def fixed_bins(values: npt.NDArray[np.float32], least: float, most: float) -> Any:
    """Bin of each fixed value, as uint8."""
    places = (values - least) * (BINS / max(most - least, 1e-12))
    return np.clip(places, 0, BINS - 1).astype(np.uint8)


def information(counts: Matrix) -> tuple[float, Matrix]:
    """Mutual information (nat) of a joint histogram, and ln(p / p(m)) for each of its bins."""
    shares = counts / counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = np.where(shares > 0.0, np.log(shares / shares.sum(axis=0)), 0.0)
        fixed = shares.sum(axis=1)
        of_fixed = np.where(fixed > 0.0, fixed * np.log(fixed), 0.0).sum()
    return float((shares * beside).sum() - of_fixed), beside


@kernel
def fill_joint(
    points: npt.NDArray[np.float32],
    bins: npt.NDArray[np.uint8],
    to_index: Matrix,
    moving: npt.NDArray[np.float32],
    seen: npt.NDArray[np.bool_],
    least: float,
    scale: float,
    counts: Matrix,
    looked: npt.NDArray[np.float32],
) -> int:
    """Add every sample that falls on something seen to `counts` (fixed bin, moving bin).

    points (n, 3): samples, in mm; to_index (3, 4): from them to the voxels i, j, k of `moving`
    [k, j, i]. looked (n, 4): the place of the moving value among the bins, -1 where nothing was
    seen, and its slope per voxel along i, j, k. Returns how many samples were seen.
    """
    size_k, size_j, size_i = moving.shape
    number = 0
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        i = to_index[0, 0] * x + to_index[0, 1] * y + to_index[0, 2] * z + to_index[0, 3]
        j = to_index[1, 0] * x + to_index[1, 1] * y + to_index[1, 2] * z + to_index[1, 3]
        k = to_index[2, 0] * x + to_index[2, 1] * y + to_index[2, 2] * z + to_index[2, 3]
        looked[n, 0] = -1.0
        if not (0.0 <= i <= size_i - 1 and 0.0 <= j <= size_j - 1 and 0.0 <= k <= size_k - 1):
            continue
        if not seen[int(k + 0.5), int(j + 0.5), int(i + 0.5)]:
            continue
        i0, j0, k0 = min(int(i), size_i - 2), min(int(j), size_j - 2), min(int(k), size_k - 2)
        u, v, w = i - i0, j - j0, k - k0
        a, b = moving[k0, j0, i0], moving[k0, j0, i0 + 1]
        c, d = moving[k0, j0 + 1, i0], moving[k0, j0 + 1, i0 + 1]
        e, f = moving[k0 + 1, j0, i0], moving[k0 + 1, j0, i0 + 1]
        g, h = moving[k0 + 1, j0 + 1, i0], moving[k0 + 1, j0 + 1, i0 + 1]
        near_low, near_high = a + u * (b - a), c + u * (d - c)
        far_low, far_high = e + u * (f - e), g + u * (h - g)
        near, far = near_low + v * (near_high - near_low), far_low + v * (far_high - far_low)
        place = (near + w * (far - near) - least) * scale + 2.0
        looked[n, 0] = place
        looked[n, 1] = scale * (
            (1 - w) * ((1 - v) * (b - a) + v * (d - c)) + w * ((1 - v) * (f - e) + v * (h - g))
        )
        looked[n, 2] = scale * (
            (1 - w) * (near_high - near_low) + w * (far_high - far_low)
        )  # fmt: skip
        looked[n, 3] = scale * (far - near)
        first = min(int(place), BINS - 3) - 1
        t = place - (first + 1)
        row = bins[n]
        counts[row, first] += (1 - t) ** 3 / 6
        counts[row, first + 1] += (4 - 6 * t * t + 3 * t * t * t) / 6
        counts[row, first + 2] += (1 + 3 * t + 3 * t * t - 3 * t * t * t) / 6
        counts[row, first + 3] += t * t * t / 6
        number += 1
    return number


@kernel
def add_slopes(
    points: npt.NDArray[np.float32],
    bins: npt.NDArray[np.uint8],
    looked: npt.NDArray[np.float32],
    beside: Matrix,
    sums: Matrix,
) -> None:
    """Sums (3, 4) over the samples of slope times (x, y, z, 1): for each number of an affine map."""
    for n in range(len(points)):
        place = looked[n, 0]
        if place < 0.0:
            continue
        first = min(int(place), BINS - 3) - 1
        t = place - (first + 1)
        row = bins[n]
        force = (
            beside[row, first] * (-0.5 * (1 - t) * (1 - t))
            + beside[row, first + 1] * (1.5 * t * t - 2 * t)
            + beside[row, first + 2] * (0.5 + t - 1.5 * t * t)
            + beside[row, first + 3] * (0.5 * t * t)
        )
        for axis in range(3):
            along = force * looked[n, axis + 1]
            sums[axis, 0] += along * points[n, 0]
            sums[axis, 1] += along * points[n, 1]
            sums[axis, 2] += along * points[n, 2]
            sums[axis, 3] += along

"""A CT without the couch, for pictures: what is thin and not part of the body becomes air."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry.reslice import AIR_HU
from hevesy.imaging.geometry.volume import Volume
from hevesy.imaging.segment.components import components_of

VERSION: Final = "hevesy-couch/1"
_GRID_MM: Final = 4.0
_DENSE_HU: Final = -300.0
# An arm beside the trunk is a part of its own, a hand a small one; crumbs of the couch are smaller.
_LEAST_SHARE: Final = 0.003


def without_couch(ct: Volume) -> tuple[Volume, float]:
    """The CT (in HU) with air outside the patient, and how many mL above -300 HU were taken away.

    On voxels of about 4 mm what is denser than -300 HU is eroded by one voxel, which ends a couch
    of less than 12 mm; parts of at least 0.3 % of the largest grow back by two voxels, are filled
    slice by slice, and one voxel around them stays too. So a rim of the couch of up to 12 mm may
    stay where the patient touches it, and what is thinner than 12 mm and apart from the body (a
    finger, a tube) is lost: only for pictures, never for numbers.
    """
    from scipy.ndimage import binary_dilation, binary_erosion, binary_fill_holes

    factors = [max(1, round(_GRID_MM / own)) for own in ct.spacing_mm]
    coarse = ct.binned((factors[0], factors[1], factors[2]))
    dense = coarse.array > _DENSE_HU
    core = np.ascontiguousarray(binary_erosion(dense, border_value=1))
    parts = components_of(core, core.view(np.uint8), connectivity=6)
    if not len(parts):
        return ct, 0.0
    kept = parts.select(parts.count >= _LEAST_SHARE * parts.count.max()).label_volume() > 0
    kept = binary_dilation(kept, iterations=2, mask=dense)
    for layer in kept:
        layer[:] = binary_fill_holes(layer)
    kept = binary_dilation(kept)
    taken_ml = float(np.count_nonzero(dense & ~kept) * coarse.voxel_mm3 / 1000.0)
    array = np.where(_refined(kept, factors[::-1], ct.array.shape), ct.array, AIR_HU)
    return ct.with_values(array.astype(ct.array.dtype), units=ct.units), taken_ml


def _refined(
    coarse: npt.NDArray[np.bool_], factors: list[int], shape: tuple[int, ...]
) -> npt.NDArray[Any]:
    """A coarse mask on the fine grid; an incomplete block at the far end is as its neighbour."""
    index = [
        np.minimum(np.arange(size) // factor, small - 1)
        for size, factor, small in zip(shape, factors, coarse.shape, strict=True)
    ]
    return coarse[np.ix_(*index)]

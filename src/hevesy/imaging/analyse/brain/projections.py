"""Surface views of a z map, in the manner of 3D stereotactic surface projections.

For every line of sight the largest deviation within a depth below the brain's surface is shown.
Minoshima's original looks along the surface normal for the brightest cortex; looking along the
line of sight is simpler and shows the same cortex, foreshortened at the rim.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

# View to (array axis of the line of sight, from the far end of it, half of the brain: which side).
VIEWS: Final = {
    "right lateral": (2, False, None),
    "left lateral": (2, True, None),
    "superior": (0, True, None),
    "inferior": (0, False, None),
    "anterior": (1, False, None),
    "posterior": (1, True, None),
    "right medial": (2, True, "right"),
    "left medial": (2, False, "left"),
}


def surface_projections(
    z: Floats, brain: Bools, voxel_mm: float, *, depth_mm: float = 13.5, lowered: bool = True
) -> dict[str, Floats]:
    """Views of a map [k, j, i] on a standard grid (i to the left, j to the back, k to the head).

    lowered: show the lowest value (hypometabolism), else the highest. 0 where no brain is. Rows of
    every view run from the head down (superior and inferior: from front to back).
    """
    steps = max(1, round(depth_mm / voxel_mm))
    views = {}
    for name, (axis, from_end, half) in VIEWS.items():
        seen, inside = z, brain
        if half is not None:
            middle = z.shape[2] // 2
            right = np.arange(z.shape[2]) < middle
            keep = right if half == "right" else ~right
            inside = brain & keep[None, None, :]
        seen, inside = np.moveaxis(seen, axis, 0), np.moveaxis(inside, axis, 0)
        if from_end:
            seen, inside = seen[::-1], inside[::-1]
        found = _first_layers(seen, inside, steps, lowered)
        views[name] = found if axis == 0 else found[::-1]
    return views


def _first_layers(values: Floats, inside: Bools, steps: int, lowered: bool) -> Floats:
    below = np.cumsum(inside, axis=0)
    layer = inside & (below <= steps)
    worst = np.inf if lowered else -np.inf
    chosen = np.where(layer, values, worst)
    extreme = chosen.min(axis=0) if lowered else chosen.max(axis=0)
    return np.where(layer.any(axis=0), extreme, 0.0)

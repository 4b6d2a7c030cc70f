"""Normal brains that differ from one another, in standard space, for databases and their tests."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.analyse.brain.regions import BrainRegions

Floats: TypeAlias = npt.NDArray[np.float64]


def make_brain(
    regions: BrainRegions,
    *,
    seed: int | None,
    uptake: dict[str, float] | None = None,
    variation: float = 0.08,
) -> Floats:
    """Activity [k, j, i] on the grid of the regions: cortex 1, a fifth outside the brain's rim.

    seed: a person, with smooth local deviations of that relative SD and a dose of its own; None for
    the average person. uptake: factors by English region name, for disease.
    """
    image = np.where(regions.brain, 1.0, 0.05)
    for label, (name, _) in regions.names.items():
        factor = 1.2 if "striatum" in name else 0.8 if "cerebellum" in name else 1.0
        image[regions.labels == label] *= factor * (uptake or {}).get(name, 1.0)
    if seed is not None:
        rng = np.random.default_rng(seed)
        voxel_mm = float(np.linalg.norm(regions.ijk_to_lps[:3, 0]))
        noise = gaussian_filter(rng.standard_normal(image.shape), 14.0 / voxel_mm)
        image = image * (1 + variation * noise / noise.std()) * rng.uniform(0.5, 2.0)
    return np.asarray(image, dtype=np.float64)

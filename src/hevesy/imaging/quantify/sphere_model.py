"""A uniform sphere seen through a scanner whose blur is an isotropic Gaussian.

Closed form of the convolution; it tells what a perfect measurement of a NEMA image quality sphere
gives, and at which level the outline of a blurred sphere is its true radius.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import erf

FWHM_PER_SIGMA = float(2.0 * np.sqrt(2.0 * np.log(2.0)))


def blurred_sphere(
    distance_mm: npt.ArrayLike, *, radius_mm: float, fwhm_mm: float
) -> npt.NDArray[np.float64]:
    """Fraction of the sphere's contrast that remains at a distance from its centre.

    1 deep inside a large sphere, 0 far away; the image is background + contrast * fraction.
    Raises ValueError unless radius and FWHM are positive.
    """
    if not (radius_mm > 0 and fwhm_mm > 0):
        raise ValueError("radius and FWHM must be positive")
    sigma = fwhm_mm / FWHM_PER_SIGMA
    # At the very centre the formula is 0/0; a ten-thousandth of sigma away it has its limit.
    r: Any = np.maximum(np.asarray(distance_mm, dtype=np.float64), 1e-4 * sigma)
    edges = 0.5 * (
        erf((radius_mm - r) / (np.sqrt(2.0) * sigma))
        + erf((radius_mm + r) / (np.sqrt(2.0) * sigma))
    )
    # exp(-(r-R)²/2s²) - exp(-(r+R)²/2s²), without the difference of two nearly equal numbers.
    tails = -np.exp(-((r - radius_mm) ** 2) / (2.0 * sigma**2)) * np.expm1(
        -2.0 * r * radius_mm / sigma**2
    )
    return np.asarray(edges - sigma / (np.sqrt(2.0 * np.pi) * r) * tails, dtype=np.float64)

"""Numbers that scanners have in common: a PET blurred to the resolution of a standard (EARL).

A copy of the PET is filtered by a Gaussian, measures are taken from the copy and stand beside the
native ones, never in their place; what is looked at stays unfiltered. The width is a scanner's own,
found with a NEMA phantom (`quantify.earl` judges it). The idea of EQ-PET (PMC7594895).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.sphere_model import FWHM_PER_SIGMA
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-harmonise/1"
# Wider than any filter that brings a PET to a standard of resolution.
_WIDEST_MM: Final = 20.0
# In standard deviations; beyond lie 6e-7 of a Gaussian.
_REACH: Final = 5.0


@dataclass(frozen=True, slots=True)
class Harmonisation:
    """A Gaussian of `fwhm_mm` in all directions, and who says so.

    Raises `Refused` "harmonise_width" unless 0 < fwhm_mm <= 20.
    """

    fwhm_mm: float
    source: str = "stated by the caller"
    checked: bool = False
    version: str = VERSION

    def __post_init__(self) -> None:
        if not 0 < self.fwhm_mm <= _WIDEST_MM:
            raise Refused(
                "harmonise_width",
                f"The harmonising filter needs a width (FWHM) above 0 and at most {_WIDEST_MM:g} mm.",
                f"协调化滤波的半高宽须大于 0 且不超过 {_WIDEST_MM:g} mm。",
                f"{self.fwhm_mm}",
            )

    @property
    def method(self) -> str:
        """What the measures' methods say beside their own."""
        return f"of the PET filtered by a Gaussian of {self.fwhm_mm:g} mm FWHM"

    def as_json(self) -> dict[str, Any]:
        """Plain mapping."""
        return {
            "fwhm_mm": self.fwhm_mm,
            "method": self.method,
            "source": self.source,
            "checked": self.checked,
            "version": self.version,
        }

    def named(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """What a measure tells, its method naming the filter as well."""
        return dict(told) | {"method": f"{told['method']}; {self.method}"}


def read_harmonisation(text: str) -> Harmonisation:
    """ "5.5" for a width in mm, or "FILE.toml:NAME" for a row of the department's table.

    The row has fwhm_mm, source and checked. Raises `Refused` "harmonise_width",
    "harmonise_table".
    """
    try:
        return Harmonisation(float(text))
    except Refused:
        raise
    except ValueError:
        pass
    file, _, name = text.rpartition(":")
    try:
        row = tomllib.loads(Path(file).read_text(encoding="utf-8"))[name]
        width, source, checked = float(row["fwhm_mm"]), str(row["source"]), bool(row["checked"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            "harmonise_table",
            "State a width in mm or FILE.toml:NAME, a row with fwhm_mm, source and checked.",
            "请填写半高宽（mm）或 文件.toml:名称，该行须含 fwhm_mm、source、checked。",
            f"{text}: {error!r}",
        ) from None
    return Harmonisation(width, source, checked)


def harmonised(volume: Volume, by: Harmonisation) -> Volume:
    """The volume convolved with the Gaussian, float32, in the same units and place.

    The weights are a Gaussian at the voxel centres whose width is chosen so that their variance is
    that of the filter exactly: on coarse voxels plain samples would be up to a third too narrow.
    At the border the image is mirrored: the sum is preserved.
    """
    from scipy.ndimage import correlate1d

    array: npt.NDArray[Any] = volume.array.astype(np.float32)
    for axis, spacing_mm in enumerate(reversed(volume.spacing_mm)):
        weights = _weights(by.fwhm_mm / FWHM_PER_SIGMA / spacing_mm)
        array = correlate1d(array, weights, axis=axis, mode="reflect")
    return volume.with_values(array, units=volume.units)


def _weights(sigma: float) -> npt.NDArray[np.float64]:
    """Weights of voxels from -n to n with a standard deviation of `sigma` voxels."""
    from scipy.optimize import brentq

    steps = np.arange(-math.ceil(_REACH * (sigma + 0.5)), math.ceil(_REACH * (sigma + 0.5)) + 1)

    def of(width: float) -> npt.NDArray[np.float64]:
        weights = np.exp(-(steps**2) / (2 * width**2))
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    def excess(width: float) -> float:
        return float((of(width) * steps**2).sum()) - sigma**2

    # Samples of a Gaussian are never wider than the Gaussian, and less than half a voxel narrower.
    return of(brentq(excess, 0.99 * sigma, sigma + 0.5, xtol=1e-9))

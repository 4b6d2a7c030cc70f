"""Collimators: the resolution of parallel holes, growing with distance."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.reconstruct.attenuation import lead_per_mm
from hevesy.imaging.reconstruct.words import refused

FWHM_PER_SIGMA: Final = 2.0 * math.sqrt(2.0 * math.log(2.0))


@dataclass(frozen=True, slots=True)
class Collimator:
    """Parallel holes before a crystal.

    hole_mm: across flats; length_mm: of the holes; intrinsic_mm: FWHM of the camera itself.
    penetration_mm: by how much septal penetration shortens the holes, 2 / mu of lead.
    """

    key: str
    hole_mm: float
    length_mm: float
    intrinsic_mm: float
    penetration_mm: float = 0.0
    source: str = ""
    checked: bool = False

    def fwhm_mm(self, distance_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """FWHM at a distance from the collimator face.

        sqrt(g^2 + i^2) with g = D (l + b) / l, l = L - 2/mu, after Anger, J Nucl Med 5 (1964) 515,
        as in Cherry, Sorenson and Phelps, Physics in Nuclear Medicine, chapter 14.
        """
        effective = self.length_mm - self.penetration_mm
        geometric = self.hole_mm * (effective + np.asarray(distance_mm, float)) / effective
        return np.asarray(np.sqrt(geometric**2 + self.intrinsic_mm**2))

    def sigma_mm(self, distance_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Standard deviation of the Gaussian with that FWHM."""
        return self.fwhm_mm(distance_mm) / FWHM_PER_SIGMA


def collimator(name: str, *, energy_kev: float) -> Collimator:
    """A collimator of the table by its key or a name that headers use. Raises `Refused`."""
    row = _table().get(_squeezed(name))
    if row is None:
        raise refused("collimator_unknown", name)
    return with_penetration(row, energy_kev=energy_kev)


def with_penetration(row: Collimator, *, energy_kev: float) -> Collimator:
    """The same holes, shortened by 2 / mu of lead at the photon energy."""
    return Collimator(
        key=row.key,
        hole_mm=row.hole_mm,
        length_mm=row.length_mm,
        intrinsic_mm=row.intrinsic_mm,
        penetration_mm=2.0 / lead_per_mm(energy_kev),
        source=row.source,
        checked=row.checked,
    )


def collimator_keys() -> tuple[str, ...]:
    """Keys of the table."""
    return tuple(sorted({row.key for row in _table().values()}))


@cache
def _table() -> dict[str, Collimator]:
    path = Path(__file__).with_name("collimators.toml")
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["collimator"]
    table = {}
    for row in rows:
        names = [row["key"], *row.pop("names")]
        entry = Collimator(**row)
        table.update({_squeezed(name): entry for name in names})
    return table


def _squeezed(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())

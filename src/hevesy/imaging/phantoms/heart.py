"""A beating left ventricle of known volumes: half an ellipsoid shell, blurred like SPECT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Floats: TypeAlias = npt.NDArray[np.float64]
_FINER = 4


@dataclass(frozen=True, slots=True, eq=False)
class BeatingHeart:
    """gates: counts [gate, k, j, i], short-axis, k from apex to base, j to the inferior wall, i to
    the lateral wall. cavity_ml, wall_mm: truth, mean over each gate. base_mm: the valve plane, mm along k from
    the first slice; centre_mm: the long axis, (i, j) mm.
    """

    gates: Floats
    spacing_mm: tuple[float, float, float]
    cavity_ml: Floats
    wall_mm: Floats
    base_mm: float
    centre_mm: tuple[float, float]


def make_beating_heart(
    *,
    gates: int = 8,
    end_diastole_ml: float = 120.0,
    ejection_fraction: float = 0.6,
    wall_mm: float = 10.0,
    fwhm_mm: float = 12.0,
    voxel_mm: float = 6.0,
    defect: tuple[float, float, float] | None = None,
    counts: float = 0.0,
    seed: int = 1,
    moments: int = 1,
    first_turn: float = 0.0,
) -> BeatingHeart:
    """A cavity whose long half-axis is 2.2 short ones, cut at its widest place by the valve plane.

    The myocardium keeps its volume over the cycle, so that the wall thickens. defect: first angle
    and last angle in degrees (0 = lateral, 90 = inferior) and the uptake there (1 = normal), from
    apex to base. counts: mean of the wall for Poisson noise, 0 for none. moments: that a gate adds
    up; one holds the heart still. first_turn: part of the beat from end diastole to the middle of
    the first gate.
    """
    size = int(np.ceil(150.0 / voxel_mm))
    fine = voxel_mm / _FINER
    line = (np.arange(size * _FINER) + 0.5) * fine - voxel_mm / 2
    middle = (size - 1) / 2 * voxel_mm
    base_mm = 0.78 * size * voxel_mm
    x, y, z = line[None, None, :] - middle, line[None, :, None] - middle, line[:, None, None]
    turns = (np.arange(gates * moments) - (moments - 1) / 2) / (gates * moments)
    phase = 2 * np.pi * (turns + first_turn)
    volumes = end_diastole_ml * (1 - ejection_fraction * (1 - np.cos(phase)) / 2)
    muscle = _half_ellipsoid_ml(_short_mm(end_diastole_ml), wall_mm) - end_diastole_ml
    angle = np.degrees(np.arctan2(y, x)) % 360
    frames, walls = [], []
    for volume in volumes:
        a = _short_mm(volume)
        wall = _wall_for(a, muscle + volume)
        inner = np.sqrt((x / a) ** 2 + (y / a) ** 2 + ((z - base_mm) / (2.2 * a)) ** 2)
        outer = np.sqrt(
            (x / (a + wall)) ** 2 + (y / (a + wall)) ** 2 + ((z - base_mm) / (2.2 * a + wall)) ** 2
        )
        shell = ((inner >= 1) & (outer < 1) & (z < base_mm)).astype(np.float64)
        if defect is not None:
            low, high, uptake = defect
            shell = np.where((angle >= low) & (angle < high), shell * uptake, shell)
        coarse = shell.reshape(size, _FINER, size, _FINER, size, _FINER).mean(axis=(1, 3, 5))
        frames.append(gaussian_filter(coarse, fwhm_mm / 2.354820045 / voxel_mm))
        walls.append(wall)
    per_gate = np.array(frames).reshape(gates, moments, size, size, size).mean(axis=1)
    seen = per_gate * (counts or 100.0)
    if counts:
        seen = np.random.default_rng(seed).poisson(seen).astype(np.float64)
    cavity, wall_of_gate = (
        np.reshape(one, (gates, moments)).mean(axis=1) for one in (volumes, walls)
    )
    return BeatingHeart(seen, (voxel_mm,) * 3, cavity, wall_of_gate, base_mm, (middle, middle))


def _short_mm(volume_ml: float) -> float:
    """Short half-axis of half an ellipsoid with long half-axis 2.2 a: V = 2/3 pi 2.2 a^3."""
    return float((volume_ml * 1000.0 / (2.0 / 3.0 * np.pi * 2.2)) ** (1 / 3))


def _half_ellipsoid_ml(short_mm: float, wall_mm: float) -> float:
    a = short_mm + wall_mm
    return float(2.0 / 3.0 * np.pi * a * a * (2.2 * short_mm + wall_mm) / 1000.0)


def _wall_for(short_mm: float, outer_ml: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(lambda w: _half_ellipsoid_ml(short_mm, w) - outer_ml, 0.1, 60.0))

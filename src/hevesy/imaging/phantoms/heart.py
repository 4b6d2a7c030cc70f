"""A beating left ventricle of known volumes: half an ellipsoid shell, blurred like SPECT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Volume

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


def make_lying_heart(
    *,
    base_lps: tuple[float, float, float],
    apex_lps: tuple[float, float, float],
    wall_mm: float = 10.0,
    wide_mm: float = 27.0,
    fwhm_mm: float = 12.0,
    voxel_mm: float = 6.4,
    defect: tuple[float, float, float] | None = None,
    warm: float = 0.12,
    liver: float = 0.5,
    counts: float = 0.0,
    seed: int = 1,
) -> Volume:
    """A ventricle that lies in a chest, transaxial, by the ends of its cavity's axis.

    base_lps: middle of the valve plane; apex_lps: end of the cavity; mm, within 150 of the origin
    across and 100 along. wide_mm: short half-axis of the cavity. defect: angle in degrees about the
    axis from and to, and its uptake; a range of 360 degrees darkens the third at the apex. warm,
    liver: uptake of the body and of a ball on the right below. counts: in a voxel of the wall, for
    Poisson noise.
    """
    finer = 2
    shape = np.array((32, 48, 48)) * finer
    grid = np.diag([voxel_mm, voxel_mm, voxel_mm, 1.0])
    half = (np.array((48, 48, 32)) - 1) / 2
    grid[:3, 3] = -half * voxel_mm
    z, y, x = (
        (np.arange(n) - (n - 1) / 2).reshape([-1 if a == b else 1 for b in range(3)])
        * voxel_mm
        / finer
        for a, n in enumerate(shape)
    )
    base, apex = np.asarray(base_lps), np.asarray(apex_lps)
    long_mm = float(np.linalg.norm(apex - base))
    axis = (apex - base) / long_mm
    down = (x - base[0]) * axis[0] + (y - base[1]) * axis[1] + (z - base[2]) * axis[2]
    squared = (x - base[0]) ** 2 + (y - base[1]) ** 2 + (z - base[2]) ** 2
    across = np.sqrt(np.maximum(squared - down**2, 0))
    inner = (across / wide_mm) ** 2 + (down / long_mm) ** 2
    outer = (across / (wide_mm + wall_mm)) ** 2 + (down / (long_mm + wall_mm)) ** 2
    shell = ((inner >= 1) & (outer < 1) & (down > 0)).astype(np.float64)
    if defect is not None:
        first, last, uptake = defect
        one = np.cross(axis, (0.0, 0.0, 1.0))
        two = np.cross(axis, one)
        angle = np.degrees(
            np.arctan2(
                (x - base[0]) * two[0] + (y - base[1]) * two[1] + (z - base[2]) * two[2],
                (x - base[0]) * one[0] + (y - base[1]) * one[1] + (z - base[2]) * one[2],
            )
        )
        dark = (angle % 360 >= first) & (angle % 360 < last)
        if last - first >= 360:
            dark = down > 2 / 3 * long_mm
        shell = np.where(dark, shell * uptake, shell)
    body = ((x / 145.0) ** 2 + (y / 105.0) ** 2 < 1) & (outer >= 1)
    ball = (x + 75.0) ** 2 + (y + 10.0) ** 2 + (z + 90.0) ** 2 < 65.0**2
    shell = shell + np.where(ball & (outer >= 1), liver, np.where(body, warm, 0.0))
    shell = np.where((inner < 1) & (down > 0), warm, shell)
    k, j, i = (n // finer for n in shape)
    coarse = shell.reshape(k, finer, j, finer, i, finer).mean(axis=(1, 3, 5))
    seen = gaussian_filter(coarse, fwhm_mm / 2.354820045 / voxel_mm) * (counts or 100.0)
    if counts:
        seen = np.random.default_rng(seed).poisson(seen).astype(np.float64)
    return Volume(seen.astype(np.float32), grid, "CNTS", "NM")

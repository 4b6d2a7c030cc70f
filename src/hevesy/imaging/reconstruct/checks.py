"""Checks of the projections before they are reconstructed: centre of rotation and motion."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Finding
from hevesy.imaging.reconstruct.acquisition import Acquisition, Singles
from hevesy.imaging.reconstruct.words import finding

Floats = npt.NDArray[np.float64]

AXIS_LIMIT_PX: Final = 0.5
MOTION_LIMIT_PX: Final = 1.0
_LARGEST_STEP_PX: Final = 6
_SMOOTHING_PX: Final = 1.5


@dataclass(frozen=True, slots=True)
class AxisFit:
    """Centre of rotation of one detector, from the centroid of the counts over the views.

    offset_px, offset_mm: from where the acquisition takes it, along increasing columns.
    residual_px: RMS of the centroids about the sine. reliable: views over a whole turn; over less,
    attenuation moves the centroid and mimics an offset.
    """

    detector: int
    offset_px: float
    offset_mm: float
    residual_px: float
    reliable: bool
    method: str = "sine through the centroids of opposed views"
    version: str = "hevesy-cor/1"

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        return {
            "detector": self.detector,
            "offset_px": round(self.offset_px, 4),
            "offset_mm": round(self.offset_mm, 3),
            "residual_px": round(self.residual_px, 4),
            "reliable": self.reliable,
            "method": self.method,
            "version": self.version,
        }


def centre_of_rotation(
    acquisition: Acquisition, detectors: npt.NDArray[np.int64] | None = None
) -> tuple[list[AxisFit], list[Finding]]:
    """Fit u(a) = c + p cos a + q sin a to the centroids of each detector's views.

    c is the axis of rotation whatever the object, since opposed views see it mirrored. A `Finding`
    axis_shift is given above 0.5 pixel where the fit is reliable. detectors: number per view.
    """
    numbers = np.ones(len(acquisition.counts), np.int64) if detectors is None else detectors
    centroids, _ = centroids_px(acquisition.counts)
    fits, findings = [], []
    for number in np.unique(numbers):
        own = (numbers == number) & np.isfinite(centroids)
        if own.sum() < 4:
            continue
        angles = np.radians(acquisition.angles_deg[own])
        design = np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)
        shift = centroids[own] - acquisition.axis_u[own]
        solution, *_ = np.linalg.lstsq(design, shift, rcond=None)
        residual = float(np.sqrt(np.mean((shift - design @ solution) ** 2)))
        offset = float(solution[0])
        fit = AxisFit(
            detector=int(number),
            offset_px=offset,
            offset_mm=offset * acquisition.pixel_mm,
            residual_px=residual,
            reliable=_whole_turn(acquisition.angles_deg[own]),
        )
        fits.append(fit)
        if fit.reliable and abs(offset) > AXIS_LIMIT_PX:
            findings.append(
                finding("axis_shift", detector=fit.detector, pixels=offset, mm=fit.offset_mm)
            )
    return fits, findings


def _whole_turn(angles_deg: Floats) -> bool:
    ordered = np.sort(angles_deg % 360.0)
    gaps = np.diff(np.append(ordered, ordered[0] + 360.0))
    return bool(gaps.max() < 30.0)


@dataclass(frozen=True, eq=False)
class Motion:
    """Shifts from view to view: per view, in pixels, against the neighbours in time.

    axial_px: along the patient. lateral_px: across, after the sine of the object's place is taken
    out.
    """

    axial_px: Floats
    lateral_px: Floats
    version: str = "hevesy-motion/1"

    @property
    def worst(self) -> tuple[int, float]:
        """View (from 0) with the largest shift, and that shift."""
        size = np.maximum(np.abs(self.axial_px), np.abs(self.lateral_px))
        view = int(size.argmax())
        return view, float(size[view])

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        view, pixels = self.worst
        return {
            "largest_shift_px": round(pixels, 3),
            "at_view": view + 1,
            "axial_px": [round(float(one), 3) for one in self.axial_px],
            "lateral_px": [round(float(one), 3) for one in self.lateral_px],
            "version": self.version,
        }


def motion(
    acquisition: Acquisition, detectors: npt.NDArray[np.int64] | None = None
) -> tuple[Motion, list[Finding]]:
    """Look for jumps of the object between consecutive views of each detector.

    Axial: shift along z that best matches a view with the one before, to a fraction of a pixel, up
    to six. Lateral: jump of the centroid beyond what a smooth sine asks for. A `Finding` motion is
    given above one pixel. Slow creep is not found.
    """
    numbers = np.ones(len(acquisition.counts), np.int64) if detectors is None else detectors
    axial = np.zeros(len(numbers))
    lateral = np.zeros(len(numbers))
    smooth = gaussian_filter(acquisition.counts, (0.0, _SMOOTHING_PX, _SMOOTHING_PX))
    across, _ = centroids_px(acquisition.counts)
    for number in np.unique(numbers):
        own = np.flatnonzero(numbers == number)
        if len(own) < 6:
            continue
        for before, view in pairwise(own):
            axial[view] = _shift_px(smooth[before], smooth[view])
        angles = np.radians(acquisition.angles_deg[own])
        harmonics = [np.ones_like(angles)]
        for order in (1, 2):
            harmonics += [np.cos(order * angles), np.sin(order * angles)]
        design = np.stack(harmonics, axis=1)
        fitted = design @ np.linalg.lstsq(design, across[own], rcond=None)[0]
        lateral[own[1:]] = np.diff(across[own] - fitted)
    found = Motion(axial, lateral)
    worst, pixels = found.worst
    notes = [finding("motion", pixels=pixels, view=worst + 1)] if pixels > MOTION_LIMIT_PX else []
    return found, notes


def _shift_px(one: Singles, other: Singles) -> float:
    """Shift of `other` against `one` along z, where their planes (u, z) differ least.

    Whole steps up to `_LARGEST_STEP_PX`, refined by a parabola. Planes and not profiles: summed
    across, a warm body drowns the organ whose edges tell the shift.
    """
    reach = min(_LARGEST_STEP_PX, one.shape[1] // 4)
    inner = other[:, reach : other.shape[1] - reach]
    width = inner.shape[1]
    differences = np.array(
        [
            float(np.mean((inner - one[:, reach - step : reach - step + width]) ** 2))
            for step in range(-reach, reach + 1)
        ]
    )
    best = int(differences.argmin())
    if not 0 < best < len(differences) - 1:
        return float(best - reach)
    left, middle, right = differences[best - 1 : best + 2]
    curve = left - 2.0 * middle + right
    return float(best - reach + (0.5 * (left - right) / curve if curve > 0 else 0.0))


def centroids_px(counts: Singles) -> tuple[Floats, Floats]:
    """Centroid (u, z) in pixels of each view [view, u, z]; NaN for an empty one."""
    totals = counts.sum(axis=(1, 2), dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        u = counts.sum(axis=2, dtype=np.float64) @ np.arange(counts.shape[1]) / totals
        z = counts.sum(axis=1, dtype=np.float64) @ np.arange(counts.shape[2]) / totals
    return u, z


def sinogram(acquisition: Acquisition, z: int) -> Singles:
    """Counts [view, u] of one slice: what moves sideways shows as a break of its sine."""
    return np.asarray(acquisition.counts[:, :, z])


def linogram(acquisition: Acquisition) -> Singles:
    """Counts [view, z] summed across: what moves along the patient shows as a step."""
    return np.asarray(acquisition.counts.sum(axis=1))

"""Correction of jumps during the rotation: views after a jump are put where the others expect them.

The projections themselves are never changed: a shift across moves the axis of rotation of a view,
a shift along the patient reads its rows between rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Finding
from hevesy.imaging.reconstruct.acquisition import Acquisition, Singles
from hevesy.imaging.reconstruct.checks import motion
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projections import TomoStudy
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.words import finding

Floats = npt.NDArray[np.float64]

VERSION: Final = "hevesy-motion-correction/1"
METHOD: Final = (
    "jumps between views, their size refined so that the views on both sides agree with the"
    " projections of one image"
)
# Below it a jump is not told from noise.
LEAST_PX: Final = 1.0
_ROUNDS: Final = 4
# Views on either side of a jump that tell its size; what the model leaves out drifts over more.
_BESIDE: Final = 4
_ITERATIONS: Final = 2
_VIEWS_OF_SUBSET: Final = 8
_SMOOTHING_PX: Final = 1.5
_MOST_PX: Final = 10.0


@dataclass(frozen=True, eq=False)
class Shifts:
    """Where the object stood in each view, in pixels, against where most views have it.

    axial_px: towards the head. lateral_px: along increasing columns of the detector. Constant
    between jumps, zero all over where there was none above `LEAST_PX`.
    """

    axial_px: Floats
    lateral_px: Floats
    version: str = VERSION

    @property
    def any(self) -> bool:
        """Whether a view is moved at all."""
        return bool(self.axial_px.any() or self.lateral_px.any())

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        return {
            "axial_px": [round(float(one), 2) for one in self.axial_px],
            "lateral_px": [round(float(one), 2) for one in self.lateral_px],
            "method": METHOD,
            "version": self.version,
        }

    @property
    def text(self) -> str:
        """Runs of views (from 1) with the same shift, to half a pixel, in one line."""
        rounded = np.round(np.stack([self.axial_px, self.lateral_px]) * 2) / 2
        edges = np.flatnonzero(np.any(np.diff(rounded, axis=1) != 0, axis=0)) + 1
        bounds = [0, *edges.tolist(), rounded.shape[1]]
        runs = [(a, b, *rounded[:, a]) for a, b in pairwise(bounds)]
        moved = [f"{a + 1}-{b}:{z:+g},{u:+g}" for a, b, z, u in runs if z or u]
        return " ".join(moved[:8]) + (" ..." if len(moved) > 8 else "")


def find_shifts(
    acquisition: Acquisition, detectors: npt.NDArray[np.int64] | None = None
) -> tuple[Shifts, list[Finding]]:
    """Shifts after jumps that make the projections agree with one image.

    A jump above a pixel between neighbouring views of a detector starts it; then an image is
    reconstructed from the shifted views and projected, and the jump grows by the difference in
    misplacement of the views before and after, four times. Only jumps and only whole views are
    moved: slow creep looks like what the model leaves out, and a heart that moves in a body that
    lies still takes its body along. A `Finding` motion_corrected names the largest shift.
    """
    numbers = np.ones(len(acquisition.counts), np.int64) if detectors is None else detectors
    seen, _ = motion(acquisition, numbers)
    jumps = [np.where(np.abs(one) > LEAST_PX, one, 0.0) for one in (seen.axial_px, seen.lateral_px)]
    subsets = max(len(numbers) // _VIEWS_OF_SUBSET, 1)
    for _ in range(_ROUNDS if any(one.any() for one in jumps) else 0):
        placed = shifted(acquisition, _places(jumps, numbers))
        projector = Projector(placed)
        image = osem(projector, iterations=_ITERATIONS, subsets=subsets).image
        lateral, axial = _misplaced(placed.counts, projector.forward(image))
        for jump, wrong in zip(jumps, (axial, lateral), strict=True):
            _refine(jump, wrong, numbers)
    found = _places(jumps, numbers)
    if not found.any:
        return found, []
    size = np.maximum(np.abs(found.axial_px), np.abs(found.lateral_px))
    view = int(size.argmax())
    return found, [finding("motion_corrected", pixels=float(size[view]), view=view + 1)]


def _places(jumps: list[Floats], numbers: npt.NDArray[np.int64]) -> Shifts:
    """Sums of the jumps of each detector, 0 where most of its views are."""
    axial, lateral = (np.zeros(len(numbers)) for _ in jumps)
    for number in np.unique(numbers):
        own = np.flatnonzero(numbers == number)
        for place, jump in zip((axial, lateral), jumps, strict=True):
            steps = np.cumsum(jump[own])
            most = np.quantile(steps, 0.5, method="lower")
            place[own] = np.clip(steps - most, -_MOST_PX, _MOST_PX)
    return Shifts(axial, lateral)


def _refine(jump: Floats, wrong: Floats, numbers: npt.NDArray[np.int64]) -> None:
    for number in np.unique(numbers):
        own = np.flatnonzero(numbers == number)
        edges = [0, *np.flatnonzero(jump[own]).tolist(), len(own)]
        for before, at, after in zip(edges, edges[1:-1], edges[2:], strict=False):
            earlier = wrong[own[max(before, at - _BESIDE) : at]]
            later = wrong[own[at : min(after, at + _BESIDE)]]
            jump[own[at]] += later.mean() - earlier.mean()


def shifted(acquisition: Acquisition, shifts: Shifts) -> Acquisition:
    """The acquisition with every view where the object stands still."""
    return replace(
        acquisition.with_counts(_along(acquisition.counts, shifts.axial_px)),
        axis_u=acquisition.axis_u + shifts.lateral_px,
    )


def shifted_rows(study: TomoStudy, shifts: Shifts) -> TomoStudy:
    """All windows and gates of a study with the shifts along the patient taken out."""
    if not shifts.axial_px.any():
        return study
    counts = study.counts[..., ::-1, :].swapaxes(-1, -2)
    moved = np.stack([[_along(gate, shifts.axial_px) for gate in window] for window in counts])
    return replace(study, counts=np.ascontiguousarray(moved.swapaxes(-1, -2)[..., ::-1, :]))


def _along(counts: Singles, axial_px: Floats) -> Singles:
    """Rows [view, u, z] read where the object stood, linear between rows, the last repeated."""
    rows = np.arange(counts.shape[2])
    moved = counts.copy()
    for view in np.flatnonzero(axial_px):
        place = np.clip(rows + axial_px[view], 0, len(rows) - 1)
        below = np.minimum(place.astype(int), len(rows) - 2)
        part = (place - below).astype(np.float32)
        moved[view] = counts[view][:, below] * (1 - part) + counts[view][:, below + 1] * part
    return moved


def _misplaced(counts: Singles, expected: Singles) -> tuple[Floats, Floats]:
    """Shift (u, z) in pixels of each view against what is expected, to first order."""
    widths = (0.0, _SMOOTHING_PX, _SMOOTHING_PX)
    seen, model = (gaussian_filter(one.astype(np.float64), widths) for one in (counts, expected))
    across, along = np.gradient(model, axis=1), np.gradient(model, axis=2)
    edge = min(int(_MOST_PX), counts.shape[2] // 5)
    inner = slice(edge, counts.shape[2] - edge)
    shifts = np.zeros((2, len(counts)))
    for view in range(len(counts)):
        terms = [one[view, :, inner].ravel() for one in (model, across, along)]
        scale, *slopes = np.linalg.lstsq(
            np.stack(terms, axis=1), seen[view, :, inner].ravel(), rcond=None
        )[0]
        if scale > 0:
            shifts[:, view] = np.clip(-np.array(slopes) / scale, -1.0, 1.0)
    return shifts[0], shifts[1]

"""Candidates: what lies above the rule, whole; and small foci that stand out below it.

Nothing above the level is lost: the parts of a component together are the component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.segment.components import components_above, components_of

Array = npt.NDArray[Any]
# A region smaller than this cannot hold two lesions that a PET tells apart.
_LEAST_SPLIT_ML: Final = 2.0
_FOCUS_SUV: Final = 2.0
_FOCUS_CONTRAST: Final = 1.8
_FOCUS_MOST_ML: Final = 10.0
_FOCUS_SIGMAS_MM: Final = ((3.0, 6.0), (6.0, 12.0))
_FOCUS_BOX_MM: Final = 24.0
_FOCUS_LEAST_VOXELS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One region; component_ml: of all that hangs together with it above the level."""

    voi: Voi
    found_by: Literal["rule", "contrast", "model"]
    component_ml: float


def above_level(volume: Volume, level: float, *, depth: float = 0.25) -> list[Candidate]:
    """Every voxel of `volume >= level` in exactly one candidate.

    26-connected components, cut along valleys at least `depth` of their highest peak deep
    (`segment.split`).
    """
    from hevesy.imaging.segment.split import split

    found = components_above(volume.array, level)
    ml = found.count * volume.voxel_mm3 / 1000.0
    candidates = []
    for number in range(len(found)):
        mask, box = found.mask_of(number)
        size = float(ml[number])
        whole = Voi(mask, box, found.shape)
        # With no room for a valley of that depth above the level there is nothing to cut.
        if size < _LEAST_SPLIT_ML or found.max[number] * (1.0 - depth) < level:
            candidates.append(Candidate(whole, "rule", size))
            continue
        labels = split(volume.array[box], mask, depth=depth)
        parts = int(labels.max())
        if parts <= 1:
            candidates.append(Candidate(whole, "rule", size))
            continue
        candidates += [
            Candidate(_cropped(labels == part, whole), "rule", size) for part in range(1, parts + 1)
        ]
    return candidates


def contrast_foci(volume: Volume, coarse: Volume, level: float) -> list[Candidate]:
    """Small foci below the level: SUV >= 2 and at least 1.8 times the median 12 to 18 mm away.

    coarse: the same values on the 4 mm grid, where differences of Gaussians find the places; a
    focus is judged by the mean of its hottest voxel and the 26 around it. Its region is what is
    above half way between its peak and the shell, at most 10 mL, with no voxel at the level.
    """
    candidates: list[Candidate] = []
    taken = np.zeros(volume.array.shape, dtype=np.bool_)
    for place in _bumps(coarse, level):
        focus = _focus(volume, place, level)
        if focus is not None and not (taken[focus.box] & focus.mask).any():
            taken[focus.box] |= focus.mask
            size = focus.voxels * volume.voxel_mm3 / 1000.0
            candidates.append(Candidate(focus, "contrast", size))
    return candidates


def apart(found: Sequence[Candidate], others: Sequence[Candidate]) -> list[Candidate]:
    """Those of `found` that share no voxel with any of the others."""
    if not found or not others:
        return list(found)
    taken = np.zeros(found[0].voi.shape, dtype=np.bool_)
    for one in others:
        taken[one.voi.box] |= one.voi.mask
    return [one for one in found if not (taken[one.voi.box] & one.voi.mask).any()]


def _bumps(coarse: Volume, level: float) -> Array:
    """Places (n, 3) LPS of local maxima of the differences of Gaussians, the strongest first."""
    from scipy.ndimage import gaussian_filter, maximum_filter

    spacing = coarse.spacing_mm[0]
    blurred = {
        sigma: gaussian_filter(coarse.array, sigma / spacing, truncate=3.0)
        for sigma in sorted({one for pair in _FOCUS_SIGMAS_MM for one in pair})
    }
    places, strengths = [], []
    for small, large in _FOCUS_SIGMAS_MM:
        difference = blurred[small] - blurred[large]
        # A focus of contrast 1.8 and SUV 2 has risen by 0.9 before it was blurred twice.
        peaks = (difference > 0.15) & (coarse.array >= 0.7 * _FOCUS_SUV) & (coarse.array < level)
        peaks &= difference == maximum_filter(difference, 3)
        at = np.argwhere(peaks)
        places.append(at)
        strengths.append(difference[tuple(at.T)])
    order = np.argsort(-np.concatenate(strengths), kind="stable")
    return np.asarray(coarse.world(np.concatenate(places)[order][:, ::-1]))


def _focus(volume: Volume, place: Array, level: float) -> Voi | None:
    size = np.array(volume.array.shape)
    centre = np.rint(volume.index(place)).astype(int)[::-1]
    steps = np.array(volume.spacing_mm)[::-1]
    step = np.maximum(np.rint(6.0 / steps).astype(int), 1)
    low, high = np.clip(centre - step, 0, size - 1), np.clip(centre + step + 1, 1, size)
    inner = volume.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    top = np.array(np.unravel_index(int(np.argmax(inner)), inner.shape)) + low
    peak = float(volume.array[tuple(top)])
    # Judged by the mean with its neighbours: a single noisy voxel is no focus.
    near = tuple(slice(max(int(one) - 1, 0), int(one) + 2) for one in top)
    firm = float(volume.array[near].mean(dtype=np.float64))
    if firm < _FOCUS_SUV or peak >= level:
        return None
    reach = np.maximum(np.rint(_FOCUS_BOX_MM / steps).astype(int), 2)
    low, high = np.clip(top - reach, 0, size - 1), np.clip(top + reach + 1, 1, size)
    box = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    values = volume.array[box]
    k, j, i = np.ogrid[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    away = ((k - top[0]) * steps[0]) ** 2 + ((j - top[1]) * steps[1]) ** 2
    away = away + ((i - top[2]) * steps[2]) ** 2
    shell = (away >= 12.0**2) & (away <= 18.0**2)
    around = float(np.median(values[shell])) if shell.any() else peak
    if firm < _FOCUS_CONTRAST * around:
        return None
    parts = components_of(values >= 0.5 * (peak + around), values).label_volume()
    mask = parts == parts[tuple(top - low)]
    voxels = int(np.count_nonzero(mask))
    if (
        voxels < _FOCUS_LEAST_VOXELS
        or voxels * volume.voxel_mm3 > 1000.0 * _FOCUS_MOST_ML
        or float(values[mask].max()) >= level
    ):
        return None
    shape = volume.array.shape
    return _cropped(mask, Voi(mask, box, (shape[0], shape[1], shape[2])))


def _cropped(mask: Array, outer: Voi) -> Voi:
    """A mask over the box of another region, cut to its own bounding box."""
    own = Voi.of_mask(mask)
    sides = [
        slice(int(a.start + b.start), int(a.start + b.stop))
        for a, b in zip(outer.box, own.box, strict=True)
    ]
    return Voi(own.mask, (sides[0], sides[1], sides[2]), outer.shape)

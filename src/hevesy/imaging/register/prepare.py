"""A volume made ready for comparing: coarse, isotropic, along the patient's axes, with a body mask.

The stored series is never touched; what is resampled here serves the search alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.geometry import Volume
from hevesy.imaging.register.refusal import refused

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Lung to bone; below lies air and padding, above metal. Research note, registration, settings.
_CT_HU: Final = (-900.0, 300.0)
_BODY_HU: Final = -300.0
_PET_CEILING: Final = 10.0
_MR_PERCENTILES: Final = (0.5, 99.5)
_LEAST_BODY_ML: Final = 50.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """An isotropic, axis-parallel copy: values 0 to 1, where the body is, where anything was seen.

    origin_mm: LPS of the first voxel centre. values, body, seen: [k, j, i].
    """

    values: npt.NDArray[np.float32]
    body: Mask
    seen: Mask
    origin_mm: Matrix
    spacing_mm: float
    modality: str

    @property
    def centroid_lps(self) -> Matrix:
        """Centre of the body, (3,) in mm."""
        return np.asarray(self.points(self.body).mean(axis=0))

    def points(self, where: Mask) -> Matrix:
        """LPS mm of the voxels of a mask, (n, 3)."""
        index: Matrix = np.argwhere(where)[:, ::-1].astype(np.float64)
        return index * self.spacing_mm + self.origin_mm

    def holds(self, lps: Matrix, mask: Mask) -> Mask:
        """For points (n, 3): whether the nearest voxel belongs to the mask."""
        index = np.rint((lps - self.origin_mm) / self.spacing_mm).astype(np.intp)[:, ::-1]
        inside = np.all((index >= 0) & (index < mask.shape), axis=1)
        found = np.zeros(len(lps), dtype=bool)
        found[inside] = mask[tuple(index[inside].T)]
        return found


def halved(fine: Prepared) -> Prepared:
    """The same at twice the spacing: means of 2 x 2 x 2 voxels, the body where most of them are."""
    odd = [(0, n % 2) for n in fine.values.shape]
    k, j, i = (n + extra for n, (_, extra) in zip(fine.values.shape, odd, strict=True))

    def mean(array: npt.NDArray[Any], mode: Any) -> npt.NDArray[np.float32]:
        blocks = np.pad(array, odd, mode=mode).reshape(k // 2, 2, j // 2, 2, i // 2, 2)
        return np.asarray(blocks.mean(axis=(1, 3, 5), dtype=np.float32))

    return Prepared(
        mean(fine.values, "edge"),
        mean(fine.body, "constant") >= 0.5,
        mean(fine.seen, "constant") >= 0.5,
        fine.origin_mm + fine.spacing_mm / 2.0,
        2.0 * fine.spacing_mm,
        fine.modality,
    )


def prepared(volume: Volume, *, spacing_mm: float) -> Prepared:
    """Clip, scale and resample a volume to `spacing_mm`; refuses what has no body in it."""
    if min(volume.array.shape) < 2:
        raise refused("one_slice", f"{volume.array.shape}")
    # Block means first: sampling a fine volume on a coarse grid would pick single noisy voxels.
    factors = [max(1, int(spacing_mm / s + 0.25)) for s in volume.spacing_mm]
    coarse = volume.binned((factors[0], factors[1], factors[2])) if max(factors) > 1 else volume
    array = np.asarray(coarse.array, dtype=np.float32)
    if not np.all(np.isfinite(array)):
        raise refused("not_finite")
    if float(array.max()) == float(array.min()):
        raise refused("constant", f"all voxels are {float(array.max()):g}")
    corners = coarse.corners_lps()
    low, high = corners.min(axis=0), corners.max(axis=0)
    size = np.maximum(np.ceil((high - low) / spacing_mm - 0.25).astype(np.intp), 1)
    if min(size) < 4:
        raise refused("too_thin", f"{(high - low).round(1)} mm at {spacing_mm} mm")
    origin = (low + high) / 2.0 - (size - 1) / 2.0 * spacing_mm
    values, seen = _sampled(coarse, array, origin, size, spacing_mm)
    scaled, body = _SCALES.get(volume.modality, _scaled_mr)(values, seen, spacing_mm)
    if body.sum() * spacing_mm**3 < 1000.0 * _LEAST_BODY_ML:
        raise refused("no_body", f"{body.sum() * spacing_mm**3 / 1000.0:.0f} mL")
    return Prepared(scaled, body, seen, origin, spacing_mm, volume.modality)


def _sampled(
    volume: Volume, array: npt.NDArray[np.float32], origin: Matrix, size: Any, spacing_mm: float
) -> tuple[npt.NDArray[np.float32], Mask]:
    """Values on the grid, and which of its voxels lie in the volume."""
    i, j, k = (int(n) for n in size)
    to_index = volume.lps_to_ijk @ np.array(
        [[*row, o] for row, o in zip(np.eye(3) * spacing_mm, origin, strict=True)] + [[0, 0, 0, 1]]
    )
    values = np.empty((k, j, i), dtype=np.float32)
    seen = np.empty((k, j, i), dtype=bool)
    limit = np.array(array.shape)[:, None, None, None] - 0.5
    columns, rows = np.arange(i), np.arange(j)[:, None]
    ground = float(array.min())

    def fill(start: int, stop: int) -> None:
        planes = np.arange(start, stop)[:, None, None]
        places = np.stack(
            [
                row[0] * columns + row[1] * rows + row[2] * planes + row[3]
                for row in to_index[:3][::-1]
            ]
        )
        seen[start:stop] = np.all((places >= -0.5) & (places <= limit), axis=0)
        ndimage.map_coordinates(
            array, places, output=values[start:stop], order=1, mode="nearest", prefilter=False
        )
        values[start:stop][~seen[start:stop]] = ground

    in_parts(fill, k, at_least=8)
    return values, seen


def _scaled_ct(
    values: npt.NDArray[np.float32], seen: Mask, spacing_mm: float
) -> tuple[npt.NDArray[np.float32], Mask]:
    body = _largest(values > _BODY_HU, spacing_mm)
    low, high = _CT_HU
    return np.asarray((np.clip(values, low, high) - low) / (high - low)), body


def _scaled_nuclear(
    values: npt.NDArray[np.float32], seen: Mask, spacing_mm: float
) -> tuple[npt.NDArray[np.float32], Mask]:
    """log(1 + uptake), clipped: the mean of the body is 1, as it is for SUV, in whatever units."""
    values = np.maximum(values, 0.0)
    smooth = ndimage.gaussian_filter(values, 6.0 / spacing_mm)
    # Uptake spans two decades: the skin lies at a tenth of the mean, not half way to the hottest.
    level = float(smooth[seen].mean())
    for _ in range(3):
        body = smooth > 0.15 * level
        if not body.any():
            break
        level = float(np.minimum(values[body], _PET_CEILING * level).mean())
    body = _largest(smooth > 0.15 * level, spacing_mm)
    if level <= 0.0:
        return values, body
    scaled = np.log1p(np.minimum(values / np.float32(level), _PET_CEILING))
    return np.asarray(scaled / np.log1p(_PET_CEILING), dtype=np.float32), body


def _scaled_mr(
    values: npt.NDArray[np.float32], seen: Mask, spacing_mm: float
) -> tuple[npt.NDArray[np.float32], Mask]:
    low, high = (float(x) for x in np.percentile(values[seen], _MR_PERCENTILES))
    if high <= low:
        raise refused("constant", f"percentiles {low:g} and {high:g}")
    clipped = np.clip((values - low) / np.float32(high - low), 0.0, 1.0)
    smooth = ndimage.gaussian_filter(clipped, 4.0 / spacing_mm)
    body = _largest(smooth > _otsu(smooth[seen]) * 0.5, spacing_mm)
    return np.asarray(clipped, dtype=np.float32), body


_SCALES: Final[dict[str, Callable[..., tuple[npt.NDArray[np.float32], Mask]]]] = {
    "CT": _scaled_ct,
    "PT": _scaled_nuclear,
    "NM": _scaled_nuclear,
    "MR": _scaled_mr,
}


def _largest(mask: Mask, spacing_mm: float) -> Mask:
    """The largest connected part, closed over a centimetre, lungs and bowel filled plane by plane."""
    opened = ndimage.binary_opening(mask, iterations=1)
    labels, count = ndimage.label(opened)
    if not count:
        return np.zeros(mask.shape, dtype=bool)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    body: Mask = labels == int(np.argmax(sizes))
    steps = max(1, round(10.0 / spacing_mm))
    padded = np.pad(body, steps + 1)
    padded = ndimage.binary_closing(padded, iterations=steps)
    inner = slice(steps + 1, -steps - 1)
    body = padded[inner, inner, inner]
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])


def _otsu(values: npt.NDArray[np.float32]) -> float:
    """Threshold that separates two classes best (Otsu 1979), from 128 bins."""
    counts, edges = np.histogram(values, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2.0
    below = np.cumsum(counts)
    above = below[-1] - below
    first = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = first / below - (first[-1] - first) / above
        between = np.nan_to_num(below * above * gap**2)
    return float(middles[int(np.argmax(between))])

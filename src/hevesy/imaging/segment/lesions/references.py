"""Liver and blood pool found by themselves: what lesions are compared with (PERCIST).

Liver: a sphere of 3 cm in the right upper abdomen; blood pool: a cylinder of 1 cm diameter and
2 cm length in the descending aorta (Wahl et al., J Nucl Med 2009). Both are measured on the PET's
own voxels, with the population SD, where their uptake is most even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.segment.lesions.anatomy import GRID_MM, Anatomy

Array = npt.NDArray[Any]
_LIVER_MM: Final = 15.0
_AORTA_MM: Final = 5.0
_AORTA_HALF_LENGTH_MM: Final = 10.0
_MOST_CV: Final = 0.15
_SOURCE: Final = "Wahl et al., J Nucl Med 2009;50 Suppl 1:122S (PERCIST 1.0), reference regions"
# EANM: mean SUV of FDG in a 3 cm sphere in the liver (doi 10.1007/s00259-022-05977-5).
_LIVER_SUV_EANM: Final = (1.3, 3.0)


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference region: place in LPS mm, mean and population SD in `units`."""

    organ: str
    units: str
    centre_lps: tuple[float, float, float]
    mean: float
    std: float
    voxels: int
    method: str
    version: str = "hevesy-reference-region/1"
    source: str = _SOURCE

    def as_json(self) -> dict[str, Any]:
        """Plain mapping; mean and std are in `units`."""
        return {
            "organ": self.organ,
            "units": self.units,
            "centre_lps_mm": list(self.centre_lps),
            "mean": self.mean,
            "std": self.std,
            "voxels": self.voxels,
            "method": self.method,
            "version": self.version,
            "source": self.source,
        }


def find_liver(
    pet: Volume, places: Anatomy, *, fdg: bool = True
) -> tuple[Reference | None, list[Finding]]:
    """The most even 3 cm sphere deep in the liver; findings where there is none, or it is odd."""
    from scipy.ndimage import distance_transform_edt

    box, x, y, z = _box(places, dome_below=(5.0, 170.0), left=(-140.0, -15.0), ahead=(-40.0, 140.0))
    values, inside = places.pet.array[box], places.body[box]
    if not inside.any():
        return None, [_no_liver()]
    if places.hu is not None:
        # Smoothed, so that noise does not make holes; 20 to 180 HU spans plain and contrast CT.
        soft = _smooth(places.hu[box])
        inside = inside & (soft > 20.0) & (soft < 180.0) & ~places.bone[box]
    seen = _smooth(values)
    usual = np.percentile(seen[inside], 75) if inside.any() else 0.0
    inside = inside & (seen > 0.6 * usual) & (seen < 2.0 * max(usual, 1e-6))
    depth = distance_transform_edt(np.pad(inside, 1), sampling=GRID_MM)[1:-1, 1:-1, 1:-1]
    deep = depth >= min(_LIVER_MM + GRID_MM, float(depth.max()))
    if depth.max() < _LIVER_MM:
        return None, [_no_liver()]
    mean, std = _moving(values, _ball(_LIVER_MM))
    uneven = np.where(deep & (mean > 0), std / np.maximum(mean, 1e-6), np.inf)
    at = np.unravel_index(int(np.argmin(uneven)), uneven.shape)
    centre = (float(x[at[2]]), float(y[at[1]]), float(z[at[0]]))
    liver = _measured(
        pet, "liver", centre, _LIVER_MM, None, "3 cm sphere, most even place deep in the liver"
    )
    return liver, liver_findings(liver, fdg=fdg)


def liver_findings(liver: Reference, *, fdg: bool = True) -> list[Finding]:
    """What is odd about a liver reference, found or drawn."""
    findings = []
    if not liver.mean > 0 or liver.std / liver.mean >= _MOST_CV:
        findings.append(
            Finding(
                "liver_uneven",
                "The liver's uptake is uneven (CV 15 % or more); check or move the region.",
                "肝脏摄取不均匀（变异系数≥15%），请检查或移动感兴趣区。",
                {"cv": liver.std / liver.mean if liver.mean > 0 else None},
            )
        )
    if fdg and not _LIVER_SUV_EANM[0] <= liver.mean <= _LIVER_SUV_EANM[1]:
        findings.append(
            Finding(
                "liver_suv_unusual",
                f"Mean liver SUV {liver.mean:.2f} lies outside 1.3 to 3.0 (EANM); check weight,"
                " dose, times and the region.",
                f"肝脏平均SUV {liver.mean:.2f} 超出1.3–3.0（EANM），请核对体重、剂量、时间及感兴趣区。",
                {"mean": liver.mean},
            )
        )
    return findings


def find_blood_pool(
    pet: Volume, places: Anatomy, *, below: float | None = None
) -> tuple[Reference | None, list[Finding]]:
    """The warmest even vertical cylinder in front of and left of the spine, below the arch.

    below: what blood does not reach (the liver's mean), so that no node is taken for it. Needs CT.
    """
    lung_mm = places.landmarks["neck"] - places.landmarks["dome"]
    missing = Finding(
        "no_blood_pool",
        "No descending aorta was found by rule; place the blood pool region by hand.",
        "未能自动找到降主动脉，请手动放置血池感兴趣区。",
    )
    if places.hu is None:
        return None, [missing]
    box, x, y, z = _box(
        places, dome_below=(-0.6 * lung_mm, -0.2 * lung_mm), left=(4.0, 45.0), ahead=(-10.0, 45.0)
    )
    if not places.body[box].any():
        return None, [missing]
    values = places.pet.array[box]
    soft = _smooth(places.hu[box])
    # A voxel of the vessel has 8 mm of soft tissue or blood around it, no lung and no bone.
    inside = _least(((soft > 0.0) & (soft < 400.0)) & ~places.bone[box], 8.0)
    mean, std = _moving(values, _ball(8.0))
    # Fat and muscle beside the vessel are even too, but cooler than blood.
    even = inside & (std < _MOST_CV * mean) & (mean < (np.inf if below is None else below))
    if not even.any():
        return None, [missing]
    at = np.unravel_index(int(np.argmax(np.where(even, mean, -np.inf))), even.shape)
    centre = (float(x[at[2]]), float(y[at[1]]), float(z[at[0]]))
    blood = _measured(
        pet, "blood pool", centre, _AORTA_MM, _AORTA_HALF_LENGTH_MM,
        "cylinder 1 cm x 2 cm, warmest even place left in front of the spine below the aortic arch",
    )  # fmt: skip
    if not blood.voxels or blood.std / blood.mean >= 2 * _MOST_CV:
        return None, [missing]
    return blood, []


def drawn_reference(pet: Volume, voi: Voi, organ: str) -> Reference:
    """A reference region that somebody drew, on the grid of the PET."""
    told = statistics(pet, voi)
    return Reference(
        organ=organ,
        units=pet.units,
        centre_lps=told.centroid_lps,
        mean=told.mean,
        std=told.std,
        voxels=told.voxels,
        method="drawn region",
    )


def _no_liver() -> Finding:
    return Finding(
        "no_liver",
        "No liver was found by rule; place the liver region by hand.",
        "未能自动找到肝脏，请手动放置肝脏感兴趣区。",
    )


def _box(
    places: Anatomy,
    *,
    dome_below: tuple[float, float],
    left: tuple[float, float],
    ahead: tuple[float, float],
) -> tuple[tuple[slice, slice, slice], Array, Array, Array]:
    """A box of the grid given in mm from the dome, the spine's middle and its front."""
    x0, y0, z0 = places.pet.ijk_to_lps[:3, 3]
    dome = places.landmarks["dome"]
    layer = int(places.layer(dome - sum(dome_below) / 2.0))
    spine_x, spine_y = places.spine_x[layer], places.spine_y[layer]
    ends = (
        (dome - dome_below[1] - z0, dome - dome_below[0] - z0),
        (spine_y - ahead[1] - y0, spine_y - ahead[0] - y0),
        (spine_x + left[0] - x0, spine_x + left[1] - x0),
    )
    sides = []
    for (low, high), size in zip(ends, places.body.shape, strict=True):
        first, last = (int(np.clip(np.rint(end / GRID_MM), 0, size)) for end in (low, high))
        sides.append(slice(first, last))
    box = (sides[0], sides[1], sides[2])
    z, y, x = (
        a0 + GRID_MM * np.arange(side.start, side.stop)
        for a0, side in zip((z0, y0, x0), box, strict=True)
    )
    return box, x, y, z


def _smooth(values: Array) -> Array:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(values.astype(np.float32), 3, mode="nearest"))


def _ball(radius_mm: float) -> Array:
    reach = int(radius_mm // GRID_MM)
    steps = np.arange(-reach, reach + 1) * GRID_MM
    away = steps[:, None, None] ** 2 + steps[:, None] ** 2 + steps**2
    return np.asarray((away <= radius_mm**2).astype(np.float64))


def _moving(values: Array, kernel: Array) -> tuple[Array, Array]:
    """Mean and SD over a kernel around each voxel."""
    from scipy.signal import fftconvolve

    weight = kernel / kernel.sum()
    padded = np.pad(values.astype(np.float64), kernel.shape[0] // 2, mode="edge")
    mean = fftconvolve(padded, weight, mode="valid")
    square = fftconvolve(padded**2, weight, mode="valid")
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _least(mask: Array, radius_mm: float) -> Array:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, _ball(radius_mm) > 0))


def _measured(
    pet: Volume,
    organ: str,
    centre: tuple[float, float, float],
    radius_mm: float,
    half_length_mm: float | None,
    method: str,
) -> Reference:
    """Voxels whose centres lie in the sphere, or in the cylinder along the patient."""
    reach = np.linalg.norm([radius_mm, radius_mm, half_length_mm or radius_mm])
    middle = pet.index(centre)
    spread = reach / np.array(pet.spacing_mm)
    size = np.array(pet.shape_ijk)
    low = np.clip(np.floor(middle - spread), 0, size - 1).astype(int)
    high = np.clip(np.ceil(middle + spread), 0, size - 1).astype(int)
    i, j, k = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)))
    away = pet.world(np.stack((i, j, k), axis=-1)) - np.array(centre)
    if half_length_mm is None:
        inside = np.sum(away**2, axis=-1) <= radius_mm**2
    else:
        inside = (np.sum(away[..., :2] ** 2, axis=-1) <= radius_mm**2) & (
            np.abs(away[..., 2]) <= half_length_mm
        )
    values = pet.array[k[inside], j[inside], i[inside]].astype(np.float64)
    return Reference(
        organ=organ,
        units=pet.units,
        centre_lps=centre,
        mean=float(values.mean()) if values.size else 0.0,
        std=float(values.std()) if values.size else 0.0,
        voxels=int(values.size),
        method=method,
    )

"""Statistics of an elliptical region in any plane through a volume.

Membership: a voxel belongs to the region if its centre lies within half a slice of the plane and
inside the ellipse. No value is interpolated: SUVmax is the value of a voxel. The standard
deviation is that of the population (divisor n), as IBSI defines variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import SuvFactor
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-roi/1"
METHOD: Final = (
    "voxel centres inside the ellipse and within half a slice of its plane;"
    " no interpolation; population SD"
)
SOURCE: Final = (
    "IBSI reference manual (Zwanenburg et al., Radiology 2020), 3.3 intensity-based statistics"
)
Point = tuple[float, float, float]


class RegionRefused(Refused):
    """A region that cannot be measured: key `bad_region` or `outside_volume`."""


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse in patient space, in mm: centre, two perpendicular unit axes, two radii."""

    centre_lps: Point
    axis_u: Point
    axis_v: Point
    radius_u_mm: float
    radius_v_mm: float

    def __post_init__(self) -> None:
        u, v = np.array(self.axis_u), np.array(self.axis_v)
        numbers = np.array([*self.centre_lps, *u, *v, self.radius_u_mm, self.radius_v_mm])
        if (
            numbers.shape != (11,)
            or not np.all(np.isfinite(numbers))
            or min(self.radius_u_mm, self.radius_v_mm) <= 0
            or max(abs(np.linalg.norm(u) - 1), abs(np.linalg.norm(v) - 1), abs(u @ v)) > 1e-3
        ):
            raise RegionRefused(
                "bad_region",
                "The ellipse needs finite numbers, radii above zero and perpendicular unit axes.",
                "椭圆参数无效：半径须大于零，两轴须为互相垂直的单位向量。",
            )

    @property
    def area_mm2(self) -> float:
        """Geometric area."""
        return float(np.pi * self.radius_u_mm * self.radius_v_mm)


@dataclass(frozen=True, slots=True)
class RegionStatistics:
    """What was measured, in `units`, and how."""

    units: str
    max: float
    mean: float
    min: float
    std: float
    voxels: int
    area_mm2: float
    max_at_lps: Point
    method: str = METHOD
    version: str = VERSION
    source: str = SOURCE

    def as_json(self) -> dict[str, Any]:
        """Plain mapping: the answer of the measure address (docs/guides/volume-transport.md)."""
        return {
            "units": self.units,
            "max": self.max,
            "mean": self.mean,
            "min": self.min,
            "std": self.std,
            "voxels": self.voxels,
            "area_mm2": self.area_mm2,
            "max_at_lps": list(self.max_at_lps),
            "method": self.method,
            "version": self.version,
            "source": self.source,
        }


def ellipse_statistics(
    volume: Volume, ellipse: Ellipse, *, suv: SuvFactor | None = None
) -> RegionStatistics:
    """Statistics of the voxels of an ellipse; in SUV with a factor that is not refused.

    Half a slice is half the distance between voxel layers along the plane's normal: for a plane
    along the slices the nearest slice counts. An ellipse smaller than a voxel that holds no
    centre takes the voxel nearest to its centre. Raises `RegionRefused` outside the volume.
    """
    centre, u, v = (np.array(x) for x in (ellipse.centre_lps, ellipse.axis_u, ellipse.axis_v))
    normal = np.cross(u, v)
    first, last = _index_box(volume, ellipse, normal)
    ranges = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    i, j, k = np.meshgrid(*ranges, indexing="ij")
    index = np.stack((i, j, k), axis=-1).reshape(-1, 3)
    away = volume.world(index) - centre
    inside = (away @ u / ellipse.radius_u_mm) ** 2 + (away @ v / ellipse.radius_v_mm) ** 2 <= 1
    inside &= _in_the_layer(away @ normal, _layer_mm(volume, normal))
    chosen = index[inside]
    if not len(chosen):
        chosen = _nearest_voxel(volume, centre)
    values = volume.array[chosen[:, 2], chosen[:, 1], chosen[:, 0]].astype(np.float64)
    units = volume.units
    if suv is not None and suv.per_slice:
        scale = np.asarray(suv.per_slice)
        values *= scale[chosen[:, 2] if scale.size > 1 else 0]
        units = suv.suv_units
    hottest = volume.world(chosen[int(np.argmax(values))])
    return RegionStatistics(
        units=units,
        max=float(values.max()),
        mean=float(values.mean()),
        min=float(values.min()),
        std=float(values.std()),
        voxels=len(values),
        area_mm2=ellipse.area_mm2,
        max_at_lps=(float(hottest[0]), float(hottest[1]), float(hottest[2])),
    )


def _layer_mm(volume: Volume, normal: npt.NDArray[np.float64]) -> float:
    """Distance of voxel layers along the normal; for an oblique plane the voxel's extent."""
    steps = np.abs(volume.ijk_to_lps[:3, :3].T @ normal)
    return float(steps.max())


def _in_the_layer(distance_mm: npt.NDArray[np.float64], layer_mm: float) -> npt.NDArray[np.bool_]:
    # Half open, so that a plane midway between two slices takes one of them, not both; the
    # millionth of a layer absorbs rounding of positions.
    nudge = 1e-6 * layer_mm
    inside: npt.NDArray[np.bool_] = (distance_mm > -layer_mm / 2 + nudge) & (
        distance_mm <= layer_mm / 2 + nudge
    )
    return inside


def _index_box(
    volume: Volume, ellipse: Ellipse, normal: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    u = np.array(ellipse.axis_u) * ellipse.radius_u_mm
    v = np.array(ellipse.axis_v) * ellipse.radius_v_mm
    w = normal * _layer_mm(volume, normal)
    directions = volume.lps_to_ijk[:3, :3] @ np.stack((u, v, w), axis=1)
    reach = np.abs(directions).sum(axis=1)
    centre = volume.index(ellipse.centre_lps)
    size = np.array(volume.shape_ijk)
    first = np.clip(np.floor(centre - reach), 0, size - 1).astype(np.intp)
    last = np.clip(np.ceil(centre + reach), 0, size - 1).astype(np.intp)
    return first, last


def _nearest_voxel(volume: Volume, centre: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    nearest = np.rint(volume.index(centre)).astype(np.intp)
    if np.any(nearest < 0) or np.any(nearest >= np.array(volume.shape_ijk)):
        raise RegionRefused(
            "outside_volume",
            "The region lies outside the image.",
            "测量区域位于图像之外。",
        )
    return nearest[None, :]

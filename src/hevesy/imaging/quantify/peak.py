"""SUVpeak: the largest mean over a small sphere whose centre is a voxel of the region.

The sphere may leave the region, it may not leave the volume: at the edge the mean is over the
part of the sphere that exists, and the answer carries a finding. Every variant is a set of taps,
(offset, weight), around a voxel centre; `RULES` names them. Clause 6.15.

Sources: the 1 cm3 sphere: Wahl et al., J Nucl Med 2009 (PERCIST); local and global intensity
peak: IBSI reference manual; 12 mm: Lodge et al., J Nucl Med 2012 (PMC3417317).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.peak_sums import sphere_means
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-peak/1"
Array = npt.NDArray[Any]
# Radius of a sphere of 1 cm3.
RADIUS_MM: Final = float(10.0 * (3.0 / (4.0 * np.pi)) ** (1.0 / 3.0))
_SUPERSAMPLING: Final = 9


@dataclass(frozen=True, slots=True)
class PeakRule:
    """One definition of the peak; `at_maximum`: only the hottest voxels are centres."""

    key: str
    text_en: str
    text_zh: str
    weights: Literal["fractional", "centres", "interpolated"]
    source: str
    radius_mm: float = RADIUS_MM
    at_maximum: bool = False


_PERCIST: Final = "Wahl et al., J Nucl Med 2009;50 Suppl 1:122S (PERCIST 1.0), 1 cm3 sphere"
_IBSI: Final = "IBSI reference manual (Zwanenburg et al., Radiology 2020), 3.2"
RULES: Final = {
    rule.key: rule
    for rule in (
        PeakRule(
            "fractional",
            "largest mean over a 1 cm3 sphere, voxels weighted by the fraction inside",
            "1 cm³ 球内均值的最大值，体素按球内所占比例加权",
            "fractional",
            _PERCIST,
        ),
        PeakRule(
            "centres",
            "largest mean over the voxels whose centres lie within 6.2 mm (IBSI global peak)",
            "中心在 6.2 mm 内的体素均值的最大值（IBSI 全局峰值）",
            "centres",
            f"{_IBSI}.2 global intensity peak",
            6.2,
        ),
        PeakRule(
            "interpolated",
            "largest mean over a 1 cm3 sphere of points 1 mm apart, trilinear",
            "1 cm³ 球内 1 mm 间距点（三线性插值）均值的最大值",
            "interpolated",
            _PERCIST,
        ),
        PeakRule(
            "local",
            "mean over a 1 cm3 sphere around the hottest voxel, voxels weighted by the fraction"
            " inside",
            "以最热体素为中心的 1 cm³ 球内均值，体素按球内所占比例加权",
            "fractional",
            f"{_IBSI}.1 local intensity peak; {_PERCIST}",
            at_maximum=True,
        ),
        PeakRule(
            "local_centres",
            "mean over the voxels whose centres lie within 6.2 mm of the hottest (IBSI local peak)",
            "中心距最热体素 6.2 mm 内的体素均值（IBSI 局部峰值）",
            "centres",
            f"{_IBSI}.1 local intensity peak",
            6.2,
            at_maximum=True,
        ),
        PeakRule(
            "12mm",
            "largest mean over a sphere of 12 mm diameter, voxels weighted by the fraction inside",
            "直径 12 mm 球内均值的最大值，体素按球内所占比例加权",
            "fractional",
            "Lodge et al., J Nucl Med 2012 (PMC3417317)",
            6.0,
        ),
    )
}
DEFAULT: Final = "fractional"


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak in `units`; at_lps: centre of its sphere in mm.

    sphere_mm3: what the taps sum to on this grid. inside: fraction of the sphere's weight that
    lies in the volume, below 1 at an edge (then `findings` says so).
    """

    value: float
    units: str
    rule: str
    at_lps: tuple[float, float, float]
    sphere_mm3: float
    inside: float
    method: str
    source: str
    findings: tuple[Finding, ...] = ()
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain mapping; `value` is in `units`."""
        return {
            "value": self.value,
            "units": self.units,
            "rule": self.rule,
            "at_lps_mm": list(self.at_lps),
            "sphere_mm3": self.sphere_mm3,
            "inside": self.inside,
            "method": self.method,
            "findings": [finding.key for finding in self.findings],
            "version": self.version,
            "source": self.source,
        }


def peak(volume: Volume, voi: Voi, *, rule: str = DEFAULT) -> Peak:
    """The peak of a region by the rule of that key (`RULES`).

    Raises `Refused` for an unknown rule, an empty region or one on another grid.
    """
    if rule not in RULES:
        raise Refused(
            "unknown_peak_rule",
            f"There is no SUVpeak rule of this name; choose one of {', '.join(RULES)}.",
            f"没有该 SUVpeak 规则，可选：{'、'.join(RULES)}。",
        )
    chosen = RULES[rule]
    values = voi.values(volume)
    offsets, weights = _taps(chosen, volume)
    mask = voi.mask
    if chosen.at_maximum:
        mask = mask & (volume.array[voi.box] == values.max())
    value, centre, inside = sphere_means(volume.array, mask, voi.box, offsets, weights)
    place = volume.world(centre[::-1])
    findings = (
        (
            Finding(
                "peak_at_edge",
                "The sphere of the peak leaves the image; the mean is over the part inside.",
                "峰值球超出图像范围，仅对图像内部分取均值。",
                {"inside": inside},
            ),
        )
        if inside < 1.0 - 1e-9
        else ()
    )
    return Peak(
        value=value,
        units=volume.units,
        rule=rule,
        at_lps=(float(place[0]), float(place[1]), float(place[2])),
        sphere_mm3=float(weights.sum() * volume.voxel_mm3),
        inside=inside,
        method=chosen.text_en,
        source=chosen.source,
        findings=findings,
    )


def sphere_taps(
    affine: Array, radius_mm: float, weights: Literal["fractional", "centres", "interpolated"]
) -> tuple[Array, Array]:
    """Voxel offsets (n, 3) as (k, j, i) and their weights in voxels for a sphere on a grid.

    affine: 3x3, mm per voxel step along i, j, k (columns).
    """
    inverse = np.linalg.inv(affine)
    # A point at exactly the radius is inside, whatever the last digit of its distance.
    edge_mm = radius_mm + 1e-9
    # A voxel counts as soon as a part of it is inside: half a voxel beyond the sphere, and one
    # whole voxel for the interpolation.
    reach = np.floor(radius_mm * np.linalg.norm(inverse, axis=1) + 1.0).astype(int)
    grids = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    steps = np.stack(grids, axis=-1).reshape(-1, 3)
    if weights == "centres":
        share = (np.linalg.norm(steps @ affine.T, axis=1) <= edge_mm).astype(float)
    elif weights == "fractional":
        fine = (np.arange(_SUPERSAMPLING) + 0.5) / _SUPERSAMPLING - 0.5
        inner = np.stack(np.meshgrid(fine, fine, fine, indexing="ij"), axis=-1).reshape(-1, 3)
        within = inner @ affine.T
        share = np.array(
            [
                np.mean(np.sum((step @ affine.T + within) ** 2, axis=1) <= edge_mm**2)
                for step in steps
            ]
        )
    else:
        millimetres = np.arange(-np.ceil(radius_mm), np.ceil(radius_mm) + 1)
        points = np.stack(np.meshgrid(*3 * [millimetres], indexing="ij"), axis=-1).reshape(-1, 3)
        # Along the axes of the grid, so that turning patient and grid together changes nothing.
        spacing = np.linalg.norm(affine, axis=0)
        points = points[np.linalg.norm(points @ (affine / spacing).T, axis=1) <= edge_mm]
        away = np.abs((points / spacing)[None] - steps[:, None])
        share = np.prod(np.maximum(1.0 - away, 0.0), axis=2).sum(axis=1)
        share *= 1.0 / abs(np.linalg.det(affine))
    kept = share > 0
    return np.ascontiguousarray(steps[kept][:, ::-1]), share[kept]


@lru_cache(maxsize=16)
def _cached_taps(rule: PeakRule, affine: bytes) -> tuple[Array, Array]:
    matrix = np.frombuffer(affine).reshape(3, 3)
    return sphere_taps(matrix, rule.radius_mm, rule.weights)


def _taps(rule: PeakRule, volume: Volume) -> tuple[Array, Array]:
    return _cached_taps(rule, np.ascontiguousarray(volume.ijk_to_lps[:3, :3]).tobytes())

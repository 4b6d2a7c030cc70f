"""The left ventricle in a transaxial volume: where it lies and its long axis.

A ventricle is a cup: from a point of its cavity most directions meet a bright wall 15 to 55 mm
away, and one side is open. The cup is looked for in the whole volume, half an ellipsoid of
revolution is laid through the ridge of its wall, and the open end is the base. The ridge is a
place and not a brightness: a defect thins the evidence but does not pull the axis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfftn, next_fast_len, rfftn
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.optimize import least_squares

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.reconstruct.words import finding, refused

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

VERSION: Final = "hevesy-heart-axis/1"
METHOD: Final = (
    "Cup of bright wall around a dark cavity; half an ellipsoid of revolution through the ridge of"
    " the wall by robust least squares; the open end is the base."
)
_SMOOTH_FWHM_MM: Final = 8.0
_SHELL_MM: Final = (20.0, 26.0, 32.0, 38.0)
_TRIED: Final = 12
_RAYS: Final = 600
_REACH_MM: Final = np.arange(8.0, 72.0, 2.0)
# Of the wall's usual brightness; a ridge below it is taken for background.
_RIDGE: Final = 0.4
# Part of the sphere that a wall must cover: a cup open on one side covers about three quarters.
_COVERED: Final = 0.5
_PATCHY: Final = 0.6
_UNEVEN_MM: Final = 4.0
_NO_CUP_MM: Final = 6.0
# The ridge is known to some millimetres, and neighbouring rays see the same noise.
_RIDGE_SD_MM: Final = 4.0
_INDEPENDENT: Final = 40.0
# Left, anterior, inferior: where apices point (LPS), to tell a dark apex from the valve.
_USUAL: Final = np.array([0.6, -0.7, -0.35]) / np.linalg.norm([0.6, -0.7, -0.35])


@dataclass(frozen=True, slots=True, eq=False)
class HeartAxis:
    """Ends of the long axis in the patient (LPS mm): wall of the apex, middle of the valve plane.

    source: "found" or "stated" by a person. covered: part of the directions from the cavity that
    meet wall; residual_mm: RMS of the wall's ridge about the ellipsoid; both NaN where stated.
    """

    apex_lps: Floats
    base_lps: Floats
    source: str
    covered: float
    residual_mm: float
    findings: tuple[Finding, ...] = ()
    method: str = METHOD
    version: str = VERSION

    @property
    def towards_apex(self) -> Floats:
        """Unit vector from base to apex, LPS."""
        line = self.apex_lps - self.base_lps
        return np.asarray(line / np.linalg.norm(line), dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        found = self.source == "found"
        return {
            "source": self.source,
            "apex_lps_mm": [round(float(one), 2) for one in self.apex_lps],
            "base_lps_mm": [round(float(one), 2) for one in self.base_lps],
            "wall_covered_fraction": round(self.covered, 3) if found else None,
            "residual_mm": round(self.residual_mm, 2) if found else None,
            "method": self.method if found else "stated by a person",
            "version": self.version,
        }


def stated_axis(*, apex_lps: npt.ArrayLike, base_lps: npt.ArrayLike) -> HeartAxis:
    """The axis that a person drew."""
    apex, base = (np.asarray(one, dtype=np.float64) for one in (apex_lps, base_lps))
    return HeartAxis(apex, base, "stated", float("nan"), float("nan"))


def find_heart_axis(volume: Volume) -> HeartAxis:
    """The long axis of the left ventricle. Transaxial or any other orientation; sum of the gates.

    Raises `Refused` heart_not_found where no cup stands out. A `Finding` heart_axis_unsure is
    given where the wall is patchy, the ellipsoid fits badly, or the open end is not where
    ventricles have it: look, and state the ends.
    """
    step = np.array(volume.spacing_mm)
    sigma = _SMOOTH_FWHM_MM / 2.354820045 / step[::-1]
    smooth = replace(
        volume, array=gaussian_filter(np.asarray(volume.array, np.float32), sigma), slices=()
    )
    rays = _directions()
    cups = [_Cup.about(smooth, centre, rays) for centre in _candidates(smooth)]
    cups = [cup for cup in cups if cup.covered >= _COVERED]
    if not cups:
        raise refused("heart_not_found", "no cup of bright wall around a dark cavity")
    best = max(cups, key=lambda cup: cup.merit)
    # From the middle of the fitted cavity more of the wall is met at a right angle.
    fit = _fit(best)
    for _ in range(3):
        best = _Cup.about(smooth, fit.middle, rays)
        if best.covered < _COVERED:
            raise refused("heart_not_found", f"wall in {best.covered:.0%} of all directions")
        fit = _fit(best)
    if fit.residual_mm > _NO_CUP_MM:
        raise refused("heart_not_found", f"wall {fit.residual_mm:.1f} mm about an ellipsoid")
    return _oriented(smooth, best, fit)


@dataclass(frozen=True, slots=True, eq=False)
class _Cup:
    """What rays from a centre meet: ridge points (n, 3) LPS, their heights, and which are wall."""

    centre: Floats
    rays: Floats
    ridge: Floats
    height: Floats
    wall: Bools
    merit: float

    @property
    def covered(self) -> float:
        return float(self.wall.mean())

    @classmethod
    def about(cls, volume: Volume, centre: Floats, rays: Floats) -> _Cup:
        points = centre + rays[:, None, :] * _REACH_MM[:, None]
        lines = volume.sample(points).astype(np.float64)
        inside = float(lines[:, :3].mean())
        # The first ridge, since liver and spleen shine behind the wall.
        inner = lines[:, 1:-1]
        ridge = (inner >= lines[:, :-2]) & (inner > lines[:, 2:])
        level = float(np.quantile(np.where(ridge, inner, 0.0).max(axis=1), 0.6))
        tall = ridge & (inner > max(_RIDGE * level, 1.25 * inside))
        wall = tall.any(axis=1)
        first = np.argmax(tall, axis=1)
        rows = np.arange(len(rays))
        height = inner[rows, first]
        left, peak, right = (lines[rows, first + offset] for offset in (0, 1, 2))
        bend = left - 2 * peak + right
        shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, -1.0), 0.0)
        reach = _REACH_MM[first + 1] + 2.0 * np.clip(shift, -0.5, 0.5)
        wall &= (reach > 12.0) & (reach < 66.0)
        lit = height[wall].mean() if wall.any() else 0.0
        # Bright, closed and hollow: the wall's height over its cavity, times how much it covers.
        merit = float((lit - inside) * wall.mean() ** 2)
        return cls(centre, rays, centre + rays * reach[:, None], height, wall, merit)


@dataclass(frozen=True, slots=True, eq=False)
class _Ellipsoid:
    centre: Floats
    axis: Floats
    short_mm: float
    long_mm: float
    middle: Floats
    residual_mm: float


def _directions() -> Floats:
    """Directions evenly over the sphere (Fibonacci lattice)."""
    n = np.arange(_RAYS) + 0.5
    polar, turn = np.arccos(1 - 2 * n / _RAYS), np.pi * (1 + 5**0.5) * n
    return np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], 1)


def _candidates(volume: Volume) -> list[Floats]:
    """Centres whose surroundings at some radius outshine them most."""
    step = np.array(volume.spacing_mm)
    values = np.asarray(volume.array, np.float64)
    if not np.isfinite(values).all() or values.max() <= 0:
        raise refused("heart_not_found", "an empty image")
    reach = np.ceil((max(_SHELL_MM) + 8.0) / step[::-1]).astype(int)
    axes = np.meshgrid(
        *(np.arange(-r, r + 1) * s for r, s in zip(reach, step[::-1], strict=True)), indexing="ij"
    )
    away = np.sqrt(sum(axis**2 for axis in axes))
    full = [
        next_fast_len(n + 2 * int(r), real=True) for n, r in zip(values.shape, reach, strict=True)
    ]
    spectrum = rfftn(values, full)

    def mean_over(kernel: Floats) -> Floats:
        wide = irfftn(spectrum * rfftn(kernel / kernel.sum(), full), full)
        cut = tuple(slice(int(r), int(r) + n) for r, n in zip(reach, values.shape, strict=True))
        return np.asarray(wide[cut], dtype=np.float64)

    core = mean_over(np.exp(-0.5 * (away / 6.0) ** 2))
    score = np.full(values.shape, -np.inf)
    for radius in _SHELL_MM:
        ring = mean_over(np.exp(-0.5 * ((away - radius) / 4.0) ** 2))
        score = np.maximum(score, ring - core)
    size = np.maximum(2 * np.round(8.0 / step[::-1]).astype(int) + 1, 3)
    top = (score == maximum_filter(score, size=tuple(size))) & (score > 0)
    places = np.argwhere(top)
    order = np.argsort(score[top])[::-1][:_TRIED]
    return [volume.world(places[one][::-1].astype(np.float64)) for one in order]


def _fit(cup: _Cup) -> _Ellipsoid:
    """Half an ellipsoid of revolution through the ridge, from several starts."""
    points = cup.ridge[cup.wall]
    hole = -cup.rays[cup.wall].mean(axis=0)
    hole /= max(float(np.linalg.norm(hole)), 1e-9)
    weight = np.sqrt(np.clip(cup.height[cup.wall] / np.median(cup.height[cup.wall]), 0.3, 1.0))
    share = float(np.sqrt(_INDEPENDENT / len(points)))
    reach = float(np.median(np.linalg.norm(points - cup.centre, axis=1)))

    def parts(p: Floats, start: Floats) -> tuple[Floats, Floats, float, float]:
        one, two = _across(start)
        axis = start + p[3] * one + p[4] * two
        return p[:3], axis / np.linalg.norm(axis), float(np.exp(p[5])), float(np.exp(p[5] + p[6]))

    def wrong(p: Floats, start: Floats) -> Floats:
        centre, axis, short, long = parts(p, start)
        away = points - centre
        along = away @ axis
        across = np.linalg.norm(away - along[:, None] * axis, axis=1)
        # Above the widest place the wall goes on as a tube.
        scaled = np.hypot(across / short, np.minimum(along, 0.0) / long)
        size = np.hypot(across, np.minimum(along, 0.0))
        miss = (scaled - 1.0) * size / np.maximum(scaled, 1e-6)
        # Without a rim the tube and the length are free: hold them near what ventricles have.
        prior = ((p[6] - np.log(1.8)) / 0.25, (np.log(short / 32.0)) / 0.4)
        return np.concatenate((weight * miss / _RIDGE_SD_MM * share, prior))

    cost = np.inf
    for start in (hole, -_USUAL):
        first = np.concatenate((cup.centre + start * 5.0, (0, 0, np.log(reach), np.log(1.6))))
        found = least_squares(
            wrong, first, args=(start,), loss="soft_l1", f_scale=share, max_nfev=60
        )
        if found.cost < cost:
            cost = float(found.cost)
            centre, axis, short, long = parts(found.x, start)
            miss = wrong(found.x, start)[:-2] * _RIDGE_SD_MM / share / weight
    residual = float(np.sqrt(np.mean(np.minimum(np.abs(miss), 15.0) ** 2)))
    return _Ellipsoid(centre, axis, short, long, centre - axis * long * 0.35, residual)


def _across(axis: Floats) -> tuple[Floats, Floats]:
    one = np.cross(axis, np.eye(3)[int(np.argmin(np.abs(axis)))])
    one /= np.linalg.norm(one)
    return one, np.cross(axis, one)


def _oriented(volume: Volume, cup: _Cup, fit: _Ellipsoid) -> HeartAxis:
    """Ends on the wall of the apex and on the valve plane, and what makes them doubtful."""
    towards_apex = -fit.axis
    caps = {
        name: float(cup.wall[cup.rays @ end > np.cos(np.radians(40.0))].mean())
        for name, end in (("apex", towards_apex), ("base", fit.axis))
    }
    apex = fit.centre + towards_apex * fit.long_mm
    valve_mm = _valve_mm(volume, fit)
    base = fit.centre + fit.axis * float(np.clip(valve_mm, 0.0, 40.0))
    usual = float(towards_apex @ _USUAL)
    doubts = []
    if cup.covered < _PATCHY:
        doubts.append(("the wall is patchy", "室壁不连续"))
    if fit.residual_mm > _UNEVEN_MM:
        doubts.append(("the wall does not follow an ellipsoid", "室壁形态偏离椭球"))
    if caps["base"] > 0.7 or caps["apex"] < 0.5:
        doubts.append(("no end is clearly the open one", "无法明确瓣环开口端"))
    if not 0.0 <= valve_mm <= 40.0:
        doubts.append(("the valve plane is not seen", "瓣环平面不清"))
    if usual < 0.5:
        doubts.append(("the apex points where apices seldom do", "心尖指向异常"))
    findings = [
        finding("heart_axis_unsure", why=english, why_zh=chinese) for english, chinese in doubts
    ]
    return HeartAxis(apex, base, "found", cup.covered, fit.residual_mm, tuple(findings))


def _valve_mm(volume: Volume, fit: _Ellipsoid) -> float:
    """Height above the ellipsoid's widest place where the wall has fallen to half."""
    one, two = _across(fit.axis)
    turn = np.arange(24) * np.pi / 12
    around = np.cos(turn)[:, None] * one + np.sin(turn)[:, None] * two
    heights = np.arange(-0.7 * fit.long_mm, 45.0, 2.0)
    radius = fit.short_mm * np.sqrt(1 - (np.minimum(heights, 0.0) / fit.long_mm) ** 2)
    off = np.arange(-6.0, 7.0, 3.0)
    points = (
        fit.centre
        + heights[:, None, None, None] * fit.axis
        + (radius[:, None] + off)[:, None, :, None] * around[:, None, :]
    )
    wall = volume.sample(points).max(axis=2).astype(np.float64)
    profile = np.median(wall, axis=1)
    plateau = float(np.quantile(profile, 0.75))
    below = np.flatnonzero((profile < plateau / 2) & (heights > -0.4 * fit.long_mm))
    if not below.size or below[0] == 0:
        return float("-inf" if below.size else "inf")
    last = int(below[0]) - 1
    fall = (profile[last] - plateau / 2) / max(profile[last] - profile[last + 1], 1e-9)
    return float(heights[last] + 2.0 * np.clip(fall, 0.0, 1.0))

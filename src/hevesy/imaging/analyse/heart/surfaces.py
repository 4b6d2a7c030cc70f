"""Endocardium and epicardium of the left ventricle on rays from a point of the cavity.

SPECT blurs a wall of 10 mm over about 12 mm, so no threshold finds its edges. Here the wall is
found by synthesis: walls of a model are blurred with the camera's resolution, measured with the
same rulers as the image, and moved until both measurements agree.

Frame: short-axis volumes [k, j, i], k from apex to base, j to the inferior wall, i to the lateral
wall; mm from the centre of the first voxel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates

from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]

POLAR: Final = 32
AROUND: Final = 36
_STEP_MM: Final = 1.0
_REACH_MM: Final = 90.0
_ROUNDS: Final = 5
_FWHM_PER_SIGMA: Final = 2.354820045


@dataclass(frozen=True, slots=True)
class Axis:
    """The long axis and its middle, in mm: i and j of the axis, k of the point rays start from."""

    i_mm: float
    j_mm: float
    k_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """Radii in mm from the ray centre, (POLAR, AROUND), and the wall's brightness there.

    Rays: polar angle from the apex, azimuth from lateral (0) over inferior (90 degrees). measured:
    rays that cross the wall below the valve plane; radii of the others continue it as a tube.
    base_mm: valve plane above the ray centre. brightness: integral over the wall.
    """

    inner_mm: Floats
    outer_mm: Floats
    brightness: Floats
    measured: npt.NDArray[np.bool_]
    base_mm: float

    @property
    def cavity_ml(self) -> float:
        """Volume within the endocardium and below the valve plane, mL."""
        return _enclosed_ml(self.inner_mm, self.base_mm)

    @property
    def muscle_ml(self) -> float:
        """Volume between both surfaces below the valve plane, mL."""
        return _enclosed_ml(self.outer_mm, self.base_mm) - self.cavity_ml


def ray_directions() -> tuple[Floats, Floats]:
    """Polar angle (POLAR, 1) and azimuth (1, AROUND) of the rays in radians, cell centres."""
    polar = (np.arange(POLAR) + 0.5) * np.pi / POLAR
    return polar[:, None], (np.arange(AROUND) * 2 * np.pi / AROUND)[None, :]


def _enclosed_ml(radius_mm: Floats, base_mm: float) -> float:
    polar, _ = ray_directions()
    upwards = -np.cos(polar)
    with np.errstate(divide="ignore"):
        to_plane = np.where(upwards > 0, base_mm / np.where(upwards > 0, upwards, 1.0), np.inf)
    edges = np.arange(POLAR + 1) * np.pi / POLAR
    solid = (np.cos(edges[:-1]) - np.cos(edges[1:]))[:, None] * 2 * np.pi / AROUND
    return float((np.minimum(radius_mm, to_plane) ** 3 / 3 * solid).sum() / 1000.0)


def find_axis(summed: Floats, spacing_mm: tuple[float, float, float]) -> tuple[Axis, float]:
    """Long axis and valve plane (mm along k) of the summed gates. Raises `Refused` (`no_heart`).

    The axis is the centre of the circle through the ridge of the ring in the middle slices; a
    person may put it elsewhere. The plane lies where the ring falls to half of its plateau.
    """
    si, sj, sk = spacing_mm
    smooth = gaussian_filter(summed, 0.7)
    bright = smooth > 0.5 * smooth.max()
    if smooth.max() <= 0 or bright.sum() < 20:
        raise _no_heart("no wall above half of the maximum")
    k, j, i = (axis.astype(float) for axis in np.nonzero(bright))
    x, y = i.mean(), j.mean()
    low, high = np.quantile(k, (0.35, 0.9))
    ring = smooth[int(low) : int(high) + 1].sum(axis=0)
    angles = np.arange(AROUND) * 2 * np.pi / AROUND
    reach = np.arange(0.0, _REACH_MM, _STEP_MM)
    for _ in range(4):
        at = (y + np.sin(angles)[:, None] * reach / sj, x + np.cos(angles)[:, None] * reach / si)
        lines = map_coordinates(ring, at, order=1)
        radius = reach[np.argmax(lines, axis=1)]
        px, py = x * si + radius * np.cos(angles), y * sj + radius * np.sin(angles)
        terms = np.column_stack((px, py, np.ones_like(px)))
        fitted = np.linalg.lstsq(terms, px**2 + py**2, rcond=None)[0]
        x, y = fitted[0] / 2 / si, fitted[1] / 2 / sj
    jj, ii = np.indices(summed.shape[1:])
    within = np.hypot((ii - x) * si, (jj - y) * sj) < np.median(radius) + 15
    along = smooth[:, within].sum(axis=1)
    base = _half_fall(along)
    core = smooth[:, np.hypot((ii - x) * si, (jj - y) * sj) < max(si, 8.0)].mean(axis=1)
    apex = int(np.argmax(core[: int(base) + 1]))
    return Axis(x * si, y * sj, (apex + base) / 2 * sk), base * sk


def _half_fall(along: Floats) -> float:
    """Index, with fraction, where the profile falls to half of its plateau on the basal side."""
    plateau = float(np.quantile(along[along > 0.5 * along.max()], 0.75))
    above = np.nonzero(along >= plateau / 2)[0]
    last = int(above[-1])
    if last + 1 >= len(along):
        raise _no_heart("the wall reaches the last slice: add slices at the base")
    return float(last + (along[last] - plateau / 2) / (along[last] - along[last + 1]))


def _no_heart(detail: str) -> Refused:
    return Refused(
        "no_heart",
        "No left ventricle was found in the short-axis volume: check the orientation (apex first) "
        "or state the axis and the valve plane.",
        "短轴图像中未找到左心室，请检查方向（心尖层在前），或手动指定长轴与瓣环平面。",
        detail,
    )


class Ruler:
    """Measures walls on rays of one grid, and draws and blurs walls on it."""

    def __init__(
        self,
        shape: tuple[int, int, int],
        spacing_mm: tuple[float, float, float],
        axis: Axis,
        fwhm_mm: float,
    ) -> None:
        si, sj, sk = spacing_mm
        polar, azimuth = ray_directions()
        self._reach = np.arange(0.0, _REACH_MM, _STEP_MM)
        along = np.stack(
            (
                -np.cos(polar) * np.ones_like(azimuth),
                np.sin(polar) * np.sin(azimuth),
                np.sin(polar) * np.cos(azimuth),
            )
        )
        scale = np.array((sk, sj, si))[:, None, None, None]
        start = np.array((axis.k_mm, axis.j_mm, axis.i_mm))[:, None, None, None]
        self._points = (start + along[..., None] * self._reach) / scale
        self._up = -np.cos(polar)
        self._sigma = tuple(fwhm_mm / _FWHM_PER_SIGMA / one for one in (sk, sj, si))
        k, j, i = np.indices(shape, dtype=np.float64)
        dk, dj, di = k * sk - axis.k_mm, j * sj - axis.j_mm, i * si - axis.i_mm
        self._radius = np.sqrt(dk**2 + dj**2 + di**2)
        self._above = dk
        angle = np.arccos(np.clip(-dk / np.maximum(self._radius, 1e-9), -1, 1))
        self._cell = (
            angle * POLAR / np.pi - 0.5,
            (np.arctan2(dj, di) % (2 * np.pi)) * AROUND / (2 * np.pi),
        )
        self._voxel_mm = float(np.cbrt(si * sj * sk))
        self._slice_mm = sk

    def measure(self, image: Floats) -> tuple[Floats, Floats, Floats]:
        """Middle of the wall (mm), its integral and its spread (mm) on every ray."""
        lines = map_coordinates(image, self._points, order=1, mode="constant")
        peak_at = np.argmax(lines, axis=2)
        near = np.abs(self._reach - self._reach[peak_at][..., None]) <= 14.0
        weight = np.where(near, np.maximum(lines, 0.0), 0.0)
        total = np.maximum(weight.sum(axis=2), 1e-12)
        middle = (weight * self._reach).sum(axis=2) / total
        spread = np.sqrt((weight * (self._reach - middle[..., None]) ** 2).sum(axis=2) / total)
        return middle, total * _STEP_MM, spread

    def crosses(self, middle_mm: Floats, base_mm: float, margin_mm: float) -> npt.NDArray[np.bool_]:
        """Rays whose wall lies at least `margin_mm` below the valve plane."""
        below = middle_mm * self._up < base_mm - margin_mm
        # A ray out of the valve meets no wall and seems to end near the centre: stop at the rim.
        return np.logical_and.accumulate(below, axis=0)

    def draw(self, walls: Walls) -> Floats:
        """A wall of uniform uptake 1 between the surfaces, blurred as the camera does."""
        inner, outer = (
            map_coordinates(
                _wrapped(surface),
                (self._cell[0] + 1, self._cell[1]),
                order=1,
                mode="nearest",
            )
            for surface in (walls.inner_mm, walls.outer_mm)
        )
        soft = self._voxel_mm
        # The share of a voxel within the wall: what lies inside the outer surface less the cavity.
        share = np.clip((outer - self._radius) / soft + 0.5, 0, 1) - np.clip(
            (inner - self._radius) / soft + 0.5, 0, 1
        )
        share *= np.clip((walls.base_mm - self._above) / self._slice_mm + 0.5, 0, 1)
        return np.asarray(gaussian_filter(share, self._sigma), dtype=np.float64)

    def find(self, image: Floats, base_mm: float, thickness_mm: Floats | float) -> Walls:
        """Walls of that thickness whose blurred picture has its middle where the image has it.

        thickness_mm: across the wall; rays that cross it obliquely find it thicker.
        """
        return self._fitted(image, base_mm, np.broadcast_to(thickness_mm, (POLAR, AROUND)), None)

    def follow(self, image: Floats, first: Walls, start: Walls, thickness_mm: float) -> Walls:
        """Walls in another gate, as much thicker than in `first` as their counts tell.

        A wall below the resolution is as bright as it is thick, but not quite, and a bent one not
        at all: so the thickness is sought whose drawn wall brightens as the image's does. start:
        walls of this image at any thickness. thickness_mm: in `first`.
        """
        both = first.measured & start.measured
        # A segment's own counts say how it thickens; where hardly any are left, the whole does.
        lit = both & (first.brightness > 0.2 * first.brightness[both].max())
        grown = _growth(start.brightness, first.brightness, both, lit)
        drawn_first = self.measure(self.draw(first))[1]
        target = _Growth(grown, drawn_first, both, lit)
        return self._fitted(image, start.base_mm, thickness_mm * grown, target)

    def _fitted(
        self, image: Floats, base_mm: float, thick: Floats, target: _Growth | None
    ) -> Walls:
        raw, bright, _ = self.measure(image)
        measured = self.crosses(raw, base_mm, 10.0)
        seen = _as_tube(_smoothed(raw, measured), measured)
        middle = seen.copy()
        for _ in range(_ROUNDS):
            walls = _walls(middle, thick, bright, measured, base_mm)
            drawn, lit, _ = self.measure(self.draw(walls))
            # Both are smoothed: of the image alone it would pull in the apex, where the wall bends.
            wrong = np.where(measured, seen - _smoothed(drawn, measured), 0.0)
            middle = _as_tube(middle + 0.8 * np.clip(wrong, -4, 4), measured)
            if target is not None:
                missing = target.grown / _growth(lit, target.drawn, target.both, target.lit)
                thick = np.clip(thick * np.clip(missing, 0.8, 1.25), 2.0, 30.0)
        return _walls(middle, thick, bright, measured, base_mm)

    def thickness(self, image: Floats, base_mm: float) -> float:
        """Mean wall thickness in mm from the spread of the wall beyond the camera's blur.

        Walls of several thicknesses are drawn; the answer is the one that is as broad as the image.
        """
        trials = np.array((5.0, 8.0, 11.0, 14.0, 18.0))
        _, bright, spread = self.measure(image)
        widths = []
        for trial in trials:
            walls = self.find(image, base_mm, trial)
            used = walls.measured & (bright > 0.5 * bright[walls.measured].max())
            _, _, drawn = self.measure(self.draw(walls))
            widths.append(float((drawn - spread)[used].mean()))
        return float(np.interp(0.0, widths, trials))


@dataclass(frozen=True, slots=True, eq=False)
class _Growth:
    """How much brighter than in `first` the wall is (grown), and how bright it was when drawn."""

    grown: Floats
    drawn: Floats
    both: npt.NDArray[np.bool_]
    lit: npt.NDArray[np.bool_]


def _growth(
    over: Floats, under: Floats, both: npt.NDArray[np.bool_], lit: npt.NDArray[np.bool_]
) -> Floats:
    """Quotient of two maps of rays, each smoothed over its neighbours; overall where it is dark."""
    overall = over[both].sum() / under[both].sum()
    own = _smoothed(over, lit) / np.maximum(_smoothed(under, lit), 1e-12)
    return np.asarray(np.where(lit, np.clip(own, 0.5, 2.5), overall), dtype=np.float64)


def _walls(
    middle_mm: Floats,
    thick_mm: Floats,
    bright: Floats,
    measured: npt.NDArray[np.bool_],
    base_mm: float,
) -> Walls:
    half = thick_mm / _squareness(middle_mm) / 2
    inner = np.maximum(middle_mm - half, 0.5)
    return Walls(inner, middle_mm + half, bright, measured, base_mm)


def _squareness(radius_mm: Floats) -> Floats:
    """Cosine of the angle between a ray and the normal of the surface, at least a half."""
    polar, _ = ray_directions()
    smooth = gaussian_filter(radius_mm, 1.0, mode=("nearest", "wrap"))
    along = np.gradient(smooth, np.pi / POLAR, axis=0)
    closed = np.concatenate((smooth[:, -1:], smooth, smooth[:, :1]), axis=1)
    around = (closed[:, 2:] - closed[:, :-2]) * AROUND / (4 * np.pi) / np.sin(polar)
    cosine = smooth / np.sqrt(smooth**2 + along**2 + around**2)
    return np.asarray(np.maximum(cosine, 0.5), dtype=np.float64)


def _wrapped(surface: Floats) -> Floats:
    """One more row at each pole, one more column so that azimuth closes."""
    closed = np.concatenate((surface, surface[:, :1]), axis=1)
    poles = closed[:1, :-1].mean(), closed[-1:, :-1].mean()
    first, last = (np.full((1, closed.shape[1]), one) for one in poles)
    return np.concatenate((first, closed, last), axis=0)


def _as_tube(radius_mm: Floats, measured: npt.NDArray[np.bool_]) -> Floats:
    """Beyond the last measured ray of a meridian, keep the distance from the axis."""
    polar, _ = ray_directions()
    last = np.where(measured.any(axis=0), POLAR - 1 - np.argmax(measured[::-1], axis=0), 0)
    from_axis = np.mean(
        [
            np.take_along_axis(radius_mm * np.sin(polar), np.maximum(last - back, 0)[None], 0)[0]
            for back in (0, 1)
        ],
        axis=0,
    )
    beyond = np.arange(POLAR)[:, None] > last[None, :]
    return np.where(beyond, np.minimum(from_axis / np.sin(polar), 4 * _REACH_MM), radius_mm)


def _smoothed(values: Floats, measured: npt.NDArray[np.bool_]) -> Floats:
    """Mean over neighbouring rays that were measured; quiets noise without pulling in the rest."""
    weight = gaussian_filter(measured.astype(float), 0.8, mode=("nearest", "wrap"))
    total = gaussian_filter(np.where(measured, values, 0.0), 0.8, mode=("nearest", "wrap"))
    return np.where(measured, total / np.maximum(weight, 1e-9), values)

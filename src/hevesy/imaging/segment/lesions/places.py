"""Where a candidate lies and what lives there.

Classes and places are tables in TOML beside this file: a row applies if every
feature named in it lies in its range (bounds included), the first row that applies is taken. A
feature that is not known (Hounsfield units without CT) applies to no range.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.anatomy import GRID_MM, Anatomy
from hevesy.imaging.segment.lesions.candidates import Candidate
from hevesy.imaging.segment.lesions.tracers import TRACERS

Array = npt.NDArray[Any]
Features = Mapping[str, float | None]
_PAIR_MM: Final = 16.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; `included`: whether lesions of this class count unless a reader says."""

    key: str
    text_en: str
    text_zh: str
    ranges: tuple[tuple[str, float, float], ...]
    included: bool = True

    def applies(self, features: Features) -> bool:
        """Whether every feature lies in its range."""
        for name, low, high in self.ranges:
            value = features[name]
            if value is None or not low <= value <= high:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order, with where they come from and whether a physician has checked them."""

    rows: tuple[Row, ...]
    source: str
    checked: bool

    def first(self, features: Features) -> Row:
        """The first row that applies; the last row of a table applies always."""
        return next(row for row in self.rows if row.applies(features))


@lru_cache(maxsize=8)
def class_table(tracer: str) -> Table:
    """Physiological classes of a tracer (`TRACERS`). Raises `Refused` for another."""
    if tracer not in TRACERS:
        raise Refused(
            "unknown_tracer",
            f"There are no rules for this tracer; choose one of {', '.join(TRACERS)}.",
            f"没有该示踪剂的规则，可选：{'、'.join(TRACERS)}。",
        )
    return _table(_read("tracers.toml")[tracer], "class")


@lru_cache(maxsize=1)
def place_table() -> Table:
    """Names of places."""
    return _table(_read("places.toml"), "place")


def features_of(
    pet: Volume, candidates: Sequence[Candidate], places: Anatomy, liver: float | None
) -> list[dict[str, float | None]]:
    """Features of each candidate, by the voxels of its region.

    u; left_mm: of the spine's middle, positive to the patient's left; off_mm: its size; ahead_mm:
    in front of the spine; depth_mm: below the skin; ml, component_ml; suv_max, suv_mean,
    to_liver; contrast: maximum over the median of a shell 4 to 12 mm away; ct: 1 if there is
    one; hu: median; lung, bone: share of the cells that touch lung or bone; gas_mm: distance to
    bowel gas; flatness: smallest over largest extent; pair: 1 if another lies mirrored.
    """
    answers = [_own(pet, one, places, liver) for one in candidates]
    _pair(answers)
    return answers


def _own(
    pet: Volume, candidate: Candidate, places: Anatomy, liver: float | None
) -> dict[str, float | None]:
    voi = candidate.voi
    index = voi.index_kji
    at = pet.world(index[:, ::-1])
    values = pet.array[tuple(index.T)]
    hottest = float(values.max())
    x, y, z = at.mean(axis=0)
    layer = int(places.layer(z))
    left = float(x - places.spine_x[layer])
    grid = np.rint((at - places.pet.ijk_to_lps[:3, 3]) / GRID_MM).astype(int)[:, ::-1]
    grid = np.unique(np.clip(grid, 0, np.array(places.body.shape) - 1), axis=0)
    cells = tuple(grid.T)
    hu = None if places.hu is None else float(np.median(places.hu[cells]))
    spread = np.linalg.eigvalsh(np.cov(at.T) + np.eye(3)) if len(at) > 3 else np.ones(3)
    ml = voi.voxels * pet.voxel_mm3 / 1000.0
    return {
        "x": float(x),
        "y": float(y),
        "z": float(z),
        "u": float(places.u(z)),
        "left_mm": left,
        "off_mm": abs(left),
        "ahead_mm": float(places.spine_y[layer] - y),
        "depth_mm": _depth(places.body, grid),
        "ml": ml,
        "component_ml": candidate.component_ml,
        "suv_max": hottest,
        "suv_mean": float(values.mean(dtype=np.float64)),
        "to_liver": None if not liver else hottest / liver,
        "contrast": hottest / max(_shell(places, grid), 0.1),
        "ct": 0.0 if hu is None else 1.0,
        "hu": hu,
        "lung": None if hu is None else _touching(places.lungs, grid),
        "bone": None if hu is None else _touching(places.bone, grid),
        "gas_mm": None if hu is None else _gas_mm(places, grid),
        "flatness": float(np.sqrt(spread[0] / spread[2])),
        "pair": 0.0,
    }


def _window(shape: tuple[int, ...], grid: Array, reach: int) -> tuple[slice, slice, slice]:
    low = np.maximum(grid.min(axis=0) - reach, 0)
    high = np.minimum(grid.max(axis=0) + reach + 1, shape)
    a, b, c = (slice(int(p), int(q)) for p, q in zip(low, high, strict=True))
    return a, b, c


def _touching(mask: Array, grid: Array) -> float:
    """Share of the cells with one of the mask at most one step away."""
    near = np.zeros(len(grid), dtype=np.bool_)
    top = np.array(mask.shape) - 1
    for step in ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)):
        near |= mask[tuple(np.clip(grid + np.array(step), 0, top).T)]
    return float(near.mean())


def _depth(body: Array, grid: Array) -> float:
    """Distance in mm from the middle of the region to the skin, along the shortest grid axis."""
    k, j, i = np.rint(grid.mean(axis=0)).astype(int)
    reach = []
    for line, start in ((body[k, j], i), (body[k, :, i], j)):
        outside = np.flatnonzero(~line)
        ends = np.concatenate((outside, [-1, len(line)]))
        reach.append(float(np.abs(ends - start).min()))
    return min(reach) * GRID_MM


def _shell(places: Anatomy, grid: Array) -> float:
    """Median uptake of what lies 4 to 12 mm outside the region."""
    from scipy.ndimage import binary_dilation

    box = _window(places.body.shape, grid, 4)
    start = np.array([side.start for side in box])
    mask = np.zeros([side.stop - side.start for side in box], dtype=np.bool_)
    mask[tuple((grid - start).T)] = True
    inner = binary_dilation(mask, iterations=1)
    shell = binary_dilation(inner, iterations=2) & ~inner
    values = places.pet.array[box][shell]
    return float(np.median(values)) if values.size else 0.0


def _gas_mm(places: Anatomy, grid: Array) -> float:
    """Distance from the region to the nearest bowel gas; 99 if beyond 40 mm."""
    reach = int(40.0 / GRID_MM)
    box = _window(places.gas.shape, grid, reach)
    gas = np.argwhere(places.gas[box])
    if not len(gas):
        return 99.0
    from scipy.spatial import cKDTree

    start = np.array([side.start for side in box])
    away, _ = cKDTree(gas).query(grid - start, k=1)
    return float(min(away.min() * GRID_MM, 99.0))


def _pair(answers: list[dict[str, float | None]]) -> None:
    """Mark those with a mirror image across the midplane of like size and uptake."""
    if len(answers) < 2:
        return
    named = ("left_mm", "y", "z", "suv_max", "ml", "off_mm")
    left, y, z, hot, ml, off = (np.array([one[name] for one in answers]) for name in named)
    away = np.sqrt(
        (left[:, None] + left[None]) ** 2 + (y[:, None] - y[None]) ** 2 + (z[:, None] - z) ** 2
    )
    # Kidneys are large and never quite level: the tolerance grows with their size.
    allowed = np.maximum(_PAIR_MM, 8.0 * np.cbrt(np.minimum(ml[:, None], ml[None])))
    like = (np.abs(np.log(hot[:, None] / hot[None])) < np.log(1.6)) & (
        np.abs(np.log(ml[:, None] / ml[None])) < np.log(4.0)
    )
    mirrored = (away < allowed) & like & (off[:, None] > 8.0) & (left[:, None] * left[None] < 0)
    for one, found in zip(answers, mirrored.any(axis=1), strict=True):
        one["pair"] = float(found)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def _table(told: Mapping[str, Any], rows: str) -> Table:
    made = tuple(
        Row(
            key=row["key"],
            text_en=row["en"],
            text_zh=row["zh"],
            included=row.get("included", True),
            ranges=tuple((name, *map(float, span)) for name, span in row.get("when", {}).items()),
        )
        for row in told[rows]
    )
    return Table(made, str(told["source"]), bool(told["checked"]))

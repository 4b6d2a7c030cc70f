"""The 17 segments of the left ventricle (AHA 2002), polar maps and scores against site limits."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.heart.surfaces import AROUND, POLAR, Walls, ray_directions
from hevesy.imaging.analyse.outcome import bad_table
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]

SEGMENTS: Final = (
    "basal anterior",
    "basal anteroseptal",
    "basal inferoseptal",
    "basal inferior",
    "basal inferolateral",
    "basal anterolateral",
    "mid anterior",
    "mid anteroseptal",
    "mid inferoseptal",
    "mid inferior",
    "mid inferolateral",
    "mid anterolateral",
    "apical anterior",
    "apical septal",
    "apical inferior",
    "apical lateral",
    "apex",
)
SOURCE: Final = "Cerqueira MD et al. Circulation 2002;105:539 (17 segments)"


def segment_of_rays(walls: Walls) -> npt.NDArray[np.intp]:
    """Segment 1 to 17 of every ray, (POLAR, AROUND); 0 for rays that meet no measured wall.

    The apex is what lies beyond the end of the cavity; from there to the valve plane three equal
    thirds. Sectors are seen from the apex: anterior on top, septum on the image's left.
    """
    polar, azimuth = ray_directions()
    middle = (walls.inner_mm + walls.outer_mm) / 2
    height = -np.cos(polar) * middle
    end = -float(walls.inner_mm[0].mean())
    level = (height - end) / (walls.base_mm - end)
    # Degrees anticlockwise on the map from anterior; azimuth runs lateral, inferior, septal.
    turn = np.degrees(-azimuth - np.pi / 2) % 360 * np.ones_like(level)
    six = ((turn + 30) // 60).astype(int) % 6
    four = ((turn + 45) // 90).astype(int) % 4
    found = np.where(level >= 2 / 3, 1 + six, np.where(level >= 1 / 3, 7 + six, 13 + four))
    found = np.where(level < 0, 17, found)
    return np.where(walls.measured, found, 0).astype(np.intp)


def segment_means(values: Floats, segments: npt.NDArray[np.intp]) -> Floats:
    """Mean per segment (17,), rays weighted by the solid angle they stand for; NaN if empty."""
    polar, _ = ray_directions()
    weight = np.sin(polar) * np.ones((POLAR, AROUND))
    total = np.bincount(segments.ravel(), weights=(weight * values).ravel(), minlength=18)[1:]
    share = np.bincount(segments.ravel(), weights=weight.ravel(), minlength=18)[1:]
    return np.where(share > 0, total / np.where(share > 0, share, 1), np.nan)


def percent_of_brightest(means: Floats) -> Floats:
    """Segment uptake in percent of the brightest segment."""
    return np.asarray(100.0 * means / np.nanmax(means), dtype=np.float64)


def polar_map(values: Floats, walls: Walls, size: int = 96) -> Floats:
    """Bull's eye (size, size): apex in the middle, anterior on top, lateral on the right."""
    edge = float(walls.measured.all(axis=1).sum())
    j, i = np.indices((size, size)) - (size - 1) / 2
    radius = np.hypot(i, j) / (size / 2)
    row = np.clip(radius * edge, 0, POLAR - 1).astype(int)
    column = np.rint((np.arctan2(j, i) % (2 * np.pi)) * AROUND / (2 * np.pi)).astype(int) % AROUND
    return np.where(radius <= 1, values[row, column], 0.0)


@dataclass(frozen=True, slots=True)
class NormalLimits:
    """A site's normal uptake per segment, in percent of the brightest: mean, SD, and SD steps.

    steps: z at or below which a segment scores 1, 2, 3 and 4 (falling numbers). sha256: of the
    file that it was read from.
    """

    mean_percent: tuple[float, ...]
    sd_percent: tuple[float, ...]
    steps: tuple[float, float, float, float]
    source: str
    checked: bool
    sha256: str = ""

    def scores(self, percent: Floats) -> npt.NDArray[np.intp]:
        """Score 0 (normal) to 4 (absent) of every segment; an empty segment scores 0."""
        z = (percent - np.array(self.mean_percent)) / np.array(self.sd_percent)
        below = [(z <= step).astype(np.intp) for step in self.steps]
        return np.asarray(np.sum(below, axis=0), dtype=np.intp)


def read_limits(path: Path, *, sha256: str) -> NormalLimits:
    """Normal limits of a site from TOML. Raises `Refused` (`bad_table`, `wrong_checksum`).

    sha256: of the file that the site approved; another file is refused, as another atlas is.

    Fields: mean_percent and sd_percent (17 numbers each), steps (4 falling z), source, checked.
    Hevesy ships none: they hold for one camera, collimator, reconstruction and population.
    """
    text = path.read_bytes()
    found = hashlib.sha256(text).hexdigest()
    if found != sha256.lower():
        raise Refused(
            "wrong_checksum",
            "The normal limits are not those whose checksum was stated.",
            "正常参考限值文件与登记的校验值不符。",
            found,
        )
    table: dict[str, Any] = tomllib.loads(text.decode("utf-8"))
    mean, sd = table.get("mean_percent", ()), table.get("sd_percent", ())
    steps = table.get("steps", ())
    if len(mean) != 17 or len(sd) != 17 or min(sd) <= 0:
        raise bad_table("mean_percent and sd_percent need 17 numbers each, SD above zero")
    if len(steps) != 4 or list(steps) != sorted(steps, reverse=True):
        raise bad_table("steps needs four falling z values")
    if not table.get("source") or "checked" not in table:
        raise bad_table("source and checked are needed")
    return NormalLimits(
        tuple(map(float, mean)),
        tuple(map(float, sd)),
        (float(steps[0]), float(steps[1]), float(steps[2]), float(steps[3])),
        str(table["source"]),
        bool(table["checked"]),
        found,
    )


@dataclass(frozen=True, slots=True)
class SummedScores:
    """Summed stress, rest and difference score; the difference counts segments that recover."""

    stress: int
    rest: int
    difference: int


def summed_scores(
    stress_percent: Floats, rest_percent: Floats, limits: NormalLimits
) -> SummedScores:
    """SSS, SRS and SDS = sum over segments of max(0, stress - rest)."""
    if stress_percent.shape != (17,) or rest_percent.shape != (17,):
        raise Refused(
            "bad_segments",
            "Stress and rest each need the uptake of 17 segments.",
            "负荷与静息均需提供17个节段的摄取值。",
        )
    stress, rest = limits.scores(stress_percent), limits.scores(rest_percent)
    return SummedScores(int(stress.sum()), int(rest.sum()), int(np.maximum(stress - rest, 0).sum()))

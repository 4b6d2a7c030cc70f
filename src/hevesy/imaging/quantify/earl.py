"""Recovery coefficients of a NEMA sphere phantom beside the limits of EARL.

Recovery = measured / true activity concentration. Two definitions: mean inside the contour at
half of maximum + background (A50), and maximum. The limits are in earl.toml with their source.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-earl/1"
Standard = Literal["standards_1", "standards_2"]
Measure = Literal["a50", "max"]


@dataclass(frozen=True, slots=True)
class SphereVerdict:
    """One sphere: its recovery (fraction) and the limits it should lie in, bounds included."""

    diameter_mm: int
    recovery: float
    lowest: float
    highest: float

    @property
    def passed(self) -> bool:
        """Whether the recovery lies within the limits."""
        return self.lowest <= self.recovery <= self.highest


@dataclass(frozen=True, slots=True)
class EarlVerdict:
    """All spheres of one measure against one standard."""

    standard: Standard
    measure: Measure
    spheres: tuple[SphereVerdict, ...]
    source: str
    checked: bool
    version: str = VERSION

    @property
    def passed(self) -> bool:
        """Whether every sphere lies within its limits."""
        return all(sphere.passed for sphere in self.spheres)

    def as_json(self) -> dict[str, Any]:
        """Plain mapping."""
        return {
            "standard": self.standard,
            "measure": self.measure,
            "passed": self.passed,
            "spheres": [
                {
                    "diameter_mm": one.diameter_mm,
                    "recovery": one.recovery,
                    "lowest": one.lowest,
                    "highest": one.highest,
                    "passed": one.passed,
                }
                for one in self.spheres
            ],
            "source": self.source,
            "checked": self.checked,
            "version": self.version,
        }


def earl_verdict(
    recoveries: Mapping[int, float], *, standard: Standard, measure: Measure
) -> EarlVerdict:
    """Judge measured recoveries (by sphere diameter in mm, all six) against a standard.

    Raises `Refused` if a sphere is missing.
    """
    table = _limits()[standard]
    missing = [int(row[0]) for row in table[measure] if int(row[0]) not in recoveries]
    if missing:
        raise Refused(
            "sphere_missing",
            "EARL needs all six spheres (37, 28, 22, 17, 13, 10 mm); measure the missing ones.",
            "EARL 需要全部六个球（37、28、22、17、13、10 mm），请补测缺少的球。",
            f"missing {missing}",
        )
    return EarlVerdict(
        standard=standard,
        measure=measure,
        spheres=tuple(
            SphereVerdict(int(mm), float(recoveries[int(mm)]), float(low), float(high))
            for mm, low, high in table[measure]
        ),
        source=str(table["source"]),
        checked=bool(table["checked"]),
    )


@cache
def _limits() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("earl.toml").read_text("utf-8"))

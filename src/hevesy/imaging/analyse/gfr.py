"""Glomerular filtration rate by gamma camera, after Gates: renal uptake of Tc-99m DTPA.

Roles as for the renogram. Coefficients and depth formulas stand in `gates.toml`, which a site may
replace by its own.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    bad_table,
)
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.analyse.renogram import kidney_curves
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.quantify.normalise import body_surface_m2
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-gates-gfr/1"
TABLE: Final = Path(__file__).with_name("gates.toml")
METHOD: Final = (
    "Uptake in percent = 100 x net kidney count rate x e^(mu depth) / (full - empty syringe count"
    " rate), summed over both kidneys; GFR = slope x uptake + intercept, divided between the"
    " kidneys as their uptake; normalised by 1.73 m2 / body surface (Du Bois). Net kidney = region -"
    " background per pixel x pixels. No dead-time correction: count the syringe where the camera"
    " is linear."
)
_SIDES: Final = (("left", "左肾"), ("right", "右肾"))


@dataclass(frozen=True, slots=True)
class Syringe:
    """One measurement of the syringe at the camera: counts in `duration_s`, begun at `start_s`.

    start_s counts from injection and is negative before it.
    """

    counts: float
    duration_s: float = 60.0
    start_s: float = 0.0

    def rate_at_injection(self, half_life_s: float) -> float:
        """Counts per second, corrected for decay to the time of injection."""
        if not (self.duration_s > 0 and self.counts >= 0):
            raise Refused(
                "bad_syringe",
                "A syringe measurement needs counts of zero or more and a counting time.",
                "注射器计数须不小于零，且须有计数时间。",
            )
        x = math.log(2.0) * self.duration_s / half_life_s
        factor = math.exp2(self.start_s / half_life_s) * x / -math.expm1(-x)
        return self.counts / self.duration_s * factor


@dataclass(frozen=True, slots=True)
class Patient:
    """Body size, for depth and body surface. Refused (`bad_patient`) outside what is possible."""

    weight_kg: float
    height_cm: float
    age_years: float = 0.0

    def __post_init__(self) -> None:
        if not (1 <= self.weight_kg <= 400 and 30 <= self.height_cm <= 260 and self.age_years >= 0):
            raise Refused(
                "bad_patient",
                "Weight (kg), height (cm) and age (years) must be those of a person: check them.",
                "体重（kg）、身高（cm）或年龄（岁）不合理，请核对。",
            )


def read_gates_table(path: Path | None = None) -> Mapping[str, Any]:
    """The table of coefficients; raises `Refused` (`bad_table`) for rows without a source."""
    table = tomllib.loads((path or TABLE).read_text("utf-8"))
    for kind in ("regression", "depth"):
        for name, row in table.get(kind, {}).items():
            if not row.get("source") or "checked" not in row:
                raise bad_table(f"{kind}.{name}: source and checked are needed")
    if not 0.05 < float(table.get("attenuation_per_cm", 0)) < 0.3:
        raise bad_table("attenuation_per_cm")
    return table


def _row(table: Mapping[str, Any], kind: str, name: str) -> Mapping[str, Any]:
    rows: Mapping[str, Any] = table.get(kind, {})
    if name not in rows:
        raise bad_table(f"no {kind} “{name}”; there are: {', '.join(rows)}")
    row: Mapping[str, Any] = rows[name]
    return row


def kidney_depth_cm(row: Mapping[str, Any], side: str, patient: Patient) -> float:
    """Depth of the middle of a kidney by a linear formula of the table, in cm."""
    terms = row[side]
    return float(
        terms["weight_over_height"] * patient.weight_kg / patient.height_cm
        + terms["age"] * patient.age_years
        + terms["constant"]
    )


def analyse_gates_gfr(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    full: Syringe,
    empty: Syringe,
    patient: Patient,
    half_life_s: float,
    interval_s: tuple[float, float] = (120.0, 180.0),
    regression: str = "gates1982",
    depth: str = "tonnesen1974",
    measured_depth_cm: tuple[float, float] | None = None,
    table: Path | None = None,
) -> Outcome:
    """GFR of both kidneys and of each, in mL/min and per 1.73 m2.

    frames: counts seen from behind; times in s from injection. measured_depth_cm: left and right,
    from CT or a lateral view, goes before the formula. Raises `Refused`.
    """
    coefficients = read_gates_table(table)
    line, formula = _row(coefficients, "regression", regression), _row(coefficients, "depth", depth)
    mu = float(coefficients["attenuation_per_cm"])
    net_syringe = full.rate_at_injection(half_life_s) - empty.rate_at_injection(half_life_s)
    if net_syringe <= 0:
        raise Refused(
            "bad_syringe",
            "The empty syringe counts as much as the full one: check which is which.",
            "空注射器计数不低于满注射器，请核对是否颠倒。",
        )
    kidneys = kidney_curves(frames, start_s, duration_s, regions, half_life_s=half_life_s)
    length_s = interval_s[1] - interval_s[0]
    depths, uptake, deviation = {}, {}, {}
    for index, (side, _) in enumerate(_SIDES):
        depths[side] = (
            measured_depth_cm[index]
            if measured_depth_cm
            else kidney_depth_cm(formula, side, patient)
        )
        counts, variance = kidneys.net[side].integral(*interval_s)
        scale = 100.0 * math.exp(mu * depths[side]) / length_s / net_syringe
        uptake[side], deviation[side] = scale * counts, scale * math.sqrt(variance)
    total = uptake["left"] + uptake["right"]
    gfr = float(line["slope"]) * total + float(line["intercept"])
    spread = float(line["slope"]) * math.hypot(*deviation.values())
    surface_m2 = body_surface_m2(weight_kg=patient.weight_kg, height_m=patient.height_cm / 100.0)
    per_173 = 1.73 / surface_m2
    measures = [
        Measure("gfr_ml_per_min", gfr, "mL/min", "GFR", "肾小球滤过率", None, spread),
        Measure(
            "gfr_ml_per_min_per_1_73_m2",
            gfr * per_173,
            "mL/min/1.73 m2",
            "GFR, normalised",
            "标准化肾小球滤过率",
            None,
            spread * per_173,
        ),
        Measure("body_surface_m2", surface_m2, "m2", "Body surface", "体表面积"),
    ]
    for side, chinese in _SIDES:
        name = side.capitalize()
        share = uptake[side] / total if total > 0 else None
        measures += [
            Measure(
                f"{side}_gfr_ml_per_min",
                None if share is None else gfr * share,
                "mL/min",
                f"{name} GFR",
                f"{chinese}肾小球滤过率",
            ),
            Measure(
                f"{side}_uptake_percent",
                uptake[side],
                "%",
                f"{name} uptake",
                f"{chinese}摄取率",
                None,
                deviation[side],
            ),
            Measure(f"{side}_depth_cm", depths[side], "cm", f"{name} depth", f"{chinese}深度"),
        ]
    minutes = kidneys.net["left"].mid_s / 60.0
    lines = tuple(
        Line(minutes, kidneys.net[side].rate, f"{side} kidney", zh) for side, zh in _SIDES
    )
    marks = (interval_s[0] / 60.0, interval_s[1] / 60.0)
    return Outcome(
        study="gfr",
        measures=tuple(measures),
        method=METHOD,
        decay=f"kidneys and syringe corrected to injection, half-life {half_life_s:g} s",
        version=VERSION,
        source=f"{line['source']}; depth: "
        + ("measured" if measured_depth_cm else str(formula["source"])),
        inputs={
            "half_life_s": half_life_s,
            "interval_from_s": interval_s[0],
            "interval_to_s": interval_s[1],
            "weight_kg": patient.weight_kg,
            "height_cm": patient.height_cm,
            "age_years": patient.age_years,
            "net_syringe_counts_per_s": net_syringe,
            "attenuation_per_cm": mu,
            "regression": regression,
            "regression_checked": bool(line["checked"]),
            "depth": "measured" if measured_depth_cm else depth,
            "depth_checked": bool(measured_depth_cm) or bool(formula["checked"]),
        },
        findings=tuple(_doubts(gfr, line, formula, measured_depth_cm is not None)),
        curves=tuple(kidneys.net.values()),
        panels=(
            CurvePanel("Kidneys, net", "双肾净计数", "min", "counts/s", lines, marks),
            ImagePanel("Sum of all frames", "全部帧之和", np.sum(frames, axis=0), regions),
        ),
    )


def _doubts(
    gfr: float, line: Mapping[str, Any], formula: Mapping[str, Any], measured: bool
) -> list[Finding]:
    found = []
    if gfr <= 0:
        found.append(
            Finding(
                "below_regression",
                "The uptake is below what the regression was made for: the GFR is not usable.",
                "摄取率低于回归公式的适用范围，GFR 数值不可用。",
            )
        )
    if not line["checked"] or not (measured or formula["checked"]):
        found.append(
            Finding(
                "table_not_checked",
                "Coefficients of the table have not been compared with their paper: the site "
                "confirms them in its table.",
                "表中系数尚未与原始文献核对，请科室确认后在系数表中标记。",
            )
        )
    return found

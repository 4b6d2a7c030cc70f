"""Gastric emptying: retention over time from front and back views of a labelled meal.

Roles: `stomach`, moved from time point to time point by its frames if needed; `background` may be
left out.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused
from hevesy.imaging.analyse.geometric_mean import both_views_of
from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    Floats,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    reference,
)
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.geometry.volume import Finding

VERSION: Final = "hevesy-gastric/1"
METHOD: Final = (
    "Geometric mean of net stomach counts from front and back, decay-corrected to the first time"
    " point, which is 100 %. Hours in between by straight lines. T1/2 from the power exponential"
    " 1 - (1 - e^(-k t))^b fitted by least squares; the lag phase ends at ln(b) / k. No dead-time"
    " correction."
)
SOURCE: Final = (
    "Abell et al., J Nucl Med Technol 2008 (consensus protocol and limits); Siegel et al., Gut 1988"
    " (power exponential)"
)
_HOURS: Final = (0.5, 1.0, 2.0, 3.0, 4.0)


def analyse_gastric_emptying(
    anterior: Acquired,
    posterior: Acquired,
    regions: RegionSet,
    *,
    half_life_s: float,
    meal: str = "solid",
) -> Outcome:
    """Retention in percent at 0.5 to 4 h, T1/2 and lag phase.

    anterior, posterior: one frame per time point, as the camera shows them; times in s. meal:
    "solid" or "liquid"; the limits of retention are those of the solid consensus meal. Raises
    `Refused`.
    """
    stomach = both_views_of(
        anterior,
        posterior,
        regions,
        "stomach",
        half_life_s=half_life_s,
        reference_s=float(anterior.start_s[0]),
    )
    if stomach.mean[0] <= 0:
        raise CurveRefused(
            "no_meal",
            "The stomach has no counts above background at the first time point.",
            "首个时间点胃区净计数不大于零，请检查感兴趣区。",
        )
    minutes = (anterior.start_s - anterior.start_s[0]) / 60.0
    percent = 100.0 * stomach.mean / stomach.mean[0]
    deviation = percent * np.sqrt(stomach.relative_variance + stomach.relative_variance[0])
    measures = []
    for hours in _HOURS:
        # A minute late is still the time point of the protocol.
        if 60.0 * hours > minutes[-1] + 1.0:
            continue
        key = f"retention_percent_{hours:g}h".replace(".", "_")
        nearest = int(np.argmin(np.abs(minutes - 60.0 * hours)))
        measures.append(
            Measure(
                key,
                float(np.interp(60.0 * hours, minutes, percent)),
                "%",
                f"Retention at {hours:g} h",
                f"{hours:g} 小时胃残留率",
                reference("gastric", key) if meal == "solid" else None,
                float(deviation[nearest]),
            )
        )
    findings = []
    fit = power_exponential(minutes, percent / 100.0)
    lines = [Line(minutes, percent, "retention", "残留率", marks=True)]
    half_time_min = lag_min = None
    if fit is None:
        findings.append(
            Finding(
                "no_fit",
                "The power exponential could not be fitted: too few points, or no emptying.",
                "无法拟合幂指数曲线：时间点不足或无排空。",
            )
        )
    else:
        k, b = fit
        half_time_min = -math.log(1.0 - 0.5 ** (1.0 / b)) / k
        lag_min = math.log(b) / k if b > 1.0 else 0.0
        fine = np.linspace(0.0, minutes[-1], 200)
        shown = 100.0 * (1.0 - (1.0 - np.exp(-k * fine)) ** b)
        lines.append(Line(fine, shown, "power exponential", "幂指数拟合"))
        if half_time_min > minutes[-1]:
            findings.append(
                Finding(
                    "half_time_extrapolated",
                    "T1/2 lies beyond the last image and was extrapolated.",
                    "半排时间超出末次显像，为外推值。",
                    {"last_min": float(minutes[-1])},
                )
            )
    if np.any(np.diff(percent) > 10.0):
        findings.append(
            Finding(
                "retention_rises",
                "Retention rises between two images: check the regions and for swallowed activity.",
                "两次显像间残留率升高，请检查感兴趣区及有无再次吞入放射性。",
            )
        )
    measures += [
        Measure(
            "half_time_min",
            half_time_min,
            "min",
            "T1/2",
            "半排时间",
            reference("gastric", "half_time_min_liquid") if meal == "liquid" else None,
        ),
        Measure("lag_min", lag_min, "min", "Lag phase", "延迟相"),
    ]
    return Outcome(
        study="gastric",
        measures=tuple(measures),
        method=METHOD,
        decay=f"corrected to the first time point, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "half_life_s": half_life_s,
            "meal": meal,
            "time_points_min": minutes.tolist(),
            "retention_percent": percent.tolist(),
        },
        findings=tuple(findings),
        curves=(stomach.front, stomach.back),
        panels=(
            CurvePanel("Gastric retention", "胃残留率", "min", "%", tuple(lines)),
            ImagePanel("First image, front", "首次前位", anterior.frames[0], regions, "anterior"),
        ),
    )


def power_exponential(minutes: Floats, retention: Floats) -> tuple[float, float] | None:
    """k (1/min) and b of 1 - (1 - e^(-k t))^b, or None with under four points or no emptying."""
    from scipy.optimize import least_squares

    if len(minutes) < 4 or retention[-1] > 0.95:
        return None

    def misfit(logs: Floats) -> Floats:
        k, b = np.exp(logs)
        model: Floats = 1.0 - (1.0 - np.exp(-k * minutes)) ** b - retention
        return model

    found = least_squares(
        misfit,
        x0=np.log([math.log(2.0) / 90.0, 1.5]),
        bounds=(np.log([1e-4, 0.2]), np.log([2.0, 30.0])),
        xtol=1e-12,
        ftol=1e-12,
    )
    if not found.success:
        return None
    k, b = np.exp(found.x)
    return float(k), float(b)

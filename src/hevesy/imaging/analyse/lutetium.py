"""Time-integrated activity of regions from several SPECT after a therapy (Lu-177 and others).

Activities fitted are those present at the time of each scan, not corrected for decay. No dose is
computed: that takes S-values and masses, which are not part of Hevesy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.outcome import CurvePanel, Line, Measure, Outcome, key_of
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
VERSION: Final = "hevesy-tiac/1"
SOURCE: Final = "MIRD Pamphlet 16 (Siegel 1999), 21 (Bolch 2009), 23 (Dewaraja 2012)"
METHOD: Final = (
    "Least squares of A(t); effective half-lives never above the physical one; time-integrated"
    " activity = analytic integral from 0 to infinity; standard deviation from the fit's covariance"
    " (measured SDs where given, else the residuals)."
)
MODELS: Final = ("mono", "bi", "uptake")


@dataclass(frozen=True, slots=True)
class RecoveryCurve:
    """Recovery coefficients by volume, measured with spheres in the site's own reconstruction."""

    volume_ml: tuple[float, ...]
    recovery: tuple[float, ...]
    source: str
    checked: bool

    def at(self, volume_ml: float) -> float:
        """Recovery at a volume, straight in its logarithm; above the largest sphere as there.

        Refused (`bad_points`) below the smallest sphere.
        """
        if len(self.volume_ml) < 2 or list(self.volume_ml) != sorted(set(self.volume_ml)):
            raise _bad_points("the recovery curve needs two or more rising volumes")
        if not self.volume_ml[0] <= volume_ml:
            raise _bad_points(
                f"a region of {volume_ml:g} mL is smaller than the smallest sphere measured"
            )
        if min(self.recovery) <= 0:
            raise _bad_points("recovery must be above zero")
        logs = np.log(self.volume_ml)
        return float(np.interp(math.log(volume_ml), logs, self.recovery))


@dataclass(frozen=True, slots=True, eq=False)
class RegionActivities:
    """One region: times from administration in h, activity in MBq at those times, SDs if known."""

    name: str
    time_h: Floats
    activity_mbq: Floats
    sd_mbq: Floats | None = None

    def __post_init__(self) -> None:
        t, a = self.time_h, self.activity_mbq
        if len(t) != len(a) or len(t) < 2 or not np.all(np.diff(t) > 0) or t[0] < 0:
            raise _bad_points(f"{self.name}: two or more rising times with an activity each")
        if not np.all(np.isfinite(a)) or a.min() <= 0:
            raise _bad_points(f"{self.name}: activities must be above zero")
        if self.sd_mbq is not None and (len(self.sd_mbq) != len(t) or min(self.sd_mbq) <= 0):
            raise _bad_points(f"{self.name}: standard deviations must be above zero")

    def recovered(self, curve: RecoveryCurve, volume_ml: float) -> RegionActivities:
        """The same with activities and SDs over the recovery of that volume."""
        share = curve.at(volume_ml)
        sd = None if self.sd_mbq is None else self.sd_mbq / share
        return RegionActivities(self.name, self.time_h, self.activity_mbq / share, sd)


@dataclass(frozen=True, slots=True, eq=False)
class TimeIntegrated:
    """A fitted region. tia_mbq_h: integral; tiac_h: that over the administered activity.

    tia_sd_mbq_h: None where the data leave it open (as many constants as points, no SDs).
    extrapolated: share of the integral after the last scan.
    """

    name: str
    model: str
    amplitudes_mbq: tuple[float, ...]
    half_lives_h: tuple[float, ...]
    tia_mbq_h: float
    tia_sd_mbq_h: float | None
    tiac_h: float
    extrapolated: float
    at_physical: bool

    def at(self, time_h: Floats) -> Floats:
        """Fitted activity in MBq."""
        parts = [
            a * np.exp2(-time_h / h)
            for a, h in zip(self.amplitudes_mbq, self.half_lives_h, strict=True)
        ]
        return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def fit_region(
    region: RegionActivities, *, model: str, physical_half_life_h: float, injected_mbq: float
) -> TimeIntegrated:
    """Fit "mono" A e^-lt, "bi" (two falling parts) or "uptake" A (e^-lt - e^-ut), u > l.

    Raises `Refused` (`bad_points`) for fewer points than constants.
    """
    from scipy.optimize import least_squares

    if model not in MODELS:
        raise _bad_points(f"no model “{model}”; there are {', '.join(MODELS)}")
    constants = {"mono": 2, "bi": 4, "uptake": 3}[model]
    t, a = region.time_h, region.activity_mbq
    if len(t) < constants:
        raise _bad_points(f"{region.name}: {model} needs {constants} scans, there are {len(t)}")
    if min(injected_mbq, physical_half_life_h) <= 0:
        raise _bad_points("the administered activity must be above zero")
    slowest = math.log(2.0) / physical_half_life_h
    # Without measured SDs a constant relative error is the usual one of counts, calibration and
    # outlining together.
    weight = 1.0 / (region.sd_mbq if region.sd_mbq is not None else a)

    def parts(p: Floats) -> tuple[Floats, Floats]:
        """Amplitudes and rates per h; constants: log of amplitude, root of rate above decay."""
        slow = slowest + p[1] ** 2
        if model == "mono":
            return np.array([math.exp(p[0])]), np.array([slow])
        fast = slow + p[2] ** 2
        one = math.exp(p[0])
        if model == "uptake":
            return np.array([one, -one]), np.array([slow, fast])
        return np.array([one, math.exp(p[3])]), np.array([slow, fast])

    def wrong(p: Floats) -> Floats:
        amplitude, rate = parts(p)
        return np.asarray(weight * (np.exp(-np.outer(t, rate)) @ amplitude - a))

    best = None
    level = math.log(a.max())
    for slow in (0.03, 0.1, 0.25):
        for fast in (0.2, 0.5, 1.2) if model != "mono" else (0.0,):
            first = np.array([level, slow, fast, level])[:constants]
            one = least_squares(wrong, first, xtol=1e-13, ftol=1e-13, gtol=1e-13, max_nfev=2000)
            if best is None or one.cost < best.cost:
                best = one
    assert best is not None
    p = best.x
    amplitude, rate = parts(p)
    total = float((amplitude / rate).sum())
    tail = float((amplitude / rate * np.exp(-rate * t[-1])).sum())
    return TimeIntegrated(
        region.name,
        model,
        tuple(float(one) for one in amplitude),
        tuple(float(math.log(2.0) / one) for one in rate),
        total,
        _deviation(region, best, parts, constants),
        total / injected_mbq,
        tail / total,
        bool(rate[0] < 1.001 * slowest),
    )


def _deviation(
    region: RegionActivities,
    best: Any,
    parts: Callable[[Floats], tuple[Floats, Floats]],
    constants: int,
) -> float | None:
    freedom = len(region.time_h) - constants
    if region.sd_mbq is None and freedom < 1:
        return None
    scale = 1.0 if region.sd_mbq is not None else 2 * best.cost / freedom
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * scale
    slope = np.empty(constants)
    for n in range(constants):
        step = np.zeros(constants)
        step[n] = 1e-5 * max(abs(best.x[n]), 1e-2)
        above, below = (parts(best.x + sign * step) for sign in (1, -1))
        change = float((above[0] / above[1]).sum() - (below[0] / below[1]).sum())
        slope[n] = change / (2 * step[n])
    return math.sqrt(max(float(slope @ covariance @ slope), 0.0))


def analyse_therapy(
    regions: Sequence[RegionActivities],
    *,
    injected_mbq: float,
    nuclide_name: str = "Lu-177",
    model: str = "mono",
    models: dict[str, str] | None = None,
) -> Outcome:
    """Time-integrated activity (MBq h) and coefficient (h) of each region.

    models: the model of a region by name where it is not `model`. Raises `Refused`.
    """
    if not regions:
        raise _bad_points("no region")
    physical_h = half_life_s(nuclide_name) / 3600.0
    keys = [key_of(one.name, number) for number, one in enumerate(regions, start=1)]
    if len(set(keys)) < len(keys):
        raise _bad_points("two regions have the same name")
    measures, findings, panels = [], [], []
    for key, one in zip(keys, regions, strict=True):
        fitted = fit_region(
            one,
            model=(models or {}).get(one.name, model),
            physical_half_life_h=physical_h,
            injected_mbq=injected_mbq,
        )
        sd = fitted.tia_sd_mbq_h
        measures += [
            Measure(
                f"{key}_tia_mbq_h",
                fitted.tia_mbq_h,
                "MBq h",
                f"{one.name}, time-integrated activity",
                f"{one.name} 累积活度",
                None,
                sd,
                region=one.name,
            ),
            Measure(
                f"{key}_tiac_h",
                fitted.tiac_h,
                "h",
                f"{one.name}, TIAC",
                f"{one.name} TIAC",
                None,
                None if sd is None else sd / injected_mbq,
                region=one.name,
            ),
            Measure(
                f"{key}_effective_half_life_h",
                fitted.half_lives_h[0],
                "h",
                f"{one.name}, effective half-life (slow)",
                f"{one.name} 有效半衰期",
                region=one.name,
            ),
            Measure(
                f"{key}_extrapolated_percent",
                100 * fitted.extrapolated,
                "%",
                f"{one.name}, after the last scan",
                f"{one.name} 外推比例",
                region=one.name,
            ),
        ]
        findings += _doubts(fitted)
        fine = np.linspace(0.0, one.time_h[-1] * 1.5, 120)
        panels.append(
            CurvePanel(
                one.name,
                one.name,
                "h",
                "MBq",
                (
                    Line(one.time_h, one.activity_mbq, "measured", "测量", True),
                    Line(fine, fitted.at(fine), fitted.model, fitted.model),
                ),
            )
        )
    return Outcome(
        study="lutetium",
        measures=tuple(measures),
        method=METHOD,
        decay=f"activities as present at the scan; physical half-life {physical_h:g} h",
        version=VERSION,
        source=SOURCE,
        inputs={
            "injected_mbq": injected_mbq,
            "nuclide": nuclide_name,
            "model": model,
            "models": dict(models or {}),
        },
        findings=tuple(findings),
        panels=tuple(panels),
    )


def _doubts(fitted: TimeIntegrated) -> list[Finding]:
    found = []
    if fitted.extrapolated > 0.3:
        found.append(
            Finding(
                "mostly_extrapolated",
                f"{fitted.name}: over 30 % of the integral lies after the last scan.",
                f"{fitted.name}：末次显像后的外推部分超过30%。",
                {"region": fitted.name, "share": fitted.extrapolated},
            )
        )
    if fitted.at_physical:
        found.append(
            Finding(
                "at_physical_half_life",
                f"{fitted.name}: falls no faster than decay alone; look at the points.",
                f"{fitted.name}：仅呈物理衰变，请检查数据点。",
                {"region": fitted.name},
            )
        )
    if fitted.tia_sd_mbq_h is None:
        found.append(
            Finding(
                "no_uncertainty",
                f"{fitted.name}: as many constants as scans, so the fit has no uncertainty.",
                f"{fitted.name}：参数数等于显像次数，无法给出不确定度。",
                {"region": fitted.name},
            )
        )
    return found


def _bad_points(detail: str) -> Refused:
    return Refused(
        "bad_points",
        f"The points do not allow the fit: {detail}.",
        f"数据点不满足拟合要求：{detail}。",
        detail,
    )

"""Renogram: share of each kidney, transit and drainage from a dynamic series of the kidneys.

Roles: `left_kidney`, `right_kidney`; `left_background` and `right_background`, or one
`background`; `blood` (heart or aorta) for Patlak-Rutland and output efficiency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.curves import CurveRefused, TimeActivityCurve, region_curve
from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    Floats,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    ratio,
    reference,
)
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.geometry.volume import Finding

VERSION: Final = "hevesy-renogram/1"
METHOD: Final = (
    "Net kidney = region - background per pixel x pixels. Split by the integral of net counts over"
    " the uptake interval, and by Patlak-Rutland slopes K/B against int B/B over the same interval."
    " Tmax is the middle of the frame with the highest rate after the first minute; T1/2 the time"
    " from it until half of it. Output efficiency = 100 (1 - (K - v B) / (k int B)) with k and v"
    " from Patlak-Rutland; NORA = rate at that time over the mean rate from 60 to 120 s."
    " No dead-time correction."
)
SOURCE: Final = (
    "Rutland, Nucl Med Commun 1985 (Patlak-Rutland); Chaiwatanarat et al., J Nucl Med 1993 (output"
    " efficiency); PMC8279895 (kidney to background ratio)"
)
# The early vascular peak of short frames is not the peak of the renogram.
_PEAK_AFTER_S: Final = 60.0
_SIDES: Final = (("left", "左肾"), ("right", "右肾"))


@dataclass(frozen=True, slots=True, eq=False)
class Kidneys:
    """Net, decay-corrected curves of both kidneys, their raw curves and backgrounds, and blood."""

    net: dict[str, TimeActivityCurve]
    raw: dict[str, TimeActivityCurve]
    background: dict[str, TimeActivityCurve]
    blood: TimeActivityCurve | None


def kidney_curves(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    half_life_s: float,
) -> Kidneys:
    """Curves of the roles of this module, decay-corrected to the start of the first frame."""

    def corrected(role: str) -> TimeActivityCurve:
        return region_curve(frames, start_s, duration_s, regions, role).decay_corrected(half_life_s)

    raw, background, net = {}, {}, {}
    for side, _ in _SIDES:
        own = f"{side}_background"
        raw[side] = corrected(f"{side}_kidney")
        background[side] = corrected(own if regions.has(own) else "background")
        net[side] = raw[side].minus_background(background[side])
    return Kidneys(net, raw, background, corrected("blood") if regions.has("blood") else None)


def analyse_renogram(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    half_life_s: float,
    uptake_s: tuple[float, float] = (60.0, 120.0),
    diuretic_s: float | None = None,
    output_s: float = 1200.0,
) -> Outcome:
    """Split function, Tmax, T1/2, 20 min/max, output efficiency and NORA.

    frames: counts, (frames, rows, columns), seen from behind; times in s from injection. uptake_s:
    60 to 120 s for MAG3 and EC, 120 to 180 s for DTPA. diuretic_s: when a diuretic was given
    during the series. output_s: when output efficiency and NORA are read. Raises `Refused`.
    """
    kidneys = kidney_curves(frames, start_s, duration_s, regions, half_life_s=half_life_s)
    findings: list[Finding] = []
    measures = [*_split(kidneys, uptake_s, findings)]
    slopes = {}
    if kidneys.blood is not None:
        slopes = {
            side: patlak_rutland(kidneys.net[side], kidneys.blood, uptake_s) for side, _ in _SIDES
        }
        total = sum(slope for slope, _ in slopes.values())
        measures += [
            Measure(
                f"{side}_split_patlak_percent",
                _percent(ratio(slopes[side][0], total)),
                "%",
                f"{side.capitalize()} share, Patlak-Rutland",
                f"{chinese}分肾功能（Patlak-Rutland）",
                reference("renogram", "split_percent"),
            )
            for side, chinese in _SIDES
        ]
    for side, chinese in _SIDES:
        measures += _drainage(kidneys.net[side], side, chinese, diuretic_s, findings)
        measures += _output(kidneys, slopes.get(side), side, chinese, output_s)
    minutes = kidneys.net["left"].mid_s / 60.0
    lines = [
        Line(minutes, kidneys.net[side].rate, f"{side} kidney", chinese) for side, chinese in _SIDES
    ]
    marks = [uptake_s[0] / 60.0, uptake_s[1] / 60.0]
    marks += [diuretic_s / 60.0] if diuretic_s is not None else []
    return Outcome(
        study="renogram",
        measures=tuple(measures),
        method=METHOD,
        decay=f"curves decay-corrected to time zero, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "half_life_s": half_life_s,
            "uptake_from_s": uptake_s[0],
            "uptake_to_s": uptake_s[1],
            "diuretic_s": diuretic_s,
            "output_s": output_s,
        },
        findings=tuple(findings),
        curves=(*kidneys.net.values(), *((kidneys.blood,) if kidneys.blood else ())),
        panels=(
            CurvePanel(
                "Renogram, net", "肾图（净计数）", "min", "counts/s", tuple(lines), tuple(marks)
            ),
            ImagePanel("Sum of all frames", "全部帧之和", np.sum(frames, axis=0), regions),
        ),
    )


def patlak_rutland(
    kidney: TimeActivityCurve, blood: TimeActivityCurve, interval_s: tuple[float, float]
) -> tuple[float, float]:
    """Slope (uptake per second) and intercept (blood in the region) of K/B against int B/B.

    Frames whose middle lies in the interval; least squares. Raises `CurveRefused`
    (`patlak_frames`) with fewer than three frames or with no blood in them.
    """
    inside = (kidney.mid_s >= interval_s[0]) & (kidney.mid_s <= interval_s[1])
    blood_rate = blood.rate
    if inside.sum() < 3 or np.any(blood_rate[inside] <= 0):
        raise CurveRefused(
            "patlak_frames",
            "Patlak-Rutland needs at least three frames with blood activity in the interval: "
            "choose a longer interval or another blood region.",
            "Patlak-Rutland 法在所选时间段内至少需要三帧且血池计数大于零，"
            "请延长时间段或重画血池区。",
            f"{int(inside.sum())} frames",
        )
    x = blood.running_integral()[inside] / blood_rate[inside]
    y = kidney.rate[inside] / blood_rate[inside]
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(intercept)


def peak(curve: TimeActivityCurve) -> tuple[float, float]:
    """Time in s and rate of the highest frame after the first minute."""
    late = curve.mid_s > _PEAK_AFTER_S
    if not late.any():
        raise CurveRefused(
            "too_short",
            "The series ends within the first minute: a renogram cannot be read from it.",
            "采集不足一分钟，无法分析肾图。",
        )
    index = int(np.flatnonzero(late)[np.argmax(curve.rate[late])])
    return float(curve.mid_s[index]), float(curve.rate[index])


def half_time_s(curve: TimeActivityCurve, from_s: float, level: float) -> float | None:
    """Seconds after `from_s` until the rate first falls to half of `level`; None if it does not."""
    mid, rate = curve.mid_s, curve.rate
    below = np.flatnonzero((mid > from_s) & (rate <= 0.5 * level))
    if not len(below) or below[0] == 0:
        return None
    last = int(below[0])
    share = (rate[last - 1] - 0.5 * level) / (rate[last - 1] - rate[last])
    return float(max(mid[last - 1] + share * (mid[last] - mid[last - 1]) - from_s, 0.0))


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * value


def _split(
    kidneys: Kidneys, uptake_s: tuple[float, float], findings: list[Finding]
) -> list[Measure]:
    counts = {side: kidneys.net[side].integral(*uptake_s) for side, _ in _SIDES}
    (left, left_variance), (right, right_variance) = counts["left"], counts["right"]
    total = left + right
    if total <= 0:
        raise CurveRefused(
            "no_uptake",
            "The kidneys have no counts above background in the uptake interval: check regions "
            "and interval.",
            "在所选时间段内双肾净计数不大于零，请检查感兴趣区及时间段。",
        )
    deviation = math.sqrt(right**2 * left_variance + left**2 * right_variance) / total**2
    measures = []
    for side, chinese in _SIDES:
        measures.append(
            Measure(
                f"{side}_split_percent",
                100.0 * counts[side][0] / total,
                "%",
                f"{side.capitalize()} share of uptake",
                f"{chinese}分肾功能",
                reference("renogram", "split_percent"),
                100.0 * deviation,
            )
        )
        inside, outside = kidneys.raw[side], kidneys.background[side]
        quotient = ratio(
            inside.integral(*uptake_s)[0] / inside.pixels[0],
            outside.integral(*uptake_s)[0] / outside.pixels[0],
        )
        measures.append(
            Measure(
                f"{side}_kidney_to_background",
                quotient,
                "1",
                f"{side.capitalize()} kidney to background, per pixel",
                f"{chinese}与本底单位像素计数比",
            )
        )
        if quotient is not None and quotient <= 2.0:
            findings.append(
                Finding(
                    "low_kidney_to_background",
                    f"The {side} kidney has {quotient:.2f} times the background (2 or less): its "
                    "share is unreliable.",
                    f"{chinese}与本底比值为 {quotient:.2f}（不大于 2），分肾功能不可靠。",
                    {"side": side, "ratio": quotient},
                )
            )
    return measures


def _drainage(
    curve: TimeActivityCurve,
    side: str,
    chinese: str,
    diuretic_s: float | None,
    findings: list[Finding],
) -> list[Measure]:
    name = side.capitalize()
    peak_s, highest = peak(curve)
    half_s = half_time_s(curve, peak_s, highest)
    if half_s is None:
        findings.append(
            Finding(
                "half_not_reached",
                f"The {side} kidney does not fall to half of its peak within the acquisition.",
                f"采集期间{chinese}未下降至峰值的一半。",
                {"side": side},
            )
        )
    measures = [
        Measure(f"{side}_tmax_min", peak_s / 60.0, "min", f"{name} Tmax", f"{chinese}达峰时间"),
        Measure(
            f"{side}_half_time_min",
            None if half_s is None else half_s / 60.0,
            "min",
            f"{name} T1/2 from peak",
            f"{chinese}半排时间",
        ),
    ]
    if curve.mid_s[-1] >= 1195.0:
        late = curve.rate_at(min(1200.0, float(curve.mid_s[-1])))
        measures.append(
            Measure(
                f"{side}_retention_20_min_over_max",
                ratio(late, highest),
                "1",
                f"{name} 20 min / max",
                f"{chinese}20 分钟残留率",
                reference("renogram", "retention_20_min_over_max"),
            )
        )
    if diuretic_s is not None:
        after_s = half_time_s(curve, diuretic_s, curve.rate_at(diuretic_s))
        measures.append(
            Measure(
                f"{side}_diuretic_half_time_min",
                None if after_s is None else after_s / 60.0,
                "min",
                f"{name} T1/2 from diuretic",
                f"{chinese}利尿后半排时间",
            )
        )
    return measures


def _output(
    kidneys: Kidneys,
    patlak: tuple[float, float] | None,
    side: str,
    chinese: str,
    output_s: float,
) -> list[Measure]:
    curve = kidneys.net[side]
    # A series of exactly that length ends half a frame later than its last middle.
    if output_s > curve.end_s[-1]:
        return []
    at_s = min(output_s, float(curve.mid_s[-1]))
    early = curve.integral(60.0, 120.0)[0] / 60.0
    measures = [
        Measure(
            f"{side}_nora",
            ratio(curve.rate_at(at_s), early),
            "1",
            f"{side.capitalize()} NORA at {output_s / 60.0:g} min",
            f"{chinese}归一化残留活性（{output_s / 60.0:g} 分钟）",
        )
    ]
    if patlak is not None and kidneys.blood is not None:
        slope, intercept = patlak
        taken: Floats = slope * kidneys.blood.running_integral()
        held = curve.rate - intercept * kidneys.blood.rate
        remaining = ratio(
            float(np.interp(at_s, curve.mid_s, held)), float(np.interp(at_s, curve.mid_s, taken))
        )
        measures.append(
            Measure(
                f"{side}_output_efficiency_percent",
                None if remaining is None else 100.0 * (1.0 - remaining),
                "%",
                f"{side.capitalize()} output efficiency at {output_s / 60.0:g} min",
                f"{chinese}排出效率（{output_s / 60.0:g} 分钟）",
            )
        )
    return measures

"""Glands that fill and are then made to empty: salivary glands, and the gallbladder.

Salivary roles: any of `left_parotid`, `right_parotid`, `left_submandibular`,
`right_submandibular`, and `background`. Gallbladder roles: `gallbladder`, `background` (liver
beside it).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.curves import CurveRefused, TimeActivityCurve, region_curve
from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    ratio,
    reference,
)
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.geometry.volume import Finding

SALIVARY_VERSION: Final = "hevesy-salivary/1"
SALIVARY_METHOD: Final = (
    "Net gland = region - background per pixel x pixels. Excretion fraction = (highest frame up to"
    " the stimulus - lowest frame after it) / highest, of net rates. Uptake ratio = counts per pixel"
    " of gland over background in the highest frame. No dead-time correction."
)
SALIVARY_SOURCE: Final = "EANM-type dynamic salivary scintigraphy; normal values are local"
GALLBLADDER_VERSION: Final = "hevesy-hepatobiliary/1"
GALLBLADDER_METHOD: Final = (
    "Net gallbladder = region - background per pixel x pixels. GBEF = (highest - lowest) / highest"
    " of net rates, the lowest after both the highest and the stimulus. No dead-time correction."
)
GALLBLADDER_SOURCE: Final = "SNMMI practice guideline for hepatobiliary scintigraphy"
_GLANDS: Final = {
    "left_parotid": ("Left parotid", "左腮腺"),
    "right_parotid": ("Right parotid", "右腮腺"),
    "left_submandibular": ("Left submandibular", "左颌下腺"),
    "right_submandibular": ("Right submandibular", "右颌下腺"),
}


def analyse_salivary(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    half_life_s: float,
    stimulus_s: float,
) -> Outcome:
    """Uptake ratio, time of the maximum and excretion fraction of each gland that was drawn.

    frames: counts, (frames, rows, columns). stimulus_s: when acid was given, s from the start.
    Raises `Refused`: `region_missing`, `stimulus_outside`, `empty_organ`.
    """
    drawn = [role for role in _GLANDS if regions.has(role)]
    if not drawn:
        regions.one("left_parotid")
    around = _corrected(frames, start_s, duration_s, regions, "background", half_life_s)
    measures, lines, curves, findings = [], [], [], []
    for role in drawn:
        english, chinese = _GLANDS[role]
        raw = _corrected(frames, start_s, duration_s, regions, role, half_life_s)
        net = raw.minus_background(around)
        before, after = _split(net, stimulus_s)
        highest = int(before[np.argmax(net.rate[before])])
        lowest = int(after[np.argmin(net.rate[after])])
        fraction, deviation = _emptied(net, highest, lowest)
        measures += [
            Measure(
                f"{role}_uptake_ratio",
                ratio(
                    raw.values[highest] / raw.pixels[highest],
                    around.values[highest] / around.pixels[highest],
                ),
                "1",
                f"{english} uptake ratio",
                f"{chinese}摄取比值",
            ),
            Measure(
                f"{role}_tmax_min",
                float(net.mid_s[highest]) / 60.0,
                "min",
                f"{english} Tmax",
                f"{chinese}达峰时间",
            ),
            Measure(
                f"{role}_excretion_percent",
                100.0 * fraction,
                "%",
                f"{english} excretion fraction",
                f"{chinese}排泄分数",
                None,
                100.0 * deviation,
            ),
        ]
        curves.append(net)
        lines.append(Line(net.mid_s / 60.0, net.rate, english, chinese))
        if fraction <= 0:
            findings.append(_not_emptied(english, chinese))
    return Outcome(
        study="salivary",
        measures=tuple(measures),
        method=SALIVARY_METHOD,
        decay=f"curves decay-corrected to time zero, half-life {half_life_s:g} s",
        version=SALIVARY_VERSION,
        source=SALIVARY_SOURCE,
        inputs={"half_life_s": half_life_s, "stimulus_s": stimulus_s},
        findings=tuple(findings),
        curves=tuple(curves),
        panels=(
            CurvePanel(
                "Salivary glands, net",
                "唾液腺净计数",
                "min",
                "counts/s",
                tuple(lines),
                (stimulus_s / 60.0,),
            ),
            ImagePanel("Sum of all frames", "全部帧之和", np.sum(frames, axis=0), regions),
        ),
    )


def analyse_gallbladder(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    half_life_s: float,
    stimulus_s: float = 0.0,
) -> Outcome:
    """Gallbladder ejection fraction, and when it was emptiest after the stimulus.

    frames: counts, (frames, rows, columns). stimulus_s: start of sincalide or of the fatty meal, s
    from the start of the series. Raises `Refused`.
    """
    around = _corrected(frames, start_s, duration_s, regions, "background", half_life_s)
    net = _corrected(
        frames, start_s, duration_s, regions, "gallbladder", half_life_s
    ).minus_background(around)
    _, after = _split(net, stimulus_s, needs_before=False)
    highest = int(np.argmax(net.rate))
    later = after[after > highest]
    lowest = int(later[np.argmin(net.rate[later])]) if len(later) else highest
    fraction, deviation = _emptied(net, highest, lowest)
    return Outcome(
        study="hepatobiliary",
        measures=(
            Measure(
                "gbef_percent",
                100.0 * fraction,
                "%",
                "Gallbladder ejection fraction",
                "胆囊排泄分数",
                reference("hepatobiliary", "gbef_percent"),
                100.0 * deviation,
            ),
            Measure(
                "emptiest_after_stimulus_min",
                (float(net.mid_s[lowest]) - stimulus_s) / 60.0 if lowest != highest else None,
                "min",
                "Emptiest after the stimulus",
                "刺激后最低点时间",
            ),
        ),
        method=GALLBLADDER_METHOD,
        decay=f"curve decay-corrected to time zero, half-life {half_life_s:g} s",
        version=GALLBLADDER_VERSION,
        source=GALLBLADDER_SOURCE,
        inputs={"half_life_s": half_life_s, "stimulus_s": stimulus_s},
        findings=() if lowest != highest else (_not_emptied("The gallbladder", "胆囊"),),
        curves=(net,),
        panels=(
            CurvePanel(
                "Gallbladder, net",
                "胆囊净计数",
                "min",
                "counts/s",
                (Line(net.mid_s / 60.0, net.rate, "gallbladder", "胆囊"),),
                (stimulus_s / 60.0,),
            ),
            ImagePanel("Sum of all frames", "全部帧之和", np.sum(frames, axis=0), regions),
        ),
    )


def _corrected(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    role: str,
    half_life_s: float,
) -> TimeActivityCurve:
    return region_curve(frames, start_s, duration_s, regions, role).decay_corrected(half_life_s)


def _split(
    curve: TimeActivityCurve, stimulus_s: float, *, needs_before: bool = True
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    before = np.flatnonzero(curve.end_s <= stimulus_s + 1e-6)
    after = np.flatnonzero(curve.start_s >= stimulus_s - 1e-6)
    if not len(after) or (needs_before and not len(before)):
        raise CurveRefused(
            "stimulus_outside",
            "The stimulus must lie within the series, with frames before and after it.",
            "刺激时间须在采集时间内，且其前后均有采集帧。",
            f"{stimulus_s:g} s in {curve.start_s[0]:g} to {curve.end_s[-1]:g} s",
        )
    return before, after


def _emptied(curve: TimeActivityCurve, highest: int, lowest: int) -> tuple[float, float]:
    high, low = float(curve.rate[highest]), float(curve.rate[lowest])
    if high <= 0:
        raise CurveRefused(
            "empty_organ",
            "The organ has no counts above background in any frame: check both regions.",
            "该器官各帧净计数均不大于零，请检查感兴趣区。",
            curve.role,
        )
    high_variance, low_variance = (
        float(curve.variance[n] / curve.duration_s[n] ** 2) for n in (highest, lowest)
    )
    deviation = math.sqrt(low_variance / high**2 + low**2 * high_variance / high**4)
    return (high - low) / high, deviation if lowest != highest else 0.0


def _not_emptied(english: str, chinese: str) -> Finding:
    return Finding(
        "not_emptied",
        f"{english} did not empty after the stimulus.",
        f"刺激后{chinese}未见排空。",
    )

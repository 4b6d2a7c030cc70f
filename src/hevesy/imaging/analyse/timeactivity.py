"""Time-activity curves of any dynamic study: three-phase bone, bleeding, lymph, Meckel, esophagus.

Every role drawn gives a curve. A role called `reference` (the other side, or background) is what
the others are compared with.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.curves import region_curve
from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    key_of,
    ratio,
)
from hevesy.imaging.analyse.regions import RegionSet

VERSION: Final = "hevesy-timeactivity/1"
METHOD: Final = (
    "Count rate of each region in each frame, less background per pixel x pixels if a background"
    " was drawn. Ratios are counts per pixel of a region over those of the region “reference”"
    " within an interval. No dead-time correction."
)
SOURCE: Final = "definition"


def analyse_curves(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    *,
    half_life_s: float,
    intervals_s: Sequence[tuple[float, float]] = (),
) -> Outcome:
    """Highest rate and its time for each role, and ratios to `reference` within intervals.

    frames: counts, (frames, rows, columns); times in s. Raises `Refused`.
    """
    roles = list(dict.fromkeys(one.role for one in regions.regions if one.role != "background"))
    if not roles:
        regions.one("reference")
    around = (
        region_curve(frames, start_s, duration_s, regions, "background").decay_corrected(
            half_life_s
        )
        if regions.has("background")
        else None
    )
    curves = {}
    for role in roles:
        raw = region_curve(frames, start_s, duration_s, regions, role).decay_corrected(half_life_s)
        curves[role] = raw.minus_background(around) if around is not None else raw
    measures = []
    keys = {role: key_of(role, number) for number, role in enumerate(curves, start=1)}
    for role, curve in curves.items():
        highest = int(np.argmax(curve.rate))
        measures += [
            Measure(
                f"{keys[role]}_peak_counts_per_s",
                float(curve.rate[highest]),
                "counts/s",
                f"{role}: highest rate",
                f"{role}：最高计数率",
                region=role,
            ),
            Measure(
                f"{keys[role]}_tmax_s",
                float(curve.mid_s[highest]),
                "s",
                f"{role}: time of highest rate",
                f"{role}：达峰时间",
                region=role,
            ),
        ]
    for first, last in intervals_s if "reference" in curves else ():
        other = curves["reference"]
        bottom = other.integral(first, last)[0] / float(other.pixels.mean())
        for role, curve in curves.items():
            if role == "reference":
                continue
            measures.append(
                Measure(
                    f"{keys[role]}_to_reference_{first:g}_{last:g}_s",
                    ratio(curve.integral(first, last)[0] / float(curve.pixels.mean()), bottom),
                    "1",
                    f"{role} to reference, {first:g} to {last:g} s",
                    f"{role} 与对照比值（{first:g}–{last:g} 秒）",
                    region=role,
                )
            )
    lines = tuple(Line(one.mid_s / 60.0, one.rate, role, role) for role, one in curves.items())
    return Outcome(
        study="timeactivity",
        measures=tuple(measures),
        method=METHOD,
        decay=f"curves decay-corrected to time zero, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "half_life_s": half_life_s,
            "intervals_s": [list(one) for one in intervals_s],
            "background_subtracted": around is not None,
        },
        curves=tuple(curves.values()),
        panels=(
            CurvePanel("Time-activity curves", "时间-放射性曲线", "min", "counts/s", lines),
            ImagePanel("Sum of all frames", "全部帧之和", np.sum(frames, axis=0), regions),
        ),
    )

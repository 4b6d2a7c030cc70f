"""Parathyroid: washout of MIBI between two images, and subtraction of a thyroid image.

Roles: `thyroid` (normal thyroid tissue; for subtraction the whole gland), `nodule`, `background`.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import CurveRefused, region_curve
from hevesy.imaging.analyse.outcome import Floats, ImagePanel, Measure, Outcome, ratio
from hevesy.imaging.analyse.regions import RegionSet

Bools: TypeAlias = npt.NDArray[np.bool_]

VERSION: Final = "hevesy-parathyroid/1"
WASHOUT_METHOD: Final = (
    "Net count rates per pixel, decay-corrected to the early image. Washout = 1 - late / early of"
    " each region; nodule to thyroid as the quotient per pixel. A parathyroid adenoma keeps MIBI:"
    " its quotient rises."
)
SUBTRACTION_METHOD: Final = (
    "Difference = MIBI - k x thyroid image, each net of its background per pixel; k makes the"
    " thyroid outside the nodule zero in sum. Rest of the nodule in counts and in its counting SD"
    " (k included)."
)
SOURCE: Final = "EANM parathyroid imaging guideline 2021 (dual phase and subtraction)"


def analyse_washout(
    early: Acquired,
    late: Acquired,
    regions: RegionSet,
    *,
    half_life_s: float,
    between_s: float,
) -> Outcome:
    """Washout of nodule and thyroid, and their quotient early and late.

    early, late: one frame each, same position. between_s: start to start. Raises `Refused`.
    """
    rates = {}
    for role in ("nodule", "thyroid"):
        for when, taken, start_s in (("early", early, 0.0), ("late", late, between_s)):
            times = (np.array([start_s]), taken.duration_s[:1])
            raw = region_curve(taken.frames[:1], *times, regions, role)
            around = region_curve(taken.frames[:1], *times, regions, "background")
            net = raw.minus_background(around).decay_corrected(half_life_s)
            rates[role, when] = (
                float(net.rate[0] / net.pixels[0]),
                float(net.variance[0] / (net.duration_s[0] * net.pixels[0]) ** 2),
            )
    if min(rate for rate, _ in rates.values()) <= 0:
        raise CurveRefused(
            "no_uptake",
            "A region has no counts above background in one of the images: check the regions.",
            "某感兴趣区在其中一幅图像上净计数不大于零，请检查感兴趣区。",
        )
    measures = []
    for role, english, chinese in (("nodule", "Nodule", "结节"), ("thyroid", "Thyroid", "甲状腺")):
        (first, first_var), (last, last_var) = rates[role, "early"], rates[role, "late"]
        kept = last / first
        deviation = kept * math.sqrt(first_var / first**2 + last_var / last**2)
        measures.append(
            Measure(
                f"{role}_washout_percent",
                100.0 * (1.0 - kept),
                "%",
                f"{english} washout",
                f"{chinese}洗脱率",
                None,
                100.0 * deviation,
            )
        )
    for when, chinese in (("early", "早期"), ("late", "延迟")):
        measures.append(
            Measure(
                f"nodule_to_thyroid_{when}",
                rates["nodule", when][0] / rates["thyroid", when][0],
                "1",
                f"Nodule to thyroid, {when}",
                f"{chinese}结节/甲状腺比值",
            )
        )
    return Outcome(
        study="parathyroid",
        measures=tuple(measures),
        method=WASHOUT_METHOD,
        decay=f"late image corrected to the early one, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={"half_life_s": half_life_s, "between_s": between_s},
        panels=(
            ImagePanel("Early", "早期", early.frames[0], regions),
            ImagePanel("Late", "延迟", late.frames[0], regions),
        ),
    )


def analyse_subtraction(mibi: Acquired, thyroid: Acquired, regions: RegionSet) -> Outcome:
    """What is left of MIBI once the thyroid is subtracted, in the nodule if one was drawn.

    mibi, thyroid: one frame each (pertechnetate or iodine-123), same position. Raises `Refused`.
    """
    first, second = (one.frames[0] for one in (mibi, thyroid))
    if first.shape != second.shape:
        raise CurveRefused(
            "views_unlike",
            "The two images have different matrix sizes.",
            "两幅图像矩阵大小不一致。",
            f"{first.shape}, {second.shape}",
        )
    regions.fits(first.shape[0], first.shape[1])
    gland, around = regions.mask("thyroid"), regions.mask("background")
    nodule = regions.mask("nodule") if regions.has("nodule") else np.zeros_like(gland)
    scaled = gland & ~nodule
    net = [one - one[around].mean() for one in (first, second)]
    bottom = float(net[1][scaled].sum())
    if not scaled.any() or bottom <= 0:
        raise CurveRefused(
            "no_thyroid",
            "The thyroid has no counts above background outside the nodule: check the regions.",
            "结节以外的甲状腺净计数不大于零，请检查感兴趣区。",
        )
    k = float(net[0][scaled].sum()) / bottom
    difference: Floats = net[0] - k * net[1]
    measures = [Measure("scale", k, "1", "Scale of the thyroid image", "甲状腺图像比例系数")]
    if nodule.any():
        rest = float(difference[nodule].sum())
        deviation = _rest_deviation(first, second, k, nodule, scaled, around, bottom)
        measures += [
            Measure(
                "nodule_rest_counts",
                rest,
                "counts",
                "Rest of the nodule",
                "结节残余计数",
                None,
                deviation,
            ),
            Measure(
                "nodule_rest_sd",
                ratio(rest, deviation),
                "SD",
                "Rest of the nodule in SD",
                "结节残余（标准差倍数）",
            ),
        ]
    return Outcome(
        study="parathyroid",
        measures=tuple(measures),
        method=SUBTRACTION_METHOD,
        decay="cancels in the scale k",
        version=VERSION,
        source=SOURCE,
        panels=(
            ImagePanel("MIBI", "MIBI", first, regions),
            ImagePanel("Thyroid", "甲状腺", second, regions),
            ImagePanel("Difference", "相减图", np.maximum(difference, 0.0)),
        ),
    )


def _rest_deviation(
    first: Floats,
    second: Floats,
    k: float,
    nodule: Bools,
    scaled: Bools,
    around: Bools,
    bottom: float,
) -> float:
    """SD of the nodule's rest: each pixel's own weight in it, squared, times its counts.

    The rest is sum N1 - k sum N2 with k = S1 / S2; N and S are net sums over nodule and thyroid, so
    a pixel enters through N, through S and through the background of both.
    """
    n, s, b = (float(one.sum()) for one in (nodule, scaled, around))
    share = float((second[nodule] - second[around].mean()).sum()) / bottom
    weight = nodule - share * scaled - (n - share * s) / b * around
    return math.sqrt(float((weight**2 * (first + k**2 * second)).sum()))

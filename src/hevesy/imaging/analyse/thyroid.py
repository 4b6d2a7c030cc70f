"""Thyroid uptake by probe and by gamma camera, gland volume, and activity for I-131 therapy.

Probe: counts of the neck, the thigh, the capsule (or a standard) in a neck phantom, and the room.
Camera: roles `thyroid` and `background` on a pinhole or parallel image, and syringe counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from hevesy.imaging.analyse.acquired import Acquired
from hevesy.imaging.analyse.curves import region_curve
from hevesy.imaging.analyse.outcome import (
    CurvePanel,
    ImagePanel,
    Line,
    Measure,
    Outcome,
    Reference,
    reference,
)
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-thyroid/1"
PROBE_METHOD: Final = (
    "Uptake = 100 (neck - thigh) / ((capsule - room) 2^(-t/T)), all as count rates, t from the"
    " capsule's measurement to the neck's. Room counts are taken from the capsule too: without it"
    " uptake comes out too low. No dead-time correction."
)
CAMERA_METHOD: Final = (
    "Uptake = 100 (thyroid - background per pixel x pixels) / (full - empty syringe), as count rates"
    " corrected to injection; camera background is taken from the syringe counts if given. Same"
    " camera, collimator and distance; no attenuation and no dead-time correction."
)
SOURCE: Final = "EANM and SNMMI procedure guidelines for thyroid uptake"


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of a measurement that took `duration_s`."""

    counts: float
    duration_s: float = 60.0

    def __post_init__(self) -> None:
        if not (self.counts >= 0 and 0 < self.duration_s < math.inf):
            raise Refused(
                "bad_counts",
                "Counts must be zero or more, with a counting time above zero.",
                "计数须不小于零，计数时间须大于零。",
                f"{self.counts} in {self.duration_s} s",
            )

    @property
    def rate(self) -> float:
        """Counts per second."""
        return self.counts / self.duration_s

    @property
    def variance(self) -> float:
        """Poisson variance of the rate."""
        return self.counts / self.duration_s**2


NOTHING: Final = Counted(0.0)


def _no_standard(net: float) -> None:
    if net <= 0:
        raise Refused(
            "bad_standard",
            "The capsule or syringe has no counts above its background: check the measurements.",
            "胶囊（或注射器）计数不高于其本底，请核对测量值。",
        )


def _quotient_deviation(top: float, top_var: float, bottom: float, bottom_var: float) -> float:
    return math.sqrt(top_var / bottom**2 + top**2 * bottom_var / bottom**4)


def probe_uptake(
    *,
    neck: Counted,
    thigh: Counted,
    capsule: Counted,
    room: Counted,
    half_life_s: float,
    capsule_to_neck_s: float,
    hours: float | None = None,
) -> Outcome:
    """Uptake of radio-iodine by probe, in percent.

    capsule_to_neck_s: time from counting the capsule (before it was swallowed, or a standard of
    the same activity now: then 0) to counting the neck. hours: since administration, which picks
    the reference range. Raises `Refused` (`bad_standard`, `bad_counts`).
    """
    decay = math.exp2(-capsule_to_neck_s / half_life_s)
    given = (capsule.rate - room.rate) * decay
    _no_standard(given)
    net = neck.rate - thigh.rate
    value = 100.0 * net / given
    deviation = 100.0 * _quotient_deviation(
        net,
        neck.variance + thigh.variance,
        given,
        (capsule.variance + room.variance) * decay**2,
    )
    span = None if hours is None else _span(hours)
    usual = reference("thyroid", span) if span else None
    return Outcome(
        study="thyroid",
        measures=(
            Measure(
                "uptake_percent",
                value,
                "%",
                "Thyroid uptake" + ("" if hours is None else f" at {hours:g} h"),
                "甲状腺摄碘率" + ("" if hours is None else f"（{hours:g} 小时）"),
                usual,
                deviation,
            ),
        ),
        method=PROBE_METHOD,
        decay=f"capsule decayed to the neck's time, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "half_life_s": half_life_s,
            "capsule_to_neck_s": capsule_to_neck_s,
            "decay_factor": decay,
            "hours": hours,
        },
        findings=_doubts(value),
        panels=(_against_reference(value, deviation, hours or 0.0, usual),),
    )


def _against_reference(
    value: float, deviation: float, hours: float, usual: Reference | None
) -> CurvePanel:
    """The uptake with one standard deviation, between the ends of the range called normal."""
    at, ends = np.array([hours]), np.array([hours - 2.0, hours + 2.0])
    lines = [
        Line(at, np.array([value]), "uptake", "摄碘率", marks=True),
        Line(np.repeat(at, 2), np.array([value - deviation, value + deviation]), "± SD", "± SD"),
    ]
    for end, english, chinese in (
        ()
        if usual is None
        else ((usual.low, "lowest normal", "正常下限"), (usual.high, "highest normal", "正常上限"))
    ):
        if end is not None:
            lines.append(Line(ends, np.full(2, end), english, chinese))
    return CurvePanel("Thyroid uptake", "甲状腺摄碘率", "h", "%", tuple(lines))


def _span(hours: float) -> str | None:
    if 20.0 <= hours <= 28.0:
        return "uptake_percent_24h"
    return "uptake_percent_4h" if 3.5 <= hours <= 6.5 else None


def camera_uptake(
    image: Acquired,
    regions: RegionSet,
    *,
    full: Counted,
    empty: Counted,
    half_life_s: float,
    full_to_injection_s: float = 0.0,
    injection_to_empty_s: float = 0.0,
    injection_to_image_s: float = 1200.0,
    camera_background: Counted = NOTHING,
) -> Outcome:
    """Uptake of Tc-99m pertechnetate by gamma camera, in percent.

    image: one frame. full, empty: the syringe at the camera before and after injection, at the
    times stated; camera_background: the same without a syringe. Raises `Refused`.
    """
    frame = Acquired(
        image.frames[:1],
        np.array([injection_to_image_s]),
        image.duration_s[:1],
        image.view,
    )
    thyroid = region_curve(frame.frames, frame.start_s, frame.duration_s, regions, "thyroid")
    around = region_curve(frame.frames, frame.start_s, frame.duration_s, regions, "background")
    net = thyroid.minus_background(around).decay_corrected(half_life_s)
    before, after = (
        math.exp2(seconds / half_life_s) for seconds in (-full_to_injection_s, injection_to_empty_s)
    )
    away = camera_background
    given = (full.rate - away.rate) * before - (empty.rate - away.rate) * after
    _no_standard(given)
    rate, variance = float(net.rate[0]), float(net.variance[0] / net.duration_s[0] ** 2)
    value = 100.0 * rate / given
    deviation = 100.0 * _quotient_deviation(
        rate,
        variance,
        given,
        full.variance * before**2
        + empty.variance * after**2
        + away.variance * (before - after) ** 2,
    )
    return Outcome(
        study="thyroid",
        measures=(
            Measure(
                "uptake_percent",
                value,
                "%",
                "Thyroid uptake of pertechnetate",
                "甲状腺摄锝率",
                reference("thyroid", "uptake_percent_pertechnetate"),
                deviation,
            ),
        ),
        method=CAMERA_METHOD,
        decay=f"all count rates corrected to injection, half-life {half_life_s:g} s",
        version=VERSION,
        source=SOURCE,
        inputs={
            "half_life_s": half_life_s,
            "full_to_injection_s": full_to_injection_s,
            "injection_to_empty_s": injection_to_empty_s,
            "injection_to_image_s": injection_to_image_s,
            "net_syringe_counts_per_s": given,
        },
        findings=_doubts(value),
        curves=(net,),
        panels=(ImagePanel("Thyroid", "甲状腺", image.frames[0], regions),),
    )


def lobe_volume_ml(length_cm: float, width_cm: float, depth_cm: float) -> float:
    """Volume of a lobe as an ellipsoid, pi/6 a b c, in mL; 1 mL is taken as 1 g of gland."""
    if min(length_cm, width_cm, depth_cm) <= 0:
        raise Refused(
            "bad_lobe",
            "The three diameters of a lobe must be above zero.",
            "甲状腺叶的三个径线须大于零。",
        )
    return math.pi / 6.0 * length_cm * width_cm * depth_cm


def therapy_activity_mbq(*, mass_g: float, mbq_per_g: float, uptake_percent: float) -> float:
    """Activity of I-131 to give so that the gland takes up `mbq_per_g`: mass x MBq/g / uptake.

    The physician chooses `mbq_per_g`; uptake is that at 24 h. Raises `Refused` (`bad_uptake`).
    """
    if not (mass_g > 0 and mbq_per_g > 0 and 0 < uptake_percent <= 100):
        raise Refused(
            "bad_uptake",
            "Mass and MBq per gram must be above zero, uptake above 0 and at most 100 %.",
            "腺体质量及每克活度须大于零，摄碘率须在 0 至 100% 之间。",
        )
    return mass_g * mbq_per_g / (uptake_percent / 100.0)


def _doubts(value: float) -> tuple[Finding, ...]:
    if 0 <= value <= 100:
        return ()
    return (
        Finding(
            "impossible_uptake",
            f"An uptake of {value:.1f} % is impossible: check the counts and which is which.",
            f"摄取率 {value:.1f}% 不可能出现，请核对各项计数。",
            {"uptake_percent": value},
        ),
    )

"""Decay, administered activity, draw volumes and activity units.

All functions are pure. Activities go in and come out in MBq as float (a `Decimal` of the database
may be handed in), times are timezone-aware datetimes, half-lives are seconds. Elapsed time is
signed: asking for a time before the reference time gives the larger, earlier activity.
"""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

Number: TypeAlias = float | int | Decimal

BQ_PER_MBQ: Final = 1.0e6
MBQ_PER_MCI: Final = 37.0


def _positive(value: Number, name: str) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be a finite number above zero, not {value}")
    return number


def _not_negative(value: Number, name: str) -> float:
    number = float(value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{name} must be a finite number of zero or more, not {value}")
    return number


def elapsed_s(since: datetime, until: datetime) -> float:
    """Signed seconds from `since` to `until`. Both must carry a time zone, else `ValueError`."""
    for moment in (since, until):
        if moment.utcoffset() is None:
            raise ValueError("times of activities must carry a time zone")
    return (until - since).total_seconds()


def decay_factor(*, elapsed_s: Number, half_life_s: Number) -> float:
    """Fraction left after `elapsed_s` seconds, 2^(-t/T); above 1 for negative elapsed time."""
    return math.exp2(-float(elapsed_s) / _positive(half_life_s, "half_life_s"))


def decayed_activity(activity: Number, *, elapsed_s: Number, half_life_s: Number) -> float:
    """Activity after `elapsed_s` seconds, in the unit it was given in. A(t) = A0 2^(-t/T)."""
    return _not_negative(activity, "activity") * decay_factor(
        elapsed_s=elapsed_s, half_life_s=half_life_s
    )


def activity_at(
    activity_mbq: Number, *, measured_at: datetime, at: datetime, half_life_s: Number
) -> float:
    """Activity in MBq at the time `at` of what was `activity_mbq` at `measured_at`."""
    return decayed_activity(
        activity_mbq, elapsed_s=elapsed_s(measured_at, at), half_life_s=half_life_s
    )


def net_administered_mbq(
    *,
    assayed_mbq: Number,
    assayed_at: datetime,
    administered_at: datetime,
    half_life_s: Number,
    residual_mbq: Number = 0,
    residual_at: datetime | None = None,
    lost_fraction: float = 0.0,
) -> float:
    """Activity in MBq that entered the patient, at the time of administration.

    The syringe before (`assayed_mbq` at `assayed_at`) minus what was left in it afterwards
    (`residual_mbq` at `residual_at`), both decayed to `administered_at`:
    A = A_pre 2^(-(t_i - t_pre)/T) - A_post 2^(+(t_post - t_i)/T). DICOM means the same by
    Radionuclide Total Dose (0018,1074). `lost_fraction` is what did not reach the circulation
    (extravasation), 0 to 1. Raises `ValueError` if a residual has no time, or if it exceeds what
    the syringe held.
    """
    if not 0.0 <= lost_fraction <= 1.0:
        raise ValueError("lost_fraction must lie between 0 and 1")
    syringe = activity_at(
        assayed_mbq, measured_at=assayed_at, at=administered_at, half_life_s=half_life_s
    )
    residual = _not_negative(residual_mbq, "residual_mbq")
    if residual:
        if residual_at is None:
            raise ValueError("a residual activity needs the time it was measured at")
        residual = activity_at(
            residual, measured_at=residual_at, at=administered_at, half_life_s=half_life_s
        )
    if residual > syringe:
        raise ValueError("the residual activity exceeds the activity of the syringe")
    return (syringe - residual) * (1.0 - lost_fraction)


def concentration_mbq_per_ml(
    *,
    vial_mbq: Number,
    vial_ml: Number,
    vial_at: datetime,
    at: datetime,
    half_life_s: Number,
) -> float:
    """Activity concentration of a vial in MBq/mL at the time `at`."""
    return activity_at(vial_mbq, measured_at=vial_at, at=at, half_life_s=half_life_s) / _positive(
        vial_ml, "vial_ml"
    )


def draw_volume_ml(
    *,
    wanted_mbq: Number,
    wanted_at: datetime,
    vial_mbq: Number,
    vial_ml: Number,
    vial_at: datetime,
    half_life_s: Number,
) -> float:
    """Volume in mL to draw so that the syringe holds `wanted_mbq` at `wanted_at`.

    V = A_wanted / C(t_wanted); the vial held `vial_mbq` in `vial_ml` at `vial_at`. The time of
    drawing does not matter: vial and syringe decay alike. Raises `ValueError` if the vial would
    have to give more than it holds.
    """
    volume = _positive(wanted_mbq, "wanted_mbq") / concentration_mbq_per_ml(
        vial_mbq=_positive(vial_mbq, "vial_mbq"),
        vial_ml=vial_ml,
        vial_at=vial_at,
        at=wanted_at,
        half_life_s=half_life_s,
    )
    if volume > float(vial_ml):
        raise ValueError("the vial does not hold the wanted activity at that time")
    return volume


def time_to_reach_s(*, from_mbq: Number, to_mbq: Number, half_life_s: Number) -> float:
    """Seconds until `from_mbq` has decayed to `to_mbq`; negative if it was reached in the past."""
    ratio = _positive(from_mbq, "from_mbq") / _positive(to_mbq, "to_mbq")
    return math.log2(ratio) * _positive(half_life_s, "half_life_s")


def effective_half_life_s(*, physical_half_life_s: Number, biological_half_life_s: Number) -> float:
    """Effective half-life in seconds: 1/T_eff = 1/T_physical + 1/T_biological."""
    physical = _positive(physical_half_life_s, "physical_half_life_s")
    biological = _positive(biological_half_life_s, "biological_half_life_s")
    return physical * biological / (physical + biological)


def average_count_time_s(*, frame_duration_s: Number, half_life_s: Number) -> float:
    """Seconds after frame start at which the activity equals its mean over the frame.

    t_avg = ln(x / (1 - e^-x)) / lambda with x = lambda * duration (QIBA FDG-PET/CT profile). A
    little earlier than the middle of the frame.
    """
    rate = math.log(2.0) / _positive(half_life_s, "half_life_s")
    x = rate * _positive(frame_duration_s, "frame_duration_s")
    return math.log(x / -math.expm1(-x)) / rate


def mbq_from_mci(activity_mci: Number) -> float:
    """MBq from mCi; 1 mCi = 37 MBq exactly."""
    return float(activity_mci) * MBQ_PER_MCI


def mci_from_mbq(activity_mbq: Number) -> float:
    """Activity in mCi from one in MBq; 1 mCi = 37 MBq exactly."""
    return float(activity_mbq) / MBQ_PER_MCI


def bq_from_mbq(activity_mbq: Number) -> float:
    """Bq from MBq: what PET headers want in (0018,1074), where NM headers want MBq."""
    return float(activity_mbq) * BQ_PER_MBQ


def mbq_from_bq(activity_bq: Number) -> float:
    """MBq from Bq."""
    return float(activity_bq) / BQ_PER_MBQ

"""Time-activity curves: what a region counted in each frame of a series, and when.

The values of a curve are what was measured: counts *per frame* from a gamma camera, or the mean
activity concentration of a frame from PET. Times are seconds from the start of the series, or from
injection where a study says so. Every step (background, decay) makes a new curve and carries the
variance along, so that a result can state its counting uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]

COUNTS: Final = "counts"


class CurveRefused(Refused):
    """A curve that cannot be made, or from which the asked-for number cannot be taken."""


def _refuse_times(detail: str) -> CurveRefused:
    return CurveRefused(
        "bad_frame_times",
        "The times of the frames are not usable: durations must be above zero and frames must "
        "follow each other without overlap.",
        "帧时间无效：每帧时长须大于零，且各帧须依次排列、互不重叠。",
        detail,
    )


@dataclass(frozen=True, slots=True, eq=False)
class TimeActivityCurve:
    """One value per frame. Arrays have one element per frame and are not to be written to.

    start_s, duration_s: begin and length of each frame. values: in `units`; "counts" means counts
    collected during the frame, everything else a mean over it ("Bq/mL"). variance: of each value,
    in units squared. pixels: size of the region. half_life_s, decay_reference_s: if the values
    are decay-corrected, with what half-life and to what time; else None.
    """

    name: str
    start_s: Floats
    duration_s: Floats
    values: Floats
    variance: Floats
    pixels: Floats
    units: str = COUNTS
    role: str = ""
    half_life_s: float | None = None
    decay_reference_s: float | None = None

    def __post_init__(self) -> None:
        shapes = {
            np.shape(getattr(self, one))
            for one in ("start_s", "duration_s", "values", "variance", "pixels")
        }
        if len(shapes) != 1 or len(next(iter(shapes))) != 1 or not len(self.values):
            raise _refuse_times(f"arrays of different lengths: {sorted(shapes)}")
        check_frame_times(self.start_s, self.duration_s)
        if not np.all(np.isfinite(self.values)):
            raise CurveRefused(
                "bad_values",
                "The curve holds values that are not numbers: check the image.",
                "曲线含有无效数值，请检查图像。",
                self.name,
            )

    def __len__(self) -> int:
        return len(self.values)

    @property
    def mid_s(self) -> Floats:
        """Middle of each frame."""
        return self.start_s + 0.5 * self.duration_s

    @property
    def end_s(self) -> Floats:
        """End of each frame."""
        return self.start_s + self.duration_s

    @property
    def rate(self) -> Floats:
        """Counts per second; for mean values the values themselves."""
        return self.values / self.duration_s if self.units == COUNTS else self.values

    @property
    def rate_units(self) -> str:
        """Units of `rate`."""
        return "counts/s" if self.units == COUNTS else self.units

    def minus_background(self, background: TimeActivityCurve) -> Self:
        """Subtract per pixel: net = ROI - background / background pixels x ROI pixels.

        For mean concentrations the background is subtracted as it is. Frames must be the same and
        both curves corrected for decay alike, else `CurveRefused`. The variance adds up.
        """
        self._refuse_unlike(background)
        scale = self.pixels / background.pixels if self.units == COUNTS else np.ones(len(self))
        return replace(
            self,
            values=self.values - scale * background.values,
            variance=self.variance + scale**2 * background.variance,
        )

    def plus(self, other: TimeActivityCurve) -> Self:
        """The sum of two curves over the same frames: both kidneys, both views."""
        self._refuse_unlike(other)
        return replace(
            self,
            values=self.values + other.values,
            variance=self.variance + other.variance,
            pixels=self.pixels + other.pixels,
        )

    def times(self, factor: float | Floats) -> Self:
        """All values times a number, or times one number per frame."""
        return replace(self, values=self.values * factor, variance=self.variance * factor**2)

    def decay_corrected(self, half_life_s: float, *, reference_s: float = 0.0) -> Self:
        """Values as if nothing had decayed since `reference_s`.

        The factor is the exact mean over the frame, x e^(lambda (start - reference)) / (1 - e^-x)
        with x = lambda duration. Raises `CurveRefused` if it was corrected before.
        """
        if self.half_life_s is not None:
            raise CurveRefused(
                "decay_twice",
                "The curve is corrected for decay already.",
                "该曲线已做衰变校正，不能重复校正。",
                self.name,
            )
        corrected = self.times(
            decay_factors(self.start_s, self.duration_s, half_life_s, reference_s=reference_s)
        )
        return replace(corrected, half_life_s=half_life_s, decay_reference_s=reference_s)

    def decay_uncorrected(self) -> Self:
        """What was measured: the inverse of `decay_corrected`."""
        if self.half_life_s is None or self.decay_reference_s is None:
            return self
        factors = decay_factors(
            self.start_s, self.duration_s, self.half_life_s, reference_s=self.decay_reference_s
        )
        return replace(self.times(1.0 / factors), half_life_s=None, decay_reference_s=None)

    def integral(self, from_s: float, to_s: float) -> tuple[float, float]:
        """Integral of the rate and its variance between two times.

        A frame counts in proportion to the part of it that lies between them; for counts the
        result is counts. Raises `CurveRefused` (`interval_not_covered`) unless frames cover the
        whole interval: a part that was not acquired would be taken for zero.
        """
        share = np.clip(np.minimum(self.end_s, to_s) - np.maximum(self.start_s, from_s), 0.0, None)
        if not to_s > from_s or float(share.sum()) < (to_s - from_s) * (1.0 - 1e-6):
            raise CurveRefused(
                "interval_not_covered",
                f"The frames do not cover the time from {from_s:g} s to {to_s:g} s: choose an "
                "interval that was acquired.",
                f"采集帧未覆盖 {from_s:g} 秒至 {to_s:g} 秒，请选择已采集的时间段。",
                f"acquired {self.start_s[0]:g} to {self.end_s[-1]:g} s",
            )
        weight = share / self.duration_s if self.units == COUNTS else share
        return float(weight @ self.values), float(weight**2 @ self.variance)

    def running_integral(self) -> Floats:
        """Integral of the rate from the first frame's start to the middle of each frame.

        Frames are taken as constant; a pause between frames is bridged by the mean of its
        neighbours.
        """
        rate = self.rate
        whole = rate * self.duration_s
        pause = np.zeros(len(self))
        pause[1:] = (self.start_s[1:] - self.end_s[:-1]) * 0.5 * (rate[1:] + rate[:-1])
        result: Floats = np.cumsum(whole + pause) - 0.5 * whole
        return result

    def rate_at(self, time_s: float) -> float:
        """Rate at a time, on straight lines between the middles of frames.

        Raises `CurveRefused` (`time_not_covered`) outside the first and last middle.
        """
        mid = self.mid_s
        if not mid[0] <= time_s <= mid[-1]:
            raise CurveRefused(
                "time_not_covered",
                f"There is no frame at {time_s / 60.0:g} min: the acquisition is too short.",
                f"{time_s / 60.0:g} 分钟处没有采集帧，采集时间不足。",
                f"middles of frames from {mid[0]:g} to {mid[-1]:g} s",
            )
        return float(np.interp(time_s, mid, self.rate))

    def as_json(self) -> dict[str, Any]:
        """Plain values, units in the keys."""
        return {
            "name": self.name,
            "role": self.role,
            "units": self.units,
            "start_s": self.start_s.tolist(),
            "duration_s": self.duration_s.tolist(),
            "mid_s": self.mid_s.tolist(),
            "values": self.values.tolist(),
            "standard_deviation": np.sqrt(self.variance).tolist(),
            "pixels": self.pixels.tolist(),
            "decay_corrected": self.half_life_s is not None,
            "half_life_s": self.half_life_s,
            "decay_reference_s": self.decay_reference_s,
        }

    def _refuse_unlike(self, other: TimeActivityCurve) -> None:
        alike = (
            len(self) == len(other)
            and self.units == other.units
            and (self.half_life_s, self.decay_reference_s)
            == (other.half_life_s, other.decay_reference_s)
            and np.allclose(self.start_s, other.start_s, atol=1e-6)
            and np.allclose(self.duration_s, other.duration_s, atol=1e-6)
        )
        if not alike:
            raise CurveRefused(
                "curves_unlike",
                "The two curves have different frames, units or decay correction.",
                "两条曲线的帧、单位或衰变校正不一致。",
                f"{self.name}, {other.name}",
            )


def check_frame_times(start_s: Floats, duration_s: Floats) -> None:
    """Refuse (`bad_frame_times`) frames of no length, out of order, or overlapping."""
    if not (np.all(np.isfinite(start_s)) and np.all(np.isfinite(duration_s))):
        raise _refuse_times("a time is not a number")
    if np.any(duration_s <= 0):
        raise _refuse_times(f"frame {int(np.argmax(duration_s <= 0))} has no duration")
    # A millisecond: headers round frame times to it.
    overlapping = start_s[1:] - (start_s + duration_s)[:-1] < -1e-3
    if np.any(overlapping):
        raise _refuse_times(f"frame {int(np.argmax(overlapping)) + 1} begins before the one before")


def decay_factors(
    start_s: Floats, duration_s: Floats, half_life_s: float, *, reference_s: float = 0.0
) -> Floats:
    """What undoes decay since `reference_s`, as the exact mean over each frame."""
    if not (math.isfinite(half_life_s) and half_life_s > 0):
        raise CurveRefused(
            "bad_half_life",
            "The half-life must be above zero.",
            "半衰期须大于零。",
            f"{half_life_s}",
        )
    rate = math.log(2.0) / half_life_s
    x = rate * duration_s
    factors: Floats = np.exp(rate * (start_s - reference_s)) * x / -np.expm1(-x)
    return factors


def region_curve(
    frames: npt.NDArray[Any],
    start_s: npt.ArrayLike,
    duration_s: npt.ArrayLike,
    regions: RegionSet,
    role: str,
    *,
    view: str = "",
) -> TimeActivityCurve:
    """Counts of the region of a role in each frame, with Poisson variance.

    frames: counts, (frames, rows, columns). A role may have several regions with different frame
    ranges, if every frame has exactly one. Raises `RegionRefused`, `CurveRefused`.
    """
    if frames.ndim != 3:
        raise _refuse_times(f"frames have {frames.ndim} dimensions")
    regions.fits(frames.shape[1], frames.shape[2])
    found = regions.of(role, view=view)
    count = len(frames)
    if len(found) == 1 and found[0].frames is None:
        inside = found[0].mask(*frames.shape[1:])
        values = frames[:, inside].sum(axis=1, dtype=np.float64)
        pixels = np.full(count, float(inside.sum()))
    else:
        if not found:
            regions.one(role, view=view)
        masks = [regions.mask(role, view=view, frame=frame) for frame in range(count)]
        values = np.array(
            [one[inside].sum(dtype=np.float64) for one, inside in zip(frames, masks, strict=True)]
        )
        pixels = np.array([float(inside.sum()) for inside in masks])
    return TimeActivityCurve(
        name=found[0].name,
        role=role,
        start_s=np.array(start_s, dtype=np.float64),
        duration_s=np.array(duration_s, dtype=np.float64),
        values=values,
        variance=np.abs(values),
        pixels=pixels,
    )

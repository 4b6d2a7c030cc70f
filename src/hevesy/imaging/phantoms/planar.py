"""Planar and dynamic gamma camera studies with known truth: organs are shapes that hold counts.

Organs are uniform inside their shape and lie on a uniform background, so that a region drawn on
the organ counts exactly what went in. `seed` None gives the expected counts (not whole numbers),
a number gives one Poisson sample of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Ellipse, Rectangle, Shape

Floats: TypeAlias = npt.NDArray[np.float64]
Rate: TypeAlias = Callable[[Floats], Floats]

SIZE: Final = 64
_LEFT_KIDNEY: Final = Ellipse((20.0, 32.0), (6.0, 10.0), 10.0)
_RIGHT_KIDNEY: Final = Ellipse((44.0, 34.0), (6.0, 10.0), -10.0)
_HEART: Final = Ellipse((30.0, 10.0), (7.0, 6.0))


@dataclass(frozen=True, slots=True, eq=False)
class PlanarPhantom:
    """frames: counts (frame, row, column). regions: the organs as they are. truth: per study."""

    frames: Floats
    start_s: Floats
    duration_s: Floats
    regions: RegionSet
    truth: Mapping[str, Any]


def collected(rate: Rate, start_s: Floats, duration_s: Floats) -> Floats:
    """Counts of each frame for a rate in counts/s as a function of time in s."""
    fine = np.linspace(0.0, 1.0, 41)
    within = start_s[:, None] + duration_s[:, None] * fine[None, :]
    counts: Floats = np.trapezoid(rate(within), fine, axis=1) * duration_s
    return counts


def paint(
    organs: Sequence[tuple[Shape, Floats]],
    background: Floats,
    *,
    rows: int = SIZE,
    columns: int = SIZE,
    seed: int | None = None,
) -> Floats:
    """Frames in which each organ's counts are spread over its pixels, background on every pixel.

    organs: shape and counts per frame. background: counts per pixel and frame.
    """
    frames = np.repeat(background, rows * columns).reshape(len(background), rows, columns)
    for shape, counts in organs:
        inside = shape.mask(rows, columns)
        frames[:, inside] += (counts / inside.sum())[:, None]
    if seed is None:
        return frames
    return np.random.default_rng(seed).poisson(frames).astype(np.float64)


def decaying(rate: Rate, half_life_s: float) -> Rate:
    """A rate with physical decay since time zero."""
    return lambda t: rate(t) * np.exp2(-t / half_life_s)


def renogram(
    *,
    uptake: tuple[float, float] = (0.004, 0.006),
    transit_s: tuple[float, float] = (180.0, 180.0),
    emptying_s: tuple[float, float] = (240.0, 400.0),
    drain_from_s: tuple[float, float] | None = None,
    half_life_s: float = 21_654.0,
    counts_per_s: float = 4.0e4,
    seed: int | None = None,
) -> PlanarPhantom:
    """Two kidneys (left, right) fed by one blood curve, 30 frames of 2 s, then 114 of 10 s.

    uptake: share of the blood's activity cleared per second, so that the split is its quotient.
    Nothing leaves a kidney before `transit_s`; then the retained part falls with the half-time
    `emptying_s`. Each kidney also holds blood in proportion to its uptake.

    With `drain_from_s` there is no blood in the kidneys, and what they hold is known in closed
    form: they take up evenly until `transit_s`, hold that until `drain_from_s`, and from then on
    lose half of it every `emptying_s`. What truth says of peaks and output is of the other kind.
    """
    duration = np.array([2.0] * 30 + [10.0] * 114)
    start = np.cumsum(duration) - duration
    step_s = 0.5
    time = np.arange(0.0, duration.sum() + step_s, step_s)
    blood = _after(time, 12.0, lambda t: 0.6 * np.exp(-t / 90.0) + 0.4 * np.exp(-t / 1500.0))
    curves = []
    for rate, transit, emptying in zip(uptake, transit_s, emptying_s, strict=True):
        retained = np.where(time < transit, 1.0, np.exp2(-(time - transit) / emptying))
        kept = rate * np.convolve(blood, retained)[: len(time)] * step_s
        # The trapezoid rule: half of the first and last sample of the convolution too many.
        kept -= 0.5 * rate * step_s * (blood * retained[0] + blood[0] * retained)
        curves.append(kept + 5.0 * rate * blood)
    if drain_from_s is not None:
        curves = [
            60.0
            * rate
            * np.minimum(time / transit, 1.0)
            * np.exp2(-np.maximum(time - drain, 0.0) / emptying)
            for rate, transit, drain, emptying in zip(
                uptake, transit_s, drain_from_s, emptying_s, strict=True
            )
        ]
    running = np.concatenate(([0.0], np.cumsum(0.5 * (blood[1:] + blood[:-1]) * step_s)))

    def counted(values: Floats) -> Floats:
        rate = decaying(lambda t: counts_per_s * np.interp(t, time, values), half_life_s)
        return collected(rate, start, duration)

    organs: list[tuple[Shape, Floats]] = [
        (_LEFT_KIDNEY, counted(curves[0])),
        (_RIGHT_KIDNEY, counted(curves[1])),
        (_HEART, counted(0.3 * blood)),
    ]
    frames = paint(organs, counted(blood * 1e-4), seed=seed)
    regions = (
        Region("left kidney", "left_kidney", _LEFT_KIDNEY),
        Region("right kidney", "right_kidney", _RIGHT_KIDNEY),
        Region("heart", "blood", _HEART),
        Region("background", "background", Rectangle((26.0, 48.0), (12.0, 6.0))),
    )
    at_20_min = [float(np.interp(1190.0, time, one)) for one in curves]
    late = 1190.0
    out = [
        100.0
        * (
            1.0
            - (float(np.interp(late, time, one)) - 5.0 * rate * float(np.interp(late, time, blood)))
            / (rate * float(np.interp(late, time, running)))
        )
        for one, rate in zip(curves, uptake, strict=True)
    ]
    peak = [float(one[time > 60.0].max()) for one in curves]
    return PlanarPhantom(
        frames,
        start,
        duration,
        RegionSet(SIZE, SIZE, regions),
        {
            "left_split_percent": 100.0 * uptake[0] / sum(uptake),
            "tmax_s": [float(time[int(np.argmax(one))]) for one in curves],
            "retention_over_max": [a / b for a, b in zip(at_20_min, peak, strict=True)],
            "output_efficiency_percent": out,
            "output_efficiency_s": late,
        },
    )


def _after(time: Floats, delay_s: float, shape: Rate) -> Floats:
    since = time - delay_s
    return np.where(since >= 0, shape(np.maximum(since, 0.0)), 0.0) * (
        1.0 - np.exp(-np.maximum(since, 0.0) / 4.0)
    )


def gated_blood_pool(
    *,
    ejection_fraction: float = 0.6,
    gates: int = 24,
    cycle_s: float = 0.8,
    counts_per_pixel: float = 400.0,
    background_per_pixel: float = 150.0,
    seed: int | None = None,
) -> PlanarPhantom:
    """A left ventricle whose blood follows three harmonics; its outline stays, its depth changes.

    truth: `ef_percent` of the gates; PER and PFR in end-diastolic volumes per second, and the time
    from the smallest volume to the fastest filling, of the volume curve itself, which each gate
    averages over its part of the cycle.
    """
    shape = Ellipse((36.0, 34.0), (10.0, 12.0), 20.0)

    def relative(t: Floats) -> Floats:
        angle = 2.0 * np.pi * t / cycle_s
        return np.cos(angle) + 0.25 * np.cos(2 * angle - 0.7) + 0.08 * np.cos(3 * angle + 0.4)

    duration = np.full(gates, cycle_s / gates)
    start = np.arange(gates) * cycle_s / gates
    binned = collected(relative, start, duration) / duration
    # a + b relative has its largest gate at 1 and its smallest at 1 - EF.
    b = ejection_fraction / (binned.max() - binned.min())
    a = 1.0 - b * binned.max()
    fine = np.linspace(0.0, cycle_s, 20_001)
    slope = np.gradient(a + b * relative(fine), fine)
    inside = shape.mask(SIZE, SIZE)
    frames = paint(
        [(shape, counts_per_pixel * inside.sum() * (a + b * binned))],
        np.full(gates, background_per_pixel),
        seed=seed,
    )
    regions = (
        Region("LV", "left_ventricle", shape),
        Region("background", "background", Rectangle((50.0, 48.0), (6.0, 8.0))),
    )
    largest = float((a + b * relative(fine)).max())
    emptiest = int(np.argmin(relative(fine)))
    fastest = int(np.argmax(np.roll(slope[:-1], -emptiest)))
    return PlanarPhantom(
        frames,
        start,
        duration,
        RegionSet(SIZE, SIZE, regions),
        {
            "ef_percent": 100.0 * ejection_fraction,
            "per_edv_per_s": -float(slope.min()) / largest,
            "pfr_edv_per_s": float(slope.max()) / largest,
            "tpfr_ms": 1000.0 * fastest * float(fine[1]),
        },
    )


def beating_disc(
    radii: Sequence[float], *, counts_per_pixel: float = 100.0, background: float = 20.0
) -> PlanarPhantom:
    """A disc that shrinks from gate to gate, with a region of its own in every gate.

    The ejection fraction is 1 - smallest / largest number of pixels (`truth["pixels"]`).
    """
    discs = [Ellipse((32.0, 32.0), (radius, radius)) for radius in radii]
    masks = [one.mask(SIZE, SIZE) for one in discs]
    frames = np.stack([background + counts_per_pixel * one for one in masks]).astype(np.float64)
    regions = [
        Region(f"LV {index + 1}", "left_ventricle", one, frames=(index, index))
        for index, one in enumerate(discs)
    ]
    regions.append(Region("background", "background", Rectangle((54.0, 50.0), (6.0, 8.0))))
    count = len(radii)
    return PlanarPhantom(
        frames,
        np.arange(count) / count,
        np.full(count, 1.0 / count),
        RegionSet(SIZE, SIZE, tuple(regions)),
        {"pixels": [int(one.sum()) for one in masks]},
    )


def stomach(
    *,
    minutes: Sequence[float] = (0.0, 30.0, 60.0, 120.0, 180.0, 240.0),
    half_time_min: float = 90.0,
    shape_b: float = 2.0,
    half_life_s: float = 21_654.0,
    seed: int | None = None,
) -> tuple[PlanarPhantom, Floats]:
    """A solid meal, one minute per view and time: frames seen from the front, and from behind.

    The meal moves from the back to the front wall, so that neither view alone shows how much is
    left: the geometric mean does. Retention is 1 - (1 - e^(-k t))^b with the half-time given. The
    frames from behind are as the camera shows them, mirrored. truth: `retention_percent`.
    """
    k = -math.log(1.0 - 0.5 ** (1.0 / shape_b)) / half_time_min
    start = 60.0 * np.array(minutes)
    duration = np.full(len(start), 60.0)
    middle_min = (start - start[0] + 0.0) / 60.0
    left = 1.0 - (1.0 - np.exp(-k * middle_min)) ** shape_b
    decay = np.exp2(-start / half_life_s) * _mean_decay(60.0, half_life_s)
    depth_cm = np.linspace(12.0, 6.0, len(start))
    front = 4.0e5 * left * decay * np.exp(-0.15 * depth_cm)
    back = 4.0e5 * left * decay * np.exp(-0.15 * (20.0 - depth_cm))
    organ = Ellipse((38.0, 28.0), (9.0, 12.0), 30.0)
    flat = 2.0 * decay
    again = None if seed is None else seed + 1
    anterior = paint([(organ, front)], flat, seed=seed)
    posterior = paint([(organ, back)], flat, seed=again)[:, :, ::-1]
    regions = (
        Region("stomach", "stomach", organ),
        Region("background", "background", Rectangle((10.0, 50.0), (8.0, 8.0))),
    )
    made = PlanarPhantom(
        anterior,
        start,
        duration,
        RegionSet(SIZE, SIZE, regions),
        {"retention_percent": 100.0 * left, "half_time_min": half_time_min, "b": shape_b},
    )
    return made, posterior


def _mean_decay(duration_s: float, half_life_s: float) -> float:
    x = math.log(2.0) * duration_s / half_life_s
    return -math.expm1(-x) / x


def chest(
    *,
    shares: Mapping[str, float],
    depth_cm: Mapping[str, float],
    counts: float = 1.0e6,
    thickness_cm: float = 22.0,
    seed: int | None = None,
) -> tuple[PlanarPhantom, Floats]:
    """Two lungs of three parts each and a liver, from the front and (mirrored) from behind.

    shares: of the counts for "left_upper" … "right_lower" and "liver". depth_cm: of each from the
    front; one attenuation for all, so that the geometric mean is exact.
    """
    top = {"upper": 4, "middle": 16, "lower": 28}
    shapes: dict[str, Shape] = {
        f"{side}_{part}": Rectangle((x, y), (16, 12))
        for side, x in (("right", 10), ("left", 38))
        for part, y in top.items()
    }
    shapes["liver"] = Rectangle((10.0, 44.0), (28.0, 14.0))
    views = []
    for behind in (False, True):
        organs = []
        for name, share in shares.items():
            depth = depth_cm.get(name, 10.0)
            way = thickness_cm - depth if behind else depth
            organs.append((shapes[name], np.array([counts * share * math.exp(-0.1 * way)])))
        again = None if seed is None else seed + behind
        views.append(paint(organs, np.array([0.5]), seed=again))
    regions = (
        Region("left lung", "left_lung", Rectangle((38.0, 4.0), (16.0, 36.0))),
        Region("right lung", "right_lung", Rectangle((10.0, 4.0), (16.0, 36.0))),
        Region("liver", "liver", shapes["liver"]),
        Region("background", "background", Rectangle((44.0, 46.0), (10.0, 10.0))),
    )
    made = PlanarPhantom(
        views[0],
        np.array([0.0]),
        np.array([300.0]),
        RegionSet(SIZE, SIZE, regions),
        {"shares": dict(shares)},
    )
    return made, views[1][:, :, ::-1]

"""Gated blood pool: ejection fraction, filling and ejection rates, phase and amplitude.

Roles: `left_ventricle`, one region, or one for each range of gates; `background`.
"""

from __future__ import annotations

import math
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

VERSION: Final = "hevesy-mugaef/1"
SECTORS: Final = 8
METHOD: Final = (
    "Net ventricle = region - background per pixel x pixels, gate by gate. EF = (ED - ES) / ED of"
    " the gates with most and fewest net counts. Rates from a Fourier series of the net curve whose"
    " harmonics are corrected for averaging over a gate: PER and PFR are its steepest fall and"
    " (after its minimum) rise, over its maximum; TPFR from its minimum. Amplitude and phase of the"
    " first harmonic in each pixel, phase 0 where the maximum is at the R wave; phase SD over the"
    " end-diastolic region where the amplitude is at least a tenth of its highest. Regional EF in 8"
    " sectors of 45 degrees about the centre of that region, counted anticlockwise from the right"
    " of the image. No dead-time correction."
)
SOURCE: Final = "Bacharach et al., J Nucl Med 1979 (Fourier rates); Adam et al. 1979 (phase images)"


def analyse_gated_blood_pool(
    frames: npt.NDArray[Any],
    cycle_s: float,
    regions: RegionSet,
    *,
    harmonics: int = 4,
) -> Outcome:
    """EF, PER, PFR, TPFR, phase SD and regional EF.

    frames: counts of each gate, (gates, rows, columns), the first at the R wave. cycle_s: length of
    the heart cycle. Raises `Refused` with fewer than 8 gates, or a ventricle without net counts.
    """
    gates = len(frames)
    if gates < 8 or not 0.2 <= cycle_s <= 3.0:
        raise CurveRefused(
            "bad_gating",
            "The study needs at least 8 gates and a heart cycle of 0.2 to 3 s.",
            "门控帧数须不少于 8，心动周期须为 0.2 至 3 秒。",
            f"{gates} gates, {cycle_s:g} s",
        )
    duration = np.full(gates, cycle_s / gates)
    start = cycle_s / gates * np.arange(gates)
    raw = region_curve(frames, start, duration, regions, "left_ventricle")
    background = region_curve(frames, start, duration, regions, "background")
    net = raw.minus_background(background)
    diastole, systole = int(np.argmax(net.values)), int(np.argmin(net.values))
    largest, smallest = float(net.values[diastole]), float(net.values[systole])
    if largest <= 0 or smallest < 0:
        raise CurveRefused(
            "no_ventricle",
            "The ventricle has no counts above background in some gate: check both regions.",
            "部分门控帧中左心室净计数不大于零，请检查感兴趣区。",
        )
    deviation = math.sqrt(
        net.variance[systole] / largest**2 + smallest**2 * net.variance[diastole] / largest**4
    )
    heart = regions.mask("left_ventricle", frame=diastole)
    per_pixel = background.values / background.pixels
    order = min(harmonics, (gates - 1) // 2)
    times, volume = fourier_curve(net, order)
    rates = _rates(times, volume, cycle_s)
    amplitude, phase_deg = first_harmonic(frames)
    measures = [
        Measure(
            "ef_percent",
            100.0 * (largest - smallest) / largest,
            "%",
            "LVEF",
            "左室射血分数",
            reference("mugaef", "ef_percent"),
            100.0 * deviation,
        ),
        Measure("per_edv_per_s", rates["per"], "EDV/s", "Peak ejection rate", "高峰射血率"),
        Measure("pfr_edv_per_s", rates["pfr"], "EDV/s", "Peak filling rate", "高峰充盈率"),
        Measure("tpfr_ms", 1000 * rates["tpfr"], "ms", "Time to peak filling", "高峰充盈时间"),
        Measure(
            "phase_sd_deg",
            phase_deviation_deg(phase_deg, amplitude, heart),
            "deg",
            "Phase SD",
            "相角标准差",
        ),
    ]
    # Where nothing beats, the phase is that of noise.
    beating = np.where(amplitude >= 0.1 * amplitude.max(), phase_deg, np.nan)
    ed, es = (frames[n].astype(np.float64) - per_pixel[n] for n in (diastole, systole))
    for number, inside in enumerate(sectors(heart), start=1):
        full = float(ed[inside].sum())
        part = ratio(full - float(es[inside].sum()), full) if full > 0 else None
        measures.append(
            Measure(
                f"sector_{number}_ef_percent",
                None if part is None else 100.0 * part,
                "%",
                f"Regional EF, sector {number}",
                f"局部射血分数，第 {number} 区",
            )
        )
    shown = Line(times, volume, "Fourier fit", "傅里叶拟合")
    points = Line(net.mid_s, net.rate * duration, "net counts", "净计数", marks=True)
    return Outcome(
        study="mugaef",
        measures=tuple(measures),
        method=METHOD,
        decay="none needed: all gates are collected over the same minutes",
        version=VERSION,
        source=SOURCE,
        inputs={"cycle_s": cycle_s, "gates": gates, "harmonics": order},
        findings=tuple(_doubts(frames, diastole, systole, gates)),
        curves=(net,),
        panels=(
            CurvePanel("Left ventricle", "左心室容积曲线", "s", "counts/gate", (points, shown)),
            ImagePanel("End diastole", "舒张末期", frames[diastole], regions),
            ImagePanel("Amplitude", "振幅图", amplitude),
            ImagePanel("Phase (degrees)", "相位图（度）", beating, cyclic=True),
        ),
    )


def fourier_curve(net: TimeActivityCurve, harmonics: int) -> tuple[Floats, Floats]:
    """The curve over one cycle as its first harmonics, on 2000 steps: times in s and values.

    A gate holds the mean over its width, which weakens harmonic k by sinc(k / gates); this is
    undone.
    """
    gates = len(net)
    cycle_s = float(net.duration_s.sum())
    times: Floats = np.linspace(0.0, cycle_s, 2000, endpoint=False)
    values: Floats = np.full(len(times), float(net.values.mean()))
    for k in range(1, harmonics + 1):
        turn = 2.0 * np.pi * k / cycle_s
        part = np.mean(net.values * np.exp(-1j * turn * net.mid_s)) / np.sinc(k / gates)
        values += 2.0 * np.real(part * np.exp(1j * turn * times))
    return times, values


def _rates(times: Floats, volume: Floats, cycle_s: float) -> dict[str, float]:
    step_s = cycle_s / len(times)
    slope = (np.roll(volume, -1) - np.roll(volume, 1)) / (2.0 * step_s)
    emptiest = int(np.argmin(volume))
    # From the minimum once round to the next maximum: the filling of one beat.
    filling = np.roll(slope, -emptiest)
    until_full = max(int(np.argmax(np.roll(volume, -emptiest))), 1)
    fastest = int(np.argmax(filling[:until_full]))
    largest = float(volume.max())
    return {
        "per": -float(slope.min()) / largest,
        "pfr": float(filling[fastest]) / largest,
        "tpfr": fastest * step_s,
    }


def first_harmonic(frames: npt.NDArray[Any]) -> tuple[Floats, Floats]:
    """Amplitude (counts) and phase (0 to 360 degrees) of each pixel's first harmonic.

    A pixel that is fullest at the R wave has phase 0, one that is fullest half a cycle later 180.
    """
    gates = len(frames)
    turn = np.exp(-2j * np.pi * (np.arange(gates) + 0.5) / gates)
    part = np.tensordot(turn, frames, axes=(0, 0)) / gates / np.sinc(1.0 / gates)
    return 2.0 * np.abs(part), np.degrees(-np.angle(part)) % 360.0


def phase_deviation_deg(
    phase_deg: Floats, amplitude: Floats, inside: npt.NDArray[np.bool_]
) -> float | None:
    """SD of the phase about its circular mean, over pixels with a tenth of the highest amplitude."""
    highest = float(amplitude[inside].max())
    chosen = phase_deg[inside & (amplitude >= 0.1 * highest)]
    if highest <= 0:
        return None
    mean = np.degrees(np.angle(np.exp(1j * np.radians(chosen)).sum()))
    away = (chosen - mean + 180.0) % 360.0 - 180.0
    return float(away.std())


def sectors(inside: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.bool_]]:
    """The region in eight sectors of 45 degrees, anticlockwise from the right of the image."""
    rows, columns = np.nonzero(inside)
    angle = np.degrees(np.arctan2(rows.mean() - rows, columns - columns.mean())) % 360.0
    parts = []
    for number in range(SECTORS):
        part = np.zeros_like(inside)
        chosen = np.floor(angle / (360.0 / SECTORS)).astype(int) % SECTORS == number
        part[rows[chosen], columns[chosen]] = True
        parts.append(part)
    return parts


def _doubts(frames: npt.NDArray[Any], diastole: int, systole: int, gates: int) -> list[Finding]:
    found = []
    whole = frames.sum(axis=(1, 2), dtype=np.float64)
    lost = float(1.0 - whole.min() / np.median(whole))
    # A ventricle is a small part of the field: its beat moves the whole by a few percent.
    if lost > 0.1:
        found.append(
            Finding(
                "gate_dropout",
                f"Gate {int(np.argmin(whole)) + 1} counted {100 * lost:.0f} % less than the median: "
                "beats of unequal length; rates and phase are unreliable.",
                f"第 {int(np.argmin(whole)) + 1} 帧总计数比中位数低 {100 * lost:.0f}%，"
                "提示心律不齐，速率和相位结果不可靠。",
                {"lost_fraction": lost},
            )
        )
    if not 0.15 <= ((systole - diastole) % gates) / gates <= 0.65:
        found.append(
            Finding(
                "odd_systole",
                "End systole lies at an unusual place in the cycle: check gating and regions.",
                "收缩末期在心动周期中的位置异常，请检查门控及感兴趣区。",
                {"diastole_gate": diastole + 1, "systole_gate": systole + 1},
            )
        )
    return found

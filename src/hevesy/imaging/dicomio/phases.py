"""A dynamic or gated series to one volume per time frame or gate, all on one grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.frames import PlacedFrame
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.dicomio.series import collected
from hevesy.imaging.dicomio.stack import assembled, fit_int16, grid_of
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.quantify.decay import average_count_time_s

# Scanners round start times of slices of one frame to this.
_SAME_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class VolumePhase:
    """One time frame or gate. What the header does not state is None.

    number: from 1, in order of time or gate. start_s: from the start of the first phase.
    reference_s: moment of mean activity, from the time the series is decay corrected to.
    gate, rr_interval: from 1. trigger_s: from the R wave, as the scanner states it.
    """

    volume: Volume
    number: int
    start_s: float | None = None
    duration_s: float | None = None
    reference_s: float | None = None
    gate: int | None = None
    rr_interval: int | None = None
    trigger_s: float | None = None


@dataclass(frozen=True, slots=True)
class VolumeSeries:
    """Volumes of one series on one grid. kind: "static" (one phase), "dynamic" or "gated"."""

    phases: tuple[VolumePhase, ...]
    kind: str
    findings: tuple[Finding, ...] = ()

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The volumes, in order of time or gate."""
        return tuple(phase.volume for phase in self.phases)

    @property
    def middle_s(self) -> npt.NDArray[np.float64] | None:
        """Middle of each time frame from the start of the first, (phases,); None if unknown."""
        middles = [
            phase.start_s + phase.duration_s / 2
            for phase in self.phases
            if phase.start_s is not None and phase.duration_s is not None
        ]
        return np.array(middles) if len(middles) == len(self.phases) else None


def read_phases(
    sources: Iterable[str | Path | Dataset], *, limits: Limits = DEFAULT_LIMITS
) -> VolumeSeries:
    """Read all time frames or gates of one series; a static series has one phase.

    Classic dynamic and gated PET, CT and MR in time, NM RECON GATED TOMO, enhanced multi-frame
    objects. A slice that one phase lacks is a finding of its volume. Raises `ImageRefused`; beyond
    the reasons of `read_series`, `phases_unclear` where images repeat a position and the header
    does not tell which belong together.
    """
    frames, described = collected(sources, limits=limits)
    grid = grid_of(frames)
    findings: list[Finding] = []
    positions = [_without_duplicates(found) for found in grid.positions]
    surplus = sum(map(len, grid.positions)) - sum(map(len, positions))
    if surplus:
        findings.append(
            Finding(
                "duplicates",
                f"{surplus} images are there twice and are left out.",
                f"有 {surplus} 幅重复图像，未纳入。",
                {"left_out": surplus},
            )
        )
    sorted_out = _phases(positions)
    whole = fit_int16([frame for found in positions for frame in found])
    phases = []
    for number, chosen in enumerate(sorted_out, start=1):
        volume = assembled(grid, chosen, described, findings, whole_numbers=whole)
        phases.append(_phase(volume, number, [one for one in chosen if one is not None]))
    phases = _started(phases, sorted_out, findings)
    return VolumeSeries(tuple(phases), _kind(phases), (*grid.findings, *findings))


def _without_duplicates(frames: Sequence[PlacedFrame]) -> list[PlacedFrame]:
    kept: list[PlacedFrame] = []
    for frame in frames:
        if not any(_same(frame, other) for other in kept):
            kept.append(frame)
    return kept


def _same(one: PlacedFrame, other: PlacedFrame) -> bool:
    return (
        one.timing == other.timing
        and (one.slope, one.intercept) == (other.slope, other.intercept)
        and np.array_equal(one.stored, other.stored)
    )


def _phases(positions: list[list[PlacedFrame]]) -> list[list[PlacedFrame | None]]:
    """For each phase its frame at each position, None where it has none."""
    most = max(map(len, positions))
    if most == 1:
        return [[found[0] for found in positions]]
    telling = _telling_label(positions)
    by_label = [{frame.timing.labels[telling]: frame for frame in found} for found in positions]
    labels = sorted({label for found in by_label for label in found if label is not None})
    if len(labels) == most:
        return [[found.get(label) for found in by_label] for label in labels]
    if all(len(found) == most for found in positions):
        # Beds of a whole body taken again and again: each has times of its own.
        ranked = [[found[label] for label in labels if label in found] for found in by_label]
        return [[found[number] for found in ranked] for number in range(most)]
    raise ImageRefused("phases_unclear", f"{len(labels)} times, up to {most} images per position")


def _telling_label(positions: list[list[PlacedFrame]]) -> int:
    """Which label of `FrameTiming.labels` is stated by all frames and differs at every place."""
    for telling in range(len(positions[0][0].timing.labels)):
        labels = [[frame.timing.labels[telling] for frame in found] for found in positions]
        if all(None not in found and len(set(found)) == len(found) for found in labels):
            return telling
    raise ImageRefused("phases_unclear", "no index or time differs at every position")


def _phase(volume: Volume, number: int, frames: Sequence[PlacedFrame]) -> VolumePhase:
    timing = frames[0].timing
    durations = {frame.timing.duration_s for frame in frames}
    references = {frame.timing.reference_s for frame in frames}
    return VolumePhase(
        volume=volume,
        number=number,
        duration_s=timing.duration_s if len(durations) == 1 else None,
        reference_s=timing.reference_s if len(references) == 1 else None,
        gate=timing.gate,
        rr_interval=timing.rr_interval,
        trigger_s=timing.trigger_s,
    )


def _started(
    phases: list[VolumePhase],
    frames: list[list[PlacedFrame | None]],
    findings: list[Finding],
) -> list[VolumePhase]:
    """The phases with their starts, where the header states them."""
    if _kind(phases) == "gated":
        return phases
    if len(phases) == 1:
        return [replace(phases[0], start_s=0.0)]
    acquired = [[f.timing.acquired for f in found if f is not None] for found in frames]
    begins = [[one for one in found if one is not None] for found in acquired]
    if all(begins) and len({found[0].wall for found in begins}) == len(begins):
        first = min(begins[0], key=lambda one: one.wall)
        starts = [min(one.seconds_after(first) for one in found) for found in begins]
        spread = max(
            max(one.seconds_after(first) for one in found) - start
            for found, start in zip(begins, starts, strict=True)
        )
        if spread > _SAME_S:
            findings.append(
                Finding(
                    "slices_at_different_times",
                    f"Slices of one time frame were taken up to {spread:.0f} s apart; its start is"
                    " that of the earliest.",
                    f"同一时间帧内各层采集时间相差最多 {spread:.0f} 秒，起始时间取最早者。",
                    {"spread_s": spread},
                )
            )
        return [replace(p, start_s=start) for p, start in zip(phases, starts, strict=True)]
    by_reference = [_start_by_reference(phase) for phase in phases]
    known = [start for start in by_reference if start is not None]
    if len(known) < len(phases):
        return phases
    return [replace(p, start_s=start - known[0]) for p, start in zip(phases, known, strict=True)]


def _start_by_reference(phase: VolumePhase) -> float | None:
    """Start of a frame from its moment of mean activity, which Frame Reference Time states."""
    drugs = phase.volume.headers[0].get("radiopharmaceuticals") or [{}]
    half_life_s = drugs[0].get("RadionuclideHalfLife")
    if phase.reference_s is None or not phase.duration_s or not half_life_s:
        return None
    return phase.reference_s - average_count_time_s(
        frame_duration_s=phase.duration_s, half_life_s=half_life_s
    )


def _kind(phases: Sequence[VolumePhase]) -> str:
    if len(phases) == 1:
        return "static"
    gates = {(phase.rr_interval, phase.gate, phase.trigger_s) for phase in phases}
    return "gated" if len(gates) > 1 else "dynamic"

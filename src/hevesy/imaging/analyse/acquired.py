"""From a gamma camera series to what a planar study works on: frames of one view and their times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.dicomio.planar import PlanarSeries
from hevesy.imaging.nuclides import UnknownNuclide, nuclide
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]

ANTERIOR: Final = "anterior"
POSTERIOR: Final = "posterior"


class AcquisitionRefused(Refused):
    """A series that does not hold what the study needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """frames: counts, (frame, row, column) as the camera shows them. Times in s per frame."""

    frames: Floats
    start_s: Floats
    duration_s: Floats
    view: str = ""


def acquired(series: PlanarSeries, *, view: str = "", energy_window: int = 1) -> Acquired:
    """Frames of one view and energy window, in order of time.

    view: empty if the series has one. Gated frames get their place in the heart cycle. Raises
    `AcquisitionRefused`: `view_missing`, `views_ambiguous`, `frame_times_missing`.
    """
    chosen = [
        index
        for index, frame in enumerate(series.frames)
        if frame.energy_window == energy_window and (not view or frame.view == view)
    ]
    if not chosen:
        raise AcquisitionRefused(
            "view_missing",
            f"The series has no frames of the {view or 'asked-for'} view: choose another series.",
            f"序列中没有{view or '所需'}视图的帧，请选择其他序列。",
            f"energy window {energy_window}; views: {sorted({f.view for f in series.frames})}",
        )
    if len({series.frames[index].detector for index in chosen}) > 1:
        raise AcquisitionRefused(
            "views_ambiguous",
            "The series was taken by several detectors: name the view to be analysed.",
            "该序列由多个探头采集，请指定要分析的视图。",
            f"views: {sorted({series.frames[index].view for index in chosen})}",
        )
    if series.kind == "GATED":
        chosen.sort(key=lambda index: series.frames[index].time_slot)
        starts, durations = _gated_times(series, len(chosen))
    else:
        stated = [(series.frames[n].start_s, series.frames[n].duration_s) for n in chosen]
        known = [(a, b) for a, b in stated if a is not None and b is not None]
        if len(known) != len(chosen):
            raise AcquisitionRefused(
                "frame_times_missing",
                "The header does not tell when frames were taken: the study needs their times.",
                "头文件缺少帧时间，无法进行分析。",
            )
        order = sorted(range(len(chosen)), key=lambda n: known[n][0])
        chosen = [chosen[n] for n in order]
        starts, durations = (np.array([known[n][k] for n in order]) for k in (0, 1))
    return Acquired(series.array[chosen].astype(np.float64), starts, durations, view)


def both_views(
    all_series: Sequence[PlanarSeries], starts_s: Sequence[float] | None = None
) -> tuple[Acquired, Acquired]:
    """Front and back views of one or several series, one after the other.

    starts_s: when each time point began (s from the first), needed for several series because each
    counts its times from its own start. One number per time point.
    """
    views = []
    for view in (ANTERIOR, POSTERIOR):
        parts = [acquired(one, view=view) for one in all_series]
        start = np.concatenate([one.start_s for one in parts])
        if starts_s is not None:
            if len(starts_s) != len(start):
                raise AcquisitionRefused(
                    "time_points",
                    f"There are {len(start)} time points but {len(starts_s)} times: give one each.",
                    f"图像有 {len(start)} 个时间点，却给出 {len(starts_s)} 个时间，请一一对应。",
                )
            start = np.array(starts_s, dtype=np.float64)
        elif len(all_series) > 1:
            raise AcquisitionRefused(
                "time_points",
                "Several series need the time of each: give the minutes from the first.",
                "多个序列需给出各自的时间（距首次的分钟数）。",
            )
        if len({one.frames.shape[1:] for one in parts}) > 1:
            raise AcquisitionRefused(
                "matrix_differs",
                "The series have different matrix sizes and cannot share regions.",
                "各序列矩阵大小不同，无法共用感兴趣区。",
            )
        views.append(
            Acquired(
                np.concatenate([one.frames for one in parts]),
                start,
                np.concatenate([one.duration_s for one in parts]),
                view,
            )
        )
    return views[0], views[1]


def half_life_of(series: PlanarSeries, stated: str | None = None) -> float:
    """Half-life in s of the stated nuclide, else of the one the header names.

    Raises `AcquisitionRefused` (`nuclide_unknown`) if neither names one.
    """
    drugs = series.header.get("radiopharmaceuticals") or [{}]
    names = (
        [stated]
        if stated
        else [drugs[0].get("RadionuclideCodeValue"), drugs[0].get("RadionuclideCodeMeaning")]
    )
    for name in names:
        try:
            return nuclide(str(name or "")).half_life_s
        except UnknownNuclide:
            continue
    raise AcquisitionRefused(
        "nuclide_unknown",
        "The nuclide is not known: name it, for example Tc-99m.",
        "无法识别核素，请指定，例如 Tc-99m。",
        str(names[0] or ""),
    )


def _gated_times(series: PlanarSeries, count: int) -> tuple[Floats, Floats]:
    slots = {frame.slot_s for frame in series.frames}
    slot_s = next(iter(slots)) if len(slots) == 1 else None
    if slot_s is None and series.gates and series.gates[0].nominal_rr_s:
        slot_s = series.gates[0].nominal_rr_s / count
    if not slot_s:
        raise AcquisitionRefused(
            "cycle_missing",
            "The header does not tell the length of the heart cycle: give it in seconds.",
            "头文件缺少心动周期长度，请以秒为单位给出。",
        )
    return slot_s * np.arange(count, dtype=np.float64), np.full(count, float(slot_s))

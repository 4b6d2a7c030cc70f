"""Placed frames to an evenly spaced stack: one grid, and the voxels of one or several phases on it.

Nothing is repaired in silence: what was left out, filled, assumed or uneven is a `Finding`; what
would put voxels in the wrong place is refused (`ImageRefused`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.dicomio.frames import Floats, PlacedFrame
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Finding, SliceSource, Volume

# Positions are decimal strings that scanners round; below this two planes are the same plane.
_SAME_MM: Final = 0.01
_SAME_COSINE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class SeriesDescription:
    """What all images of a series have in common."""

    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    units: str
    description: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Positions of a stack, sorted along the normal.

    positions: at each place the frames found there, earliest first. places: for each slice of the
    volume the index of its position, None where slices are missing.
    """

    positions: tuple[tuple[PlacedFrame, ...], ...]
    places: tuple[int | None, ...]
    ijk_to_lps: Floats
    findings: tuple[Finding, ...]


def grid_of(frames: list[PlacedFrame]) -> Grid:
    """The grid of all frames of a series. Raises `ImageRefused`: slices_scattered."""
    findings: list[Finding] = []
    kept = _largest_parallel_group(frames, findings)
    normal = np.cross(kept[0].row, kept[0].column)
    kept.sort(key=lambda frame: float(frame.position @ normal))
    positions = [[kept[0]]]
    for frame in kept[1:]:
        if float((frame.position - positions[-1][0].position) @ normal) > _SAME_MM:
            positions.append([])
        positions[-1].append(frame)
    for found in positions:
        found.sort(key=lambda frame: frame.order)
    if any(frame.orientation_assumed for frame in kept):
        findings.append(
            Finding(
                "orientation_assumed",
                "The header states no complete position and orientation; head first supine is"
                " assumed. Fusion needs a check by eye.",
                "头文件未给出完整的位置和方向，按头先进仰卧处理；融合前请目视核对。",
            )
        )
    firsts = [found[0] for found in positions]
    places = _filled_places(firsts, normal)
    affine = _affine(firsts, places, normal, findings)
    return Grid(tuple(tuple(found) for found in positions), tuple(places), affine, tuple(findings))


def _largest_parallel_group(
    frames: list[PlacedFrame], findings: list[Finding]
) -> list[PlacedFrame]:
    groups: list[list[PlacedFrame]] = []
    for frame in frames:
        for group in groups:
            if _alike(frame, group[0]):
                group.append(frame)
                break
        else:
            groups.append([frame])
    groups.sort(key=len, reverse=True)
    if len(groups) > 1:
        left_out = sum(len(group) for group in groups[1:])
        findings.append(
            Finding(
                "mixed_orientations",
                f"{left_out} of {len(frames)} images have another orientation, size or pixel"
                " spacing and are left out.",
                f"{len(frames)} 幅图像中有 {left_out} 幅方向、尺寸或像素间距不同，未纳入容积。",
                {"left_out": left_out, "total": len(frames)},
            )
        )
    return groups[0]


def _alike(one: PlacedFrame, other: PlacedFrame) -> bool:
    return bool(
        one.stored.shape == other.stored.shape
        and np.allclose(one.row, other.row, atol=_SAME_COSINE)
        and np.allclose(one.column, other.column, atol=_SAME_COSINE)
        and np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-4)
    )


def _filled_places(frames: list[PlacedFrame], normal: Floats) -> list[int | None]:
    """For each slice of the volume the index of its frame, None where slices are missing."""
    if len(frames) == 1:
        return [0]
    gaps = np.diff([float(frame.position @ normal) for frame in frames])
    # The lower median: of two gaps, one may be twice the other because a slice is missing.
    pitch = median_low(gaps.tolist())
    places: list[int | None] = [0]
    for index, gap in enumerate(gaps, start=1):
        steps = round(float(gap) / pitch)
        if steps >= 2 and abs(gap - steps * pitch) <= 0.1 * pitch:
            places += [None] * (steps - 1)
        places.append(index)
    lost = len(places) - len(frames)
    if lost > len(frames):
        raise ImageRefused("slices_scattered", f"{lost} slices missing between {len(frames)}")
    return places


def _affine(
    frames: list[PlacedFrame],
    places: Sequence[int | None],
    normal: Floats,
    findings: list[Finding],
) -> Floats:
    first, last = frames[0], frames[-1]
    affine = np.eye(4)
    affine[:3, 0] = first.row * first.spacing_mm[0]
    affine[:3, 1] = first.column * first.spacing_mm[1]
    affine[:3, 3] = first.position
    if len(places) == 1:
        affine[:3, 2] = normal * abs(first.step_mm or 1.0)
        findings.append(
            Finding(
                "single_slice",
                "The volume has one slice only.",
                "该容积只有一层。",
            )
        )
        return affine
    # From first to last rather than along the normal: a tilted gantry shears the stack.
    affine[:3, 2] = (last.position - first.position) / (len(places) - 1)
    pitch = float(np.linalg.norm(affine[:3, 2]))
    off = [
        float(np.linalg.norm(frames[index].position - first.position - k * affine[:3, 2]))
        for k, index in enumerate(places)
        if index is not None
    ]
    worst = max(off)
    if worst > pitch:
        raise ImageRefused("slices_scattered", f"a slice lies {worst:.2f} mm off an even stack")
    if worst > _SAME_MM:
        findings.append(
            Finding(
                "uneven_spacing",
                f"Slice spacing is uneven: slices lie up to {worst:.2f} mm beside an even stack of"
                f" {pitch:.2f} mm.",
                f"层间距不均匀：按等间距 {pitch:.2f} mm 排列时，最大偏差 {worst:.2f} mm。",
                {"worst_mm": worst, "pitch_mm": pitch},
            )
        )
    stated = abs(first.step_mm or pitch)
    if pitch > 1.5 * stated:
        findings.append(
            Finding(
                "sparse",
                f"Slices lie {pitch:.2f} mm apart, the header states {stated:.2f} mm: slices may be"
                " missing between all of them.",
                f"实际层间距 {pitch:.2f} mm，头文件为 {stated:.2f} mm，各层之间可能缺层。",
                {"pitch_mm": pitch, "stated_mm": stated},
            )
        )
    tilt = float(affine[:3, 2] @ normal) / pitch
    if tilt < 0.999:
        findings.append(
            Finding(
                "sheared",
                "The slices are not stacked along their normal (tilted gantry).",
                "断层未沿法线方向堆叠（机架倾斜）。",
                {"cosine": tilt},
            )
        )
    return affine


def assembled(
    grid: Grid,
    chosen: Sequence[PlacedFrame | None],
    described: SeriesDescription,
    findings: Sequence[Finding],
    *,
    whole_numbers: bool,
) -> Volume:
    """The volume of one frame per position of the grid, None where it is missing.

    whole_numbers: keep int16, which `fit_int16` has said loses nothing. Missing slices are filled
    with the smallest value and told.
    """
    by_slice = [None if index is None else chosen[index] for index in grid.places]
    known = [frame for frame in by_slice if frame is not None]
    kind = np.int16 if whole_numbers else np.float32
    array = np.empty((len(by_slice), *known[0].stored.shape), dtype=kind)
    missing = [k for k, frame in enumerate(by_slice) if frame is None]
    for k, frame in enumerate(by_slice):
        if frame is not None:
            array[k] = _rescaled(frame).astype(kind)
    if missing:
        array[missing] = np.delete(array, missing, axis=0).min()
    normal = np.cross(known[0].row, known[0].column)
    origin = grid.positions[0][0].position
    slices, headers = [], []
    nearest = known[0]
    for k, frame in enumerate(by_slice):
        nearest = frame or nearest
        headers.append(nearest.header)
        slices.append(
            SliceSource("", 0, float(k * (grid.ijk_to_lps[:3, 2] @ normal)))
            if frame is None
            else SliceSource(
                frame.sop_instance_uid,
                frame.frame,
                float((frame.position - origin) @ normal),
                frame.slope,
                frame.intercept,
            )
        )
    return Volume(
        array=array,
        ijk_to_lps=grid.ijk_to_lps,
        units=described.units,
        modality=described.modality,
        frame_of_reference_uid=described.frame_of_reference_uid,
        series_instance_uid=described.series_instance_uid,
        study_instance_uid=described.study_instance_uid,
        description=described.description,
        findings=(*grid.findings, *findings, *_gaps(missing)),
        slices=tuple(slices),
        headers=tuple(headers),
    )


def _gaps(missing: Sequence[int]) -> list[Finding]:
    if not missing:
        return []
    lost = len(missing)
    return [
        Finding(
            "missing_slices",
            f"{lost} slices are missing inside the stack; they are shown empty.",
            f"断层中缺少 {lost} 层，缺失层显示为空白，请检查图像是否传输完整。",
            {"missing": lost, "slices": list(missing)},
        )
    ]


def fit_int16(frames: Sequence[PlacedFrame]) -> bool:
    """Whether the rescaled values of all frames are whole numbers that int16 holds."""
    return all(_fits_int16(frame) for frame in frames)


def _fits_int16(frame: PlacedFrame) -> bool:
    if frame.stored.dtype.kind not in "iu" or frame.slope != 1 or not frame.intercept.is_integer():
        return False
    low = int(frame.stored.min()) + frame.intercept
    high = int(frame.stored.max()) + frame.intercept
    return low >= -32768 and high <= 32767


def _rescaled(frame: PlacedFrame) -> npt.NDArray[Any]:
    if frame.slope == 1 and frame.intercept == 0:
        return frame.stored
    return frame.stored.astype(np.float64) * frame.slope + frame.intercept

"""A DICOM series to a `Volume`.

Nothing is repaired in silence: what was left out, filled, assumed or uneven is a `Finding` of the
volume; what would put voxels in the wrong place is refused (`ImageRefused`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.frames import Floats, PlacedFrame, placed_frames
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits, checked_format, read_dataset
from hevesy.imaging.dicomio.headers import find
from hevesy.imaging.dicomio.refusal import ImageRefused, refusing_what_pydicom_cannot_parse
from hevesy.imaging.geometry import Finding, SliceSource, Volume

# Positions are decimal strings that scanners round; below this two planes are the same plane.
_SAME_MM: Final = 0.01
_SAME_COSINE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class _Series:
    series_instance_uid: str
    study_instance_uid: str
    frame_of_reference_uid: str
    modality: str
    units: str
    description: str


def read_series(
    sources: Iterable[str | Path | Dataset], *, limits: Limits = DEFAULT_LIMITS
) -> Volume:
    """Read the instances of one series into a volume, in any order.

    Classic CT, MR and PET slices, NM RECON TOMO and enhanced multi-frame objects. Each slice is
    scaled with its own Rescale Slope and Intercept; slices are sorted along the slice normal, so
    that k always grows along row x column. Raises `ImageRefused` naming the reason.
    """
    described: _Series | None = None
    frames: list[PlacedFrame] = []
    decoded = 0
    for source in sources:
        with refusing_what_pydicom_cannot_parse():
            dataset = source if isinstance(source, Dataset) else read_dataset(source, limits=limits)
            decoded += checked_format(dataset, limits=limits).decoded_bytes
            if decoded > limits.decoded_bytes:
                raise ImageRefused("too_many_pixels", f"{decoded} bytes in the series")
            own = _describe(dataset)
            frames += placed_frames(dataset, limits=limits)
        if described is None:
            described = own
        elif own.series_instance_uid != described.series_instance_uid:
            raise ImageRefused("several_series")
        elif own.frame_of_reference_uid != described.frame_of_reference_uid:
            raise ImageRefused("bad_geometry", "several frames of reference")
        elif own.units != described.units:
            raise ImageRefused("bad_pixel_attributes", "several units")
    if described is None:
        raise ImageRefused("no_images")
    return _stacked(frames, described)


def require_whole(volume: Volume) -> None:
    """Raise `ImageRefused` where volumes in mL or maxima of the body would be wrong.

    `missing_slices` for gaps inside the stack, `single_slice` for a stack of one.
    """
    for finding in volume.findings:
        if finding.key in ("missing_slices", "single_slice"):
            raise ImageRefused(finding.key, str(dict(finding.values)))


def _describe(dataset: Dataset) -> _Series:
    modality = str(dataset.get("Modality") or "")
    return _Series(
        series_instance_uid=str(dataset.get("SeriesInstanceUID") or ""),
        study_instance_uid=str(dataset.get("StudyInstanceUID") or ""),
        frame_of_reference_uid=str(dataset.get("FrameOfReferenceUID") or ""),
        modality=modality,
        units=_units(dataset, modality),
        description=str(dataset.get("SeriesDescription") or ""),
    )


def _units(dataset: Dataset, modality: str) -> str:
    stated = str(find(dataset, "Units") or find(dataset, "RescaleType") or "").strip().upper()
    if stated and stated != "US":
        return stated
    return {"CT": "HU", "NM": "CNTS"}.get(modality, "US")


def _stacked(frames: list[PlacedFrame], described: _Series) -> Volume:
    findings: list[Finding] = []
    kept = _largest_parallel_group(frames, findings)
    first = kept[0]
    normal = np.cross(first.row, first.column)
    kept.sort(key=lambda frame: (float(frame.position @ normal), frame.order))
    kept = _one_per_position(kept, normal, findings)
    if any(frame.orientation_assumed for frame in kept):
        findings.append(
            Finding(
                "orientation_assumed",
                "The header states no complete position and orientation; head first supine is"
                " assumed. Fusion needs a check by eye.",
                "头文件未给出完整的位置和方向，按头先进仰卧处理；融合前请目视核对。",
            )
        )
    places = _filled_places(kept, normal, findings)
    affine = _affine(kept, places, normal, findings)
    return _assembled(kept, places, affine, findings, described)


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


def _one_per_position(
    frames: list[PlacedFrame], normal: Floats, findings: list[Finding]
) -> list[PlacedFrame]:
    kept = [frames[0]]
    for frame in frames[1:]:
        if float((frame.position - kept[-1].position) @ normal) > _SAME_MM:
            kept.append(frame)
    if len(kept) < len(frames):
        surplus = len(frames) - len(kept)
        findings.append(
            Finding(
                "several_per_position",
                f"{surplus} images repeat a position (time frames, gates or duplicates); the"
                " earliest of each position is shown.",
                f"有 {surplus} 幅图像位置重复（时间帧、门控或重复图像），每个位置只取最早的一幅。",
                {"left_out": surplus, "positions": len(kept)},
            )
        )
    return kept


def _filled_places(
    frames: list[PlacedFrame], normal: Floats, findings: list[Finding]
) -> list[int | None]:
    """For each slice of the volume the index of its frame, None where slices are missing."""
    if len(frames) == 1:
        return [0]
    gaps = np.diff([float(frame.position @ normal) for frame in frames])
    # The lower median: of two gaps, one may be twice the other because a slice is missing.
    pitch = median_low(gaps.tolist())
    places: list[int | None] = [0]
    missing = []
    for index, gap in enumerate(gaps, start=1):
        steps = round(float(gap) / pitch)
        if steps >= 2 and abs(gap - steps * pitch) <= 0.1 * pitch:
            missing.append({"after": index - 1, "slices": steps - 1})
            places += [None] * (steps - 1)
        places.append(index)
    lost = len(places) - len(frames)
    if lost > len(frames):
        raise ImageRefused("slices_scattered", f"{lost} slices missing between {len(frames)}")
    if lost:
        findings.append(
            Finding(
                "missing_slices",
                f"{lost} slices are missing inside the stack; they are shown empty.",
                f"断层中缺少 {lost} 层，缺失层显示为空白，请检查图像是否传输完整。",
                {"missing": lost, "gaps": missing},
            )
        )
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


def _assembled(
    frames: list[PlacedFrame],
    places: Sequence[int | None],
    affine: Floats,
    findings: list[Finding],
    described: _Series,
) -> Volume:
    exact = all(_fits_int16(frame) for frame in frames)
    kind = np.int16 if exact else np.float32
    array = np.empty((len(places), *frames[0].stored.shape), dtype=kind)
    for k, index in enumerate(places):
        if index is not None:
            array[k] = _rescaled(frames[index]).astype(kind)
    if None in places:
        filler = array[[k for k, index in enumerate(places) if index is not None]].min()
        array[[k for k, index in enumerate(places) if index is None]] = filler
    normal = np.cross(frames[0].row, frames[0].column)
    slices, headers = [], []
    nearest = 0
    for k, index in enumerate(places):
        nearest = nearest if index is None else index
        frame = frames[nearest]
        offset = float((frame.position - frames[0].position) @ normal)
        headers.append(frame.header)
        slices.append(
            SliceSource("", 0, float(k * (affine[:3, 2] @ normal)))
            if index is None
            else SliceSource(
                frame.sop_instance_uid, frame.frame, offset, frame.slope, frame.intercept
            )
        )
    return Volume(
        array=array,
        ijk_to_lps=affine,
        units=described.units,
        modality=described.modality,
        frame_of_reference_uid=described.frame_of_reference_uid,
        series_instance_uid=described.series_instance_uid,
        study_instance_uid=described.study_instance_uid,
        description=described.description,
        findings=tuple(findings),
        slices=tuple(slices),
        headers=tuple(headers),
    )


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

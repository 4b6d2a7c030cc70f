"""DICOM Segmentation (PS3.3 A.51, C.8.20) and Label Map Segmentation (Supplement 243)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.frames import PlacedFrame, placed_frames
from hevesy.imaging.dicomio.guards import Limits, checked_format
from hevesy.imaging.dicomio.headers import find
from hevesy.imaging.dicomio.masks.mask import (
    Bools,
    Floats,
    Mask,
    beyond,
    check_frame_of_reference,
    onto_grid,
    slice_normal,
    slice_origins,
)
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused

# Positions are rounded decimal strings: this part of a voxel off is still the same voxel.
_SAME_VOXEL: Final = 0.02


def masks(
    dataset: Dataset, volume: Volume, *, threshold: float, limits: Limits
) -> tuple[Mask, ...]:
    """One mask per segment of a Segmentation object. Raises `ImageRefused`, `Refused`."""
    if not 0 < threshold <= 1:
        raise Refused(
            "bad_threshold",
            "The threshold of a fractional segmentation must lie above 0 and at most at 1.",
            "分数型分割的阈值须大于 0 且不超过 1。",
            str(threshold),
        )
    stated = checked_format(dataset, limits=limits)
    # Stored as bits, decoded as bytes.
    if stated.rows * stated.columns * stated.frames > limits.decoded_bytes:
        raise ImageRefused("too_many_pixels", f"{stated.frames} frames of bits")
    common = check_frame_of_reference(str(dataset.get("FrameOfReferenceUID") or ""), volume)
    planes = placed_frames(dataset, limits=limits)
    kind = str(dataset.get("SegmentationType") or "")
    if kind == "FRACTIONAL":
        common += (_fraction_finding(dataset, threshold),)
    wanted = threshold * float(dataset.get("MaximumFractionalValue") or 1)
    numbers = [int(find(dataset, "ReferencedSegmentNumber", n) or 0) for n in range(len(planes))]
    answer = []
    for segment in dataset.SegmentSequence:
        number = int(segment.SegmentNumber)
        if kind == "LABELMAP":
            if number == int(dataset.get("PixelPaddingValue") or 0):
                continue
            own = [(plane, plane.stored == number) for plane in planes]
        elif kind in ("BINARY", "FRACTIONAL"):
            own = [
                (plane, plane.stored >= wanted if kind == "FRACTIONAL" else plane.stored != 0)
                for plane, n in zip(planes, numbers, strict=True)
                if n == number
            ]
        else:
            raise ImageRefused("bad_pixel_attributes", f"Segmentation Type {kind[:16]}")
        array, findings = _placed(own, volume)
        name = str(segment.get("SegmentLabel") or "")
        answer.append(Mask(number, name, array, (*common, *findings)))
    return tuple(answer)


def _fraction_finding(dataset: Dataset, threshold: float) -> Finding:
    meaning = str(dataset.get("SegmentationFractionalType") or "").lower() or "fraction"
    return Finding(
        "fractional_threshold",
        f"The segmentation states a {meaning} per voxel; voxels from {threshold:.0%} upwards are"
        " inside.",
        f"该分割为分数型（{meaning}），取值不低于 {threshold:.0%} 的体素计入。",
        {"threshold": threshold, "type": meaning},
    )


def _placed(
    own: Sequence[tuple[PlacedFrame, Bools]], volume: Volume
) -> tuple[Bools, list[Finding]]:
    places = _places_in(volume, [plane for plane, _ in own])
    if places is None:
        used = [(plane, inside) for plane, inside in own if inside.any()]
        return onto_grid(volume, *_stacked(used, volume)) if used else onto_nothing(volume)
    array, _ = onto_nothing(volume)
    outside = 0
    slices, rows, columns = array.shape
    for (_, inside), (k, j, i) in zip(own, places, strict=True):
        height, width = inside.shape
        j0, j1, i0, i1 = max(0, j), min(rows, j + height), max(0, i), min(columns, i + width)
        kept = inside[max(0, j0 - j) : max(0, j1 - j), max(0, i0 - i) : max(0, i1 - i)]
        if not 0 <= k < slices:
            kept = kept[:0]
        elif kept.any():
            array[k, j0:j1, i0:i1] |= kept
        outside += int(np.count_nonzero(inside)) - int(np.count_nonzero(kept))
    return array, beyond(outside)


def onto_nothing(volume: Volume) -> tuple[Bools, list[Finding]]:
    """An empty mask."""
    return np.zeros(volume.array.shape, dtype=np.bool_), []


def _places_in(volume: Volume, planes: Sequence[PlacedFrame]) -> list[tuple[int, int, int]] | None:
    """Slice, row and column at which each plane begins in the volume; None for another grid."""
    origins, normal = slice_origins(volume), slice_normal(volume)
    along = origins @ normal
    i_mm, j_mm, k_mm = volume.spacing_mm
    step_i, step_j = volume.ijk_to_lps[:3, 0], volume.ijk_to_lps[:3, 1]
    places = []
    for plane in planes:
        height, width = plane.stored.shape
        drift_i = np.linalg.norm(plane.row * plane.spacing_mm[0] - step_i) * width / i_mm
        drift_j = np.linalg.norm(plane.column * plane.spacing_mm[1] - step_j) * height / j_mm
        if max(drift_i, drift_j) > _SAME_VOXEL:
            return None
        offset = float(plane.position @ normal)
        k = int(np.argmin(np.abs(along - offset)))
        away = offset - float(along[k])
        if abs(away) > 0.5 * k_mm:
            # Beyond the first or last slice, where the grid would go on.
            steps = round(away / k_mm)
            k, away = k + steps, away - steps * k_mm
        nearest = min(max(k, 0), len(origins) - 1)
        inplane = plane.position - origins[nearest]
        inplane -= (k - nearest) * volume.ijk_to_lps[:3, 2] + away * normal
        i, j = float(inplane @ step_i) / i_mm**2, float(inplane @ step_j) / j_mm**2
        if max(abs(i - round(i)), abs(j - round(j)), abs(away) / k_mm) > _SAME_VOXEL:
            return None
        places.append((k, round(j), round(i)))
    return places


def _stacked(own: Sequence[tuple[PlacedFrame, Bools]], volume: Volume) -> tuple[Bools, Floats]:
    """Planes of one segment as one array with the geometry that they state themselves."""
    first = own[0][0]
    normal = np.cross(first.row, first.column)
    offsets = np.array([float(plane.position @ normal) for plane, _ in own])
    start = int(np.argmin(offsets))
    origin = own[start][0].position
    gaps = np.diff(np.unique(np.round(offsets, 2)))
    pitch = abs(first.step_mm or 0.0) or float(gaps.min() if len(gaps) else volume.spacing_mm[2])
    steps = np.rint((offsets - offsets[start]) / pitch).astype(int)
    array = np.zeros((int(steps.max()) + 1, *first.stored.shape), dtype=np.bool_)
    for (plane, inside), k in zip(own, steps, strict=True):
        off = plane.position - origin - k * pitch * normal
        if (
            plane.stored.shape != first.stored.shape
            or abs(plane.row @ first.row) < 0.9999
            or abs(plane.column @ first.column) < 0.9999
            or float(np.linalg.norm(off)) > 0.25 * pitch
        ):
            raise ImageRefused("bad_geometry", "the planes of a segment are no even stack")
        array[k] |= inside
    affine = np.eye(4)
    affine[:3, 0] = first.row * first.spacing_mm[0]
    affine[:3, 1] = first.column * first.spacing_mm[1]
    affine[:3, 2] = normal * pitch
    affine[:3, 3] = origin
    return array, affine

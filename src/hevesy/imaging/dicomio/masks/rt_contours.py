"""RT Structure Set (PS3.3 A.19, C.8.8.5 and C.8.8.6): closed planar contours to masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.masks.mask import (
    Bools,
    Floats,
    Mask,
    check_frame_of_reference,
    slice_normal,
    slice_origins,
)
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused

_CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# Contours within this part of the slice distance lie on the slice.
_ON_SLICE: Final = 0.1
_SAME_PLANE_MM: Final = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class _Contour:
    """Corners as (columns, rows) indices of the volume, and millimetres along its normal."""

    corners_ij: Floats
    along_mm: float


def masks(dataset: Dataset, volume: Volume) -> tuple[Mask, ...]:
    """One mask per ROI that has closed planar contours. Raises `ImageRefused`, `Refused`.

    A voxel is inside if a ray from its centre crosses the contours of its plane an odd number of
    times: contours within contours are holes, and keyhole contours work. A ROI of another frame
    of reference is left out; `Refused` if that leaves none.
    """
    drawn = {
        int(item.ReferencedROINumber): item for item in dataset.get("ROIContourSequence") or ()
    }
    answer = []
    refused: Refused | None = None
    for roi in dataset.get("StructureSetROISequence") or ():
        number = int(roi.ROINumber)
        sequence = drawn[number].get("ContourSequence") or () if number in drawn else ()
        closed = [one for one in sequence if str(one.get("ContourGeometricType")) in _CLOSED]
        if not closed:
            continue
        stated = str(roi.get("ReferencedFrameOfReferenceUID") or "")
        try:
            findings = list(check_frame_of_reference(stated, volume))
        except Refused as other:
            refused = other
            continue
        others = len(sequence) - len(closed)
        if others:
            findings.append(_finding_left_out(others))
        array = _filled(_contours(closed, volume, findings), volume, findings)
        answer.append(Mask(number, str(roi.get("ROIName") or ""), array, tuple(findings)))
    if refused is not None and not answer:
        raise refused
    return tuple(answer)


def _finding_left_out(others: int) -> Finding:
    return Finding(
        "open_contours",
        f"{others} contours of the ROI are points or open lines and are left out.",
        f"该感兴趣区有 {others} 条轮廓为点或开放曲线，未计入。",
        {"left_out": others},
    )


def _contours(closed: list[Dataset], volume: Volume, findings: list[Finding]) -> list[_Contour]:
    normal = slice_normal(volume)
    origin = volume.ijk_to_lps[:3, 3]
    limit_mm = 0.25 * volume.spacing_mm[2]
    kept: list[_Contour] = []
    seen: set[bytes] = set()
    oblique = repeated = 0
    for item in closed:
        points = np.array([float(x) for x in item.get("ContourData") or ()], dtype=np.float64)
        if points.size % 3 or not np.all(np.isfinite(points)):
            raise ImageRefused("bad_geometry", "contour coordinates")
        points = points.reshape(-1, 3)
        if len(points) < 3:
            continue
        along = (points - origin) @ normal
        if float(np.ptp(along)) > limit_mm:
            oblique += 1
        elif points.tobytes() in seen:
            repeated += 1
        else:
            seen.add(points.tobytes())
            kept.append(_Contour(volume.index(points)[:, :2], float(along.mean())))
    if oblique:
        findings.append(
            Finding(
                "contours_not_parallel",
                f"{oblique} contours are not parallel to the slices of these images and are left"
                " out; read them on the images they were drawn on.",
                f"有 {oblique} 条轮廓与图像断层不平行，未计入；请在勾画时所用的图像上读取。",
                {"left_out": oblique},
            )
        )
    if repeated:
        findings.append(
            Finding(
                "repeated_contours",
                f"{repeated} contours stand twice in the file and count once.",
                f"有 {repeated} 条轮廓在文件中重复，只计一次。",
                {"repeated": repeated},
            )
        )
    return kept


def _filled(contours: list[_Contour], volume: Volume, findings: list[Finding]) -> Bools:
    array = np.zeros(volume.array.shape, dtype=np.bool_)
    if not contours:
        return array
    planes = _by_plane(contours)
    heights = np.array([plane[0].along_mm for plane in planes])
    slices_mm = (slice_origins(volume) - volume.ijk_to_lps[:3, 3]) @ slice_normal(volume)
    chosen = _plane_of_each_slice(heights, slices_mm, volume.spacing_mm[2], findings)
    columns, rows, _ = volume.shape_ijk
    overlapping = 0
    for k in np.flatnonzero(chosen >= 0):
        corners = [one.corners_ij for one in planes[chosen[k]]]
        count = inside_counts(corners, (rows, columns))
        overlapping += bool(len(corners) > 1 and (count > 1).any())
        array[k] = count % 2 == 1
    if overlapping:
        findings.append(
            Finding(
                "contours_overlap",
                f"On {overlapping} slices contours lie within one another; what two of them"
                " enclose is read as a hole.",
                f"有 {overlapping} 层轮廓相互嵌套或重叠，重叠部分按空洞处理。",
                {"slices": overlapping},
            )
        )
    return array


def _by_plane(contours: list[_Contour]) -> list[list[_Contour]]:
    planes: list[list[_Contour]] = []
    for one in sorted(contours, key=lambda contour: contour.along_mm):
        if planes and one.along_mm - planes[-1][0].along_mm <= _SAME_PLANE_MM:
            planes[-1].append(one)
        else:
            planes.append([one])
    return planes


def _plane_of_each_slice(
    planes_mm: Floats, slices_mm: Floats, pitch_mm: float, findings: list[Finding]
) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Number of the contour plane that each slice takes, -1 for none.

    Contours drawn on these slices stay on them. Others reach half their own distance to both
    sides, as their slices did: each slice takes the nearest plane within that reach.
    """
    nearest_slice = np.argmin(np.abs(planes_mm[:, None] - slices_mm[None, :]), axis=1)
    away = np.abs(planes_mm - slices_mm[nearest_slice])
    chosen = np.full(len(slices_mm), -1, dtype=np.intp)
    off = int(np.count_nonzero(away > _ON_SLICE * pitch_mm))
    if not off:
        chosen[nearest_slice] = np.arange(len(planes_mm))
        return chosen
    gaps = np.diff(planes_mm)
    reach_mm = 0.5 * float(np.median(gaps) if len(gaps) else pitch_mm)
    distance = np.abs(slices_mm[:, None] - planes_mm[None, :])
    nearest_plane = np.argmin(distance, axis=1)
    near = distance[np.arange(len(slices_mm)), nearest_plane] <= reach_mm + 1e-6
    chosen[near] = nearest_plane[near]
    beyond = int(
        np.count_nonzero(planes_mm < slices_mm.min() - pitch_mm / 2)
        + np.count_nonzero(planes_mm > slices_mm.max() + pitch_mm / 2)
    )
    findings.append(
        Finding(
            "contours_off_slices",
            f"{off} of {len(planes_mm)} contour planes lie up to {away.max():.2f} mm beside the"
            f" slices of these images ({beyond} outside them); each slice takes the nearest plane"
            f" within {reach_mm:.2f} mm.",
            f"{len(planes_mm)} 个轮廓平面中有 {off} 个偏离图像断层，最大 {away.max():.2f} mm"
            f"（其中 {beyond} 个在图像范围外）；每层取 {reach_mm:.2f} mm 内最近的轮廓平面。",
            {"off": off, "outside": beyond, "worst_mm": float(away.max()), "reach_mm": reach_mm},
        )
    )
    return chosen


def inside_counts(
    polygons: list[Floats], shape: tuple[int, int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """How many of the polygons enclose each voxel centre, (rows, columns), by the even-odd rule.

    polygons: corners (n, 2) in (column, row) indices. A centre exactly on an edge belongs to the
    polygon to its right or below, so that polygons that share an edge share no voxel.
    """
    total = np.zeros(shape, dtype=np.uint16)
    for corners in polygons:
        total += _even_odd(corners, shape)
    return total


def _even_odd(corners: Floats, shape: tuple[int, int]) -> Bools:
    rows, columns = shape
    x0, y0 = corners.T
    x1, y1 = np.roll(corners, -1, axis=0).T
    first = np.clip(np.ceil(np.minimum(y0, y1)), 0, rows).astype(np.intp)
    last = np.clip(np.ceil(np.maximum(y0, y1)), 0, rows).astype(np.intp)
    crossed = last - first
    edge = np.repeat(np.arange(len(corners)), crossed)
    begin = np.repeat(np.cumsum(crossed) - crossed, crossed)
    row = first[edge] + np.arange(len(edge)) - begin
    x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    column = np.clip(np.ceil(x), 0, columns).astype(np.intp)
    crossings = np.zeros((rows, columns + 1), dtype=np.uint32)
    np.add.at(crossings, (row, column), 1)
    return np.asarray(np.cumsum(crossings, axis=1)[:, :columns] % 2 == 1)

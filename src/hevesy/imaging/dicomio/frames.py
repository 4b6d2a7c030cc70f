"""Slices of a data set with their place in the patient: classic, NM RECON TOMO and enhanced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS, Limits
from hevesy.imaging.dicomio.headers import find, quantification_header, real_world_value
from hevesy.imaging.dicomio.pixels import decode_pixels
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.dicomio.timing import FrameTiming, frame_timing

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedFrame:
    """One decoded plane: stored values (rows, columns) and what places and scales them.

    position: LPS mm of the first voxel's centre. row, column: unit vectors along increasing
    column and row index. spacing_mm: between columns, between rows. step_mm: signed distance to
    the next slice along the normal if the header states one. order: sorts equal positions.
    """

    stored: npt.NDArray[Any]
    position: Floats
    row: Floats
    column: Floats
    spacing_mm: tuple[float, float]
    step_mm: float | None
    slope: float
    intercept: float
    sop_instance_uid: str
    frame: int
    order: tuple[str, int]
    header: Mapping[str, Any]
    timing: FrameTiming
    orientation_assumed: bool = False


def placed_frames(dataset: Dataset, *, limits: Limits = DEFAULT_LIMITS) -> list[PlacedFrame]:
    """All frames of a data set with their geometry. Raises `ImageRefused`."""
    if int(dataset.get("SamplesPerPixel") or 1) != 1:
        raise ImageRefused("colour")
    places = list(_places(dataset))
    stored = decode_pixels(dataset, limits=limits)
    if len(places) != len(stored):
        raise ImageRefused("bad_geometry", f"{len(places)} places for {len(stored)} frames")
    if stored.dtype.kind == "f" and not np.all(np.isfinite(stored)):
        raise ImageRefused("not_finite")
    # Frames of enhanced PET have times of their own; a CT of thousands need not be asked one by one.
    own = "PerFrameFunctionalGroupsSequence" in dataset and dataset.get("Modality") in ("PT", "NM")
    header = quantification_header(dataset)
    timing = frame_timing(dataset)
    moment = str(find(dataset, "AcquisitionTime") or find(dataset, "AcquisitionDateTime") or "")
    uid = str(dataset.get("SOPInstanceUID", ""))
    number = _integer(dataset.get("InstanceNumber"))
    frames = []
    for index, place in enumerate(places):
        slope, intercept = _rescale(dataset, index)
        frames.append(
            PlacedFrame(
                stored=stored[index],
                slope=slope,
                intercept=intercept,
                sop_instance_uid=uid,
                frame=index,
                order=(moment, number + index),
                header=quantification_header(dataset, index) if own else header,
                timing=timing(index),
                **place,
            )
        )
    return frames


def _places(dataset: Dataset) -> Iterator[dict[str, Any]]:
    count = _integer(dataset.get("NumberOfFrames")) or 1
    if dataset.get("PerFrameFunctionalGroupsSequence"):
        for index in range(count):
            yield _place(
                position=find(dataset, "ImagePositionPatient", index),
                orientation=find(dataset, "ImageOrientationPatient", index),
                pixel_spacing=find(dataset, "PixelSpacing", index),
                step_mm=_float(
                    find(dataset, "SpacingBetweenSlices", index)
                    or find(dataset, "SliceThickness", index)
                ),
            )
    elif _is_nuclear_medicine(dataset):
        yield from _nuclear_medicine_places(dataset, count)
    elif count == 1:
        yield _place(
            position=dataset.get("ImagePositionPatient"),
            orientation=dataset.get("ImageOrientationPatient"),
            pixel_spacing=dataset.get("PixelSpacing"),
            step_mm=_float(dataset.get("SpacingBetweenSlices") or dataset.get("SliceThickness")),
        )
    else:
        raise ImageRefused("not_a_volume", f"{count} frames without geometry")


def _is_nuclear_medicine(dataset: Dataset) -> bool:
    return str(dataset.get("SOPClassUID")) in (
        "1.2.840.10008.5.1.4.1.1.20",
        "1.2.840.10008.5.1.4.1.1.5",
    )


def _nuclear_medicine_places(dataset: Dataset, count: int) -> Iterator[dict[str, Any]]:
    """Frames of a reconstructed NM object (PS3.3 C.8.4.15): one plane per slice number.

    Image Position is that of the first slice; Spacing Between Slices is signed, negative where
    the slices run against the normal.
    """
    kind = [str(part) for part in dataset.get("ImageType") or ()]
    if len(kind) < 3 or kind[2] not in ("RECON TOMO", "RECON GATED TOMO"):
        raise ImageRefused("not_a_volume", "\\".join(kind))
    detector = next(iter(dataset.get("DetectorInformationSequence") or ()), dataset)
    orientation = detector.get("ImageOrientationPatient") or dataset.get("ImageOrientationPatient")
    position = detector.get("ImagePositionPatient") or dataset.get("ImagePositionPatient")
    assumed = not orientation
    orientation = orientation or [1, 0, 0, 0, 1, 0]
    spacing = dataset.get("PixelSpacing")
    step_mm = _float(dataset.get("SpacingBetweenSlices") or dataset.get("SliceThickness"))
    if step_mm is None:
        raise ImageRefused("bad_geometry", "no spacing between slices")
    if not position:
        # Only fusion needs the true place; the slices among themselves are right without it.
        position, assumed = [0, 0, 0], True
    slice_numbers = dataset.get("SliceVector")
    numbers = list(slice_numbers) if slice_numbers else list(range(1, count + 1))
    if len(numbers) != count:
        raise ImageRefused("bad_geometry", "Slice Vector does not fit Number of Frames")
    first = _place(position, orientation, spacing, step_mm, assumed=assumed)
    normal = np.cross(first["row"], first["column"])
    for number in numbers:
        yield first | {"position": first["position"] + (int(number) - 1) * step_mm * normal}


def _place(
    position: Any,
    orientation: Any,
    pixel_spacing: Any,
    step_mm: float | None,
    *,
    assumed: bool = False,
) -> dict[str, Any]:
    try:
        origin = np.array([float(x) for x in position], dtype=np.float64)
        cosines = np.array([float(x) for x in orientation], dtype=np.float64)
        between_rows, between_columns = (float(x) for x in pixel_spacing)
    except (TypeError, ValueError):
        raise ImageRefused("bad_geometry", "missing") from None
    if origin.shape != (3,) or cosines.shape != (6,):
        raise ImageRefused("bad_geometry", "number of values")
    row, column = cosines[:3], cosines[3:]
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    numbers = np.array([*origin, *cosines, between_rows, between_columns])
    if not np.all(np.isfinite(numbers)) or min(between_rows, between_columns) <= 0:
        raise ImageRefused("bad_geometry", "not finite, or no pixel spacing")
    if max(abs(length - 1) for length in lengths) > 0.01 or abs(row @ column) > 0.01:
        raise ImageRefused("bad_geometry", "orientation is no pair of perpendicular unit vectors")
    return {
        "position": origin,
        "row": row / lengths[0],
        "column": column / lengths[1],
        "spacing_mm": (between_columns, between_rows),
        "step_mm": step_mm or None,
        "orientation_assumed": assumed,
    }


def _rescale(dataset: Dataset, frame: int) -> tuple[float, float]:
    meant = real_world_value(dataset, frame)
    if meant is None:
        stated = find(dataset, "RescaleSlope", frame), find(dataset, "RescaleIntercept", frame)
    else:
        stated = meant.slope, meant.intercept
    slope, intercept = (_float(value) for value in stated)
    if slope == 0:
        raise ImageRefused("bad_pixel_attributes", "Rescale Slope is zero")
    if any(value is not None and _float(value) is None for value in stated):
        raise ImageRefused("bad_pixel_attributes", "Rescale Slope or Intercept is no number")
    return (1.0 if slope is None else slope), (intercept or 0.0)


def _float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _integer(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0

"""Masks as an RT Structure Set of closed planar contours, for radiotherapy.

PS3.3 A.19. Contours run halfway between voxel centres inside and outside (marching squares at one
half), so that every centre keeps its side; holes are joined to their outer contour by a keyhole
(C.8.8.6.3). Reading what was written gives back the same masks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from hevesy.imaging.dicomio.identity import SeriesIdentity
from hevesy.imaging.dicomio.masks.mask import Bools, slice_origins
from hevesy.imaging.dicomio.masks.rt_contours import inside_counts
from hevesy.imaging.dicomio.objects.segmentation import Segment, checked_labels
from hevesy.imaging.dicomio.objects.sources import (
    Images,
    Maker,
    ds,
    finished,
    headers,
    numbered,
    per_slice,
)
from hevesy.imaging.geometry import Volume

Floats = npt.NDArray[np.float64]


def structure_set(
    volume: Volume,
    sources: Iterable[str | Path | Dataset],
    segments: Sequence[Segment],
    series: SeriesIdentity,
    *,
    made_at: datetime,
    maker: Maker | None = None,
    label: str = "HEVESY",
    instance_number: int = 1,
) -> Dataset:
    """A Structure Set with one ROI per segment, numbered from 1; overlaps are kept.

    made_at: with time zone. label: Structure Set Label, at most 16 characters. Contours lie on the
    true slice positions. Raises `Refused` as `segmentation`.
    """
    maker = maker or Maker()
    checked_labels(volume, segments)
    images = headers(sources)
    planes = per_slice(volume, images)
    written = _frame(images, series, maker, made_at, label, instance_number)
    written.ReferencedFrameOfReferenceSequence = [_referenced(planes)]
    written.StructureSetROISequence = []
    written.ROIContourSequence = []
    written.RTROIObservationsSequence = []
    frame_uid = next(str(one.FrameOfReferenceUID) for one in planes if one is not None)
    written.FrameOfReferenceUID, written.PositionReferenceIndicator = frame_uid, ""
    for number, one in enumerate(segments, start=1):
        roi, drawn, observed = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ReferencedFrameOfReferenceUID = number, frame_uid
        roi.ROIName = one.label
        roi.ROIGenerationAlgorithm = "MANUAL"
        if one.algorithm is not None:
            roi.ROIGenerationAlgorithm = (
                "SEMIAUTOMATIC" if one.algorithm.by_hand_too else "AUTOMATIC"
            )
        drawn.ReferencedROINumber = number
        drawn.ROIDisplayColor = list(one.rgb or (255, 0, 0))
        drawn.ContourSequence = list(_contours(volume, one.mask, planes))
        observed.ObservationNumber = observed.ReferencedROINumber = number
        observed.RTROIInterpretedType, observed.ROIInterpreter = "", maker.person
        written.StructureSetROISequence.append(roi)
        written.ROIContourSequence.append(drawn)
        written.RTROIObservationsSequence.append(observed)
    return finished(written, images, maker)


def _frame(
    images: Images,
    series: SeriesIdentity,
    maker: Maker,
    made_at: datetime,
    label: str,
    instance_number: int,
) -> Dataset:
    first = images.found[0]
    names = numbered(series, instance_number)
    written = Dataset()
    written.file_meta = FileMetaDataset()
    written.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written.file_meta.MediaStorageSOPClassUID = written.SOPClassUID = RTStructureSetStorage
    written.file_meta.MediaStorageSOPInstanceUID = names["sop_instance_uid"]
    written.SpecificCharacterSet = names["specific_character_set"]
    written.SOPInstanceUID = names["sop_instance_uid"]
    written.SeriesInstanceUID = names["series_instance_uid"]
    written.SeriesNumber, written.InstanceNumber = series.number, instance_number
    written.SeriesDescription = series.description
    written.Modality = "RTSTRUCT"
    for keyword in (
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyInstanceUID",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "StudyDescription",
        "AccessionNumber",
        "ReferringPhysicianName",
    ):
        if keyword in first:
            setattr(written, keyword, first[keyword].value)
    for keyword, value in (
        ("Manufacturer", maker.manufacturer),
        ("ManufacturerModelName", maker.model),
        ("SoftwareVersions", maker.software_versions),
        ("DeviceSerialNumber", maker.device_serial_number),
        ("OperatorsName", maker.person),
    ):
        setattr(written, keyword, value)
    written.TimezoneOffsetFromUTC = made_at.strftime("%z")
    written.StructureSetLabel = label
    written.StructureSetDate = made_at.strftime("%Y%m%d")
    written.StructureSetTime = made_at.strftime("%H%M%S")
    written.ApprovalStatus = "UNAPPROVED"
    return written


def _image(one: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
    return item


def _referenced(planes: Sequence[Dataset | None]) -> Dataset:
    used = {str(one.SOPInstanceUID): one for one in planes if one is not None}
    first = next(iter(used.values()))
    series, study, frame = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_image(one) for one in used.values()]
    # The retired Detached Study Management class: what the attribute still demands.
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    return frame


def _contours(volume: Volume, mask: Bools, planes: Sequence[Dataset | None]) -> Iterable[Dataset]:
    origins = slice_origins(volume)
    step_i, step_j = volume.ijk_to_lps[:3, 0], volume.ijk_to_lps[:3, 1]
    number = 0
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        for corners in outlines(mask[k]):
            number += 1
            item = Dataset()
            item.ContourNumber = number
            image = planes[int(k)]
            if image is not None:
                item.ContourImageSequence = [_image(image)]
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(corners)
            points = origins[k] + corners[:, :1] * step_i + corners[:, 1:] * step_j
            item.ContourData = [ds(x) for x in points.reshape(-1)]
            yield item


def outlines(plane: Bools) -> list[Floats]:
    """Closed contours of a plane as (column, row) corners, holes joined by a keyhole."""
    from skimage.measure import find_contours

    padded = np.pad(plane, 1).astype(np.float64)
    loops = [loop[:-1, ::-1] - 1.0 for loop in find_contours(padded, 0.5, fully_connected="low")]
    areas = [_area(loop) for loop in loops]
    # Marching squares runs round what is inside one way and round holes the other way.
    sign = np.sign(areas[int(np.argmax(np.abs(areas)))])
    outer = [loop for loop, area in zip(loops, areas, strict=True) if area * sign > 0]
    holes = [loop for loop, area in zip(loops, areas, strict=True) if area * sign < 0]
    for hole in holes:
        around = [n for n, loop in enumerate(outer) if _encloses(loop, hole[0])]
        n = min(around, key=lambda one: abs(_area(outer[one])))
        outer[n] = _with_keyhole(outer[n], hole)
    return outer


def _area(loop: Floats) -> float:
    x, y = loop.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def _encloses(loop: Floats, point: Floats) -> bool:
    """Whether a point is inside: seen as the one centre of a grid of one voxel."""
    return bool(inside_counts([loop - point], (1, 1))[0, 0] % 2)


def _with_keyhole(outer: Floats, hole: Floats) -> Floats:
    """One contour that goes from the outer one to the hole, round it, and back the same way."""
    apart = np.linalg.norm(outer[:, None, :] - hole[None, :, :], axis=2)
    a, b = np.unravel_index(int(np.argmin(apart)), apart.shape)
    round_hole = np.concatenate([hole[b:], hole[: b + 1]])
    return np.concatenate([outer[: a + 1], round_hole, outer[a:]])

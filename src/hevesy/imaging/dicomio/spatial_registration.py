"""Spatial Registration objects (PS3.3 A.39.1, C.20.2): a matrix between two Frames of Reference.

The object establishes the frame of the fixed images as its Registered RCS. Its matrix takes points
of the source, the moving images, to it (equation C.20.2-1): `moving_to_fixed`, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, SpatialRegistrationStorage, generate_uid
from pydicom.valuerep import format_number_as_ds

from hevesy.imaging.dicomio.guards import read_dataset
from hevesy.imaging.dicomio.refusal import refusing_what_pydicom_cannot_parse
from hevesy.imaging.refusal import Refused
from hevesy.imaging.register.result import VERSION

Matrix = npt.NDArray[np.float64]

# Context group 7100, RCS Registration Method Type.
_REGISTRATION_TYPES: Final = {
    "rigid": ("125024", "Image Content-based Alignment"),
    "affine": ("125024", "Image Content-based Alignment"),
    "landmarks": ("125022", "Fiducial Alignment"),
    "visual": ("125025", "Visual Alignment"),
    "hardware aligned": ("125021", "Frame of Reference Identity"),
}
_PATIENT: Final = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
)  # fmt: skip
_STUDY: Final = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID",
    "AccessionNumber", "StudyDescription",
)  # fmt: skip
_TOLERANCE: Final = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class StoredRegistration:
    """What a Spatial Registration object says.

    moving_to_fixed: 4x4 in LPS mm. kind: "RIGID", "RIGID_SCALE" or "AFFINE". comment: text of the
    writer. The UIDs are Frames of Reference; images without one are named by their series.
    """

    moving_to_fixed: Matrix
    kind: str
    fixed_frame_of_reference_uid: str
    moving_frame_of_reference_uid: str
    moving_sop_instance_uids: tuple[str, ...]
    comment: str


def spatial_registration_dataset(
    moving_to_fixed: npt.ArrayLike,
    fixed: Sequence[Dataset],
    moving: Sequence[Dataset],
    *,
    method: str,
    made_at: datetime,
    label: str = "REGISTRATION",
    description: str = "",
    comment: str = "",
    series_number: int = 990,
) -> Dataset:
    """A Spatial Registration object in the study of the fixed images.

    moving_to_fixed: 4x4 in LPS mm. fixed, moving: headers of all images of both series, each with
    a Frame of Reference UID. method: "rigid", "affine", "landmarks", "visual" (by hand) or
    "hardware aligned". made_at: with time zone. A deformation cannot be stored in this object and
    is refused, as is a matrix that is not affine (`Refused`).
    """
    matrix = _checked(moving_to_fixed)
    if method not in _REGISTRATION_TYPES:
        raise Refused(
            "not_a_matrix_registration",
            "A deformation is for display and is not stored; store the rigid registration.",
            "形变配准仅供显示，不予存储；请存储刚性配准结果。",
            method,
        )
    frames = [str(images[0].get("FrameOfReferenceUID") or "") for images in (fixed, moving)]
    if not all(frames):
        raise Refused(
            "no_frame_of_reference",
            "A series states no Frame of Reference; a registration to it cannot be stored.",
            "序列未给出参考坐标系 UID，无法存储与其相关的配准结果。",
        )
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (*_PATIENT, *_STUDY):
        # Type 2 attributes stay present and empty where the images leave them out.
        if keyword in fixed[0] or keyword not in ("IssuerOfPatientID", "StudyDescription"):
            setattr(dataset, keyword, fixed[0].get(keyword, ""))
    dataset.SOPClassUID = SpatialRegistrationStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality = "REG"
    dataset.SeriesInstanceUID = generate_uid()
    dataset.SeriesNumber, dataset.InstanceNumber = series_number, 1
    # Type 2C: unknown, as a registration is of no side of the body.
    dataset.Laterality = ""
    dataset.SeriesDescription = description or "Registration"
    dataset.Manufacturer, dataset.ManufacturerModelName = "Hevesy", "hevesy.imaging"
    dataset.DeviceSerialNumber, dataset.SoftwareVersions = "0", VERSION
    dataset.ContentDate = dataset.SeriesDate = made_at.strftime("%Y%m%d")
    dataset.ContentTime = dataset.SeriesTime = made_at.strftime("%H%M%S")
    dataset.TimezoneOffsetFromUTC = made_at.strftime("%z")
    dataset.ContentLabel, dataset.ContentDescription = label, description
    dataset.ContentCreatorName = ""
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frames[0], ""
    dataset.RegistrationSequence = Items(
        [
            _item(fixed, np.eye(4), "hardware aligned", ""),
            _item(moving, matrix, method, comment),
        ]
    )
    dataset.ReferencedSeriesSequence = Items([_series(fixed)])
    if moving[0].StudyInstanceUID == fixed[0].StudyInstanceUID:
        dataset.ReferencedSeriesSequence.append(_series(moving))
    else:
        other = Dataset()
        other.StudyInstanceUID = moving[0].StudyInstanceUID
        other.ReferencedSeriesSequence = Items([_series(moving)])
        dataset.StudiesContainingOtherReferencedInstancesSequence = Items([other])
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SpatialRegistrationStorage
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def read_spatial_registration(source: str | Path | Dataset) -> tuple[StoredRegistration, ...]:
    """Every registration of an object to its Registered RCS but that of the frame to itself.

    Several matrices of one item are multiplied in their order (equation C.20.2-2). Raises
    `Refused` for other objects and for matrices that are not affine, `ImageRefused` for files that
    cannot be read.
    """
    with refusing_what_pydicom_cannot_parse():
        dataset = source if isinstance(source, Dataset) else read_dataset(source)
        is_registration = str(dataset.get("SOPClassUID")) == SpatialRegistrationStorage
        items = list(dataset.get("RegistrationSequence") or []) if is_registration else []
        fixed_uid = str(dataset.get("FrameOfReferenceUID") or "")
        raw = [_read_item(item) for item in items]
    if not raw:
        raise Refused(
            "not_a_registration",
            "The object is no Spatial Registration with a matrix.",
            "该对象不是含矩阵的空间配准对象。",
        )
    found = []
    for frame, instances, factors, kind, comment in raw:
        matrix = np.eye(4)
        for factor in factors:
            matrix = matrix @ _checked(factor)
        if frame == fixed_uid and np.allclose(matrix, np.eye(4), atol=1e-9):
            continue
        found.append(StoredRegistration(matrix, kind, fixed_uid, frame, instances, comment))
    return tuple(found)


def _read_item(item: Dataset) -> tuple[str, tuple[str, ...], list[Matrix], str, str]:
    way = item.MatrixRegistrationSequence[0]
    factors = [
        np.array([float(x) for x in one.FrameOfReferenceTransformationMatrix])
        for one in way.MatrixSequence
    ]
    kinds = {str(one.FrameOfReferenceTransformationMatrixType) for one in way.MatrixSequence}
    kind = next(k for k in ("AFFINE", "RIGID_SCALE", "RIGID") if k in kinds)
    images = item.get("ReferencedImageSequence") or []
    return (
        str(item.get("FrameOfReferenceUID") or ""),
        tuple(str(image.ReferencedSOPInstanceUID) for image in images),
        factors,
        kind,
        str(way.get("FrameOfReferenceTransformationComment") or ""),
    )


def _checked(values: npt.ArrayLike) -> Matrix:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.size == 16:
        matrix = matrix.reshape(4, 4)
        straight = np.allclose(matrix[3], (0, 0, 0, 1), atol=1e-9)
        if np.all(np.isfinite(matrix)) and straight and np.linalg.det(matrix[:3, :3]) > 1e-6:
            return matrix
    raise Refused(
        "not_affine",
        "The matrix is no affine 4x4 that keeps left and right.",
        "矩阵不是保持左右方向的 4×4 仿射矩阵。",
    )


def _item(images: Sequence[Dataset], matrix: Matrix, method: str, comment: str) -> Dataset:
    one = Dataset()
    one.FrameOfReferenceTransformationMatrixType = _kind(matrix)
    # Sixteen characters a number is what the representation DS holds: 1e-12 of a rotation.
    one.FrameOfReferenceTransformationMatrix = [_decimal(x) for x in matrix.ravel()]
    way = Dataset()
    if comment:
        way.FrameOfReferenceTransformationComment = comment
    code, meaning = _REGISTRATION_TYPES[method]
    kind = Dataset()
    kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning = code, "DCM", meaning
    way.RegistrationTypeCodeSequence = Items([kind])
    way.MatrixSequence = Items([one])
    item = Dataset()
    item.FrameOfReferenceUID = images[0].FrameOfReferenceUID
    item.ReferencedImageSequence = Items([_reference(image) for image in images])
    item.MatrixRegistrationSequence = Items([way])
    return item


def _kind(matrix: Matrix) -> str:
    linear = matrix[:3, :3]
    rigid = np.allclose(linear @ linear.T, np.eye(3), atol=_TOLERANCE)
    return "RIGID" if rigid else "AFFINE"


def _series(images: Sequence[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ReferencedInstanceSequence = Items([_reference(image) for image in images])
    return series


def _reference(image: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = image.SOPClassUID
    reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return reference


def _decimal(number: float) -> Any:
    return format_number_as_ds(float(number))

"""Frames as a DICOM object: Multi-frame True Color Secondary Capture (PS3.3 A.8.5).

It belongs to the study of its source and forms a series of its own. Its UIDs follow from the
source and the frames, so that the same movie made twice is the same object.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    generate_uid,
)
from pydicom.valuerep import format_number_as_ds

# Patient and study, as the source states them.
_KEPT: Final = (
    "SpecificCharacterSet",
    "TimezoneOffsetFromUTC",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "StudyDescription",
    "ReferringPhysicianName",
    "InstitutionName",
)
_MAY_BE_EMPTY: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def secondary_capture(
    frames: npt.NDArray[np.uint8],
    source: Dataset,
    *,
    fps: float,
    description: str,
    made_at: datetime,
    series_number: int = 900,
    patient_text_in_pixels: bool = False,
) -> Dataset:
    """A data set with file meta, ready to be saved, of frames (n, rows, columns, 3) uint8.

    source: an instance of the series that is shown; patient and study are taken from it and it is
    named as source image. patient_text_in_pixels: whether the caller has drawn who it is into the
    pictures (Burned In Annotation). Raises `ValueError` for frames of another shape or type.
    """
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not frames.size:
        raise ValueError("frames must be (n, rows, columns, 3) bytes")
    count, rows, columns, _ = frames.shape
    pixels = np.ascontiguousarray(frames).tobytes()
    seeds = [str(source.SeriesInstanceUID), hashlib.sha256(pixels).hexdigest(), f"{fps}"]
    made = Dataset()
    for keyword in _KEPT:
        if keyword in source:
            made[keyword] = source[keyword]
        elif keyword in _MAY_BE_EMPTY:
            setattr(made, keyword, "")
    made.SOPClassUID = MultiFrameTrueColorSecondaryCaptureImageStorage
    made.SOPInstanceUID = generate_uid(entropy_srcs=[*seeds, "instance"])
    made.SeriesInstanceUID = generate_uid(entropy_srcs=[*seeds, "series"])
    made.Modality = source.get("Modality", "OT")
    made.SeriesNumber, made.InstanceNumber = series_number, 1
    made.SeriesDescription = description[:64]
    made.ConversionType = "WSD"
    made.Manufacturer = "Hevesy"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.DerivationDescription = description[:1024]
    made.SourceImageSequence = Sequence([Dataset()])
    made.SourceImageSequence[0].ReferencedSOPClassUID = source.SOPClassUID
    made.SourceImageSequence[0].ReferencedSOPInstanceUID = source.SOPInstanceUID
    made.ContentDate, made.ContentTime = made_at.strftime("%Y%m%d"), made_at.strftime("%H%M%S.%f")
    made.PatientOrientation = made.Laterality = ""
    made.BurnedInAnnotation = "YES" if patient_text_in_pixels else "NO"
    made.LossyImageCompression = "00"
    made.NumberOfFrames = count
    made.FrameTime = str(format_number_as_ds(1000.0 / fps))
    made.RecommendedDisplayFrameRate = max(1, round(fps))
    made.CineRate = max(1, round(fps))
    # Frame Time says how fast the frames follow one another.
    made.FrameIncrementPointer = 0x00181063
    made.SamplesPerPixel = 3
    made.PhotometricInterpretation = "RGB"
    made.PlanarConfiguration = 0
    made.Rows, made.Columns = rows, columns
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    made.PixelRepresentation = 0
    made.PixelData = pixels + bytes(len(pixels) % 2)
    made["PixelData"].VR = "OB"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta = meta
    return made

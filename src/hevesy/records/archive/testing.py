"""Objects for tests: small, quick, valid, and made by pydicom, so that the archive is judged by another's bytes."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid


def a_data_set(**attributes: Any) -> Dataset:
    """A PET slice of 8×8 pixels; `attributes` by DICOM keyword override it, None removes one."""
    dataset = Dataset()
    dataset.SOPClassUID = PositronEmissionTomographyImageStorage
    dataset.SOPInstanceUID = generate_uid(prefix=None)
    dataset.StudyInstanceUID = "2.25.1"
    dataset.SeriesInstanceUID = "2.25.2"
    dataset.Modality = "PT"
    dataset.PatientID = "NM000001"
    dataset.PatientName = "Li^Si"
    dataset.PatientSex = "M"
    dataset.PatientBirthDate = "19700101"
    dataset.AccessionNumber = ""
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20261124"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = "101500"
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.Units = "BQML"
    dataset.Rows = dataset.Columns = 8
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.SamplesPerPixel = 1
    dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = struct.pack("<64H", *range(64))
    for keyword, value in attributes.items():
        if value is None:
            delattr(dataset, keyword)
        elif isinstance(value, list) and value and isinstance(value[0], Dataset):
            setattr(dataset, keyword, Sequence(value))
        else:
            setattr(dataset, keyword, value)
    return dataset


def a_file(
    dataset: Dataset | None = None,
    *,
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
    preamble: bytes = bytes(128),
    **attributes: Any,
) -> bytes:
    """A DICOM file of `a_data_set(**attributes)` as pydicom writes it."""
    dataset = a_data_set(**attributes) if dataset is None else dataset
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    dataset.preamble = preamble
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def data_set_bytes(file: bytes) -> bytes:
    """What follows the file meta information of a file that pydicom wrote."""
    return file[144 + struct.unpack_from("<L", file, 140)[0] :]

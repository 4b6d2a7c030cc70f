from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SERIES, STUDY, FRAME = (generate_uid(entropy_srcs=[name]) for name in ("series", "study", "frame"))


def a_slice(z_mm=0.0, value=0, *, rows=4, columns=6, **changes):
    """A small valid CT slice; attributes by keyword replace those of the slice, None removes."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.Modality = "CT"
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = SERIES, STUDY
    dataset.FrameOfReferenceUID = FRAME
    dataset.InstanceNumber = 1
    dataset.AcquisitionTime = datetime(2026, 1, 1, 9, tzinfo=UTC).strftime("%H%M%S")
    dataset.Rows, dataset.Columns = rows, columns
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit = 15
    dataset.PixelRepresentation = 1
    dataset.PixelSpacing = [2, 1.5]
    dataset.SliceThickness = 3
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-10, -20, z_mm]
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, 0
    pixels = np.full((rows, columns), value, dtype="<i2")
    pixels[0, -1] = 99
    dataset.PixelData = pixels.tobytes()
    for keyword, changed in changes.items():
        if changed is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, changed)
    return dataset


@pytest.fixture
def make_slice():
    return a_slice

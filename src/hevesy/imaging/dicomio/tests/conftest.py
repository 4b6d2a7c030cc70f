import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    pet_datasets,
    read_series,
)
from hevesy.imaging.geometry import Volume

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


@pytest.fixture(scope="session")
def a_series():
    """A small PET as a volume in Bq/ml and the instances it was read from."""
    began = datetime(2026, 11, 24, 9, 20, tzinfo=timezone(timedelta(hours=8)))
    study = StudyIdentity(
        patient_name="Li^Ming=李^明",
        patient_id="P0002",
        patient_sex="F",
        patient_birth_date=date(1960, 2, 29),
        weight_kg=60,
        study_instance_uid=STUDY,
        study_description="PET/CT 全身显像",
        study_id="NM2",
        started_at=began,
    )
    affine = np.diag([4.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = (-30, -20, -400)
    suv = np.random.default_rng(3).gamma(1, 2, (6, 12, 14)).astype(np.float32)
    volume = Volume(suv, affine, "SUVbw", "PT", frame_of_reference_uid=FRAME)
    injected = Administration(activity_bq=3e8, injected_at=began - timedelta(hours=1))
    sources = list(pet_datasets(volume, study, injected, SeriesIdentity(3, "PET WB")))
    return read_series(sources), sources


@pytest.fixture
def judged():
    """Errors that dciodvfy and dcmdump find in a file; skips where they are not installed."""
    missing = [name for name in ("dciodvfy", "dcmdump") if not shutil.which(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} (Debian dicom3tools, dcmtk) not installed")

    def judge(path):
        judgement = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        dump = subprocess.run(["dcmdump", "-q", path], capture_output=True, check=False)
        complaints = [line for line in judgement.stderr.splitlines() if line.startswith("Error")]
        return complaints + dump.stderr.decode(errors="replace").splitlines()

    return judge

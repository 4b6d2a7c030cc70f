import json
import shutil
import subprocess
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    ct_datasets,
    pack_series_sandboxed,
    pet_datasets,
    quantification_header,
    read_series,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.render.transport import body_file_name

BEIJING = timezone(timedelta(hours=8))
SCAN = datetime(2026, 11, 24, 0, 20, tzinfo=BEIJING)


def a_volume(array, units, modality):
    affine = np.diag([3.90625, 3.90625, 3.0, 1.0])
    affine[:3, 3] = (-248.046875, -248.046875, -1002.0)
    return Volume(
        array=array,
        ijk_to_lps=affine,
        units=units,
        modality=modality,
        frame_of_reference_uid="1.2.826.0.1.3680043.8.498.1",
    )


@pytest.fixture
def a_study():
    return StudyIdentity(
        patient_name="Chen^Jianguo=陈^建国",
        patient_id="P0001",
        patient_sex="M",
        patient_birth_date=date(1958, 11, 25),
        weight_kg=Decimal("70.5"),
        height_m=1.72,
        study_instance_uid=generate_uid(),
        accession_number="NM20261124001",
        study_description="PET/CT 全身显像",
        started_at=SCAN,
        scheduled_step_id="S1",
        requested_procedure_id="R1",
        study_id="NM1",
    )


@pytest.fixture
def an_injection():
    return Administration(
        activity_bq=352.1e6, injected_at=SCAN.astimezone(UTC) - timedelta(minutes=62)
    )


@pytest.fixture
def a_pet():
    rng = np.random.default_rng(2)
    return a_volume(rng.gamma(1, 2, (120, 16, 20)).astype(np.float32), "SUVbw", "PT")


@pytest.mark.clause("6.15")
def test_suv_of_the_written_series_is_the_suv_that_was_meant(
    a_pet, a_study, an_injection, tmp_path
):
    paths = write_pet_series(tmp_path, a_pet, a_study, an_injection, SeriesIdentity(3, "PET WB AC"))

    volume = read_series(reversed(paths))
    factor = suv_factor(volume.headers)

    assert factor.refused is None
    assert not factor.warnings
    assert factor.inputs.decay_s == 62 * 60
    assert "series time" in factor.method
    suv = apply_suv(volume, factor).array
    largest = a_pet.array.max(axis=(1, 2), keepdims=True)
    assert np.abs(suv - a_pet.array).max() < (largest / 32767).max()
    assert np.all(np.abs(suv.max(axis=(1, 2)) / largest[:, 0, 0] - 1) < 1e-6)
    np.testing.assert_allclose(volume.ijk_to_lps, a_pet.ijk_to_lps, atol=1e-6)
    assert volume.frame_of_reference_uid == a_pet.frame_of_reference_uid
    assert not volume.findings


def test_a_series_is_prepared_for_the_viewer_in_a_child_process(
    a_pet, a_study, an_injection, tmp_path
):
    images, prepared = tmp_path / "images", tmp_path / "prepared"
    images.mkdir()
    prepared.mkdir()
    paths = write_pet_series(images, a_pet, a_study, an_injection, SeriesIdentity(3, "PET WB"))

    header = pack_series_sandboxed(paths, prepared)

    assert header == json.loads((prepared / "header.json").read_text(encoding="utf-8"))
    bricks = [
        np.fromfile(prepared / body_file_name(one["path"]), dtype="<i2")
        for one in header["levels"][-1]["bricks"]
    ]
    suv = np.concatenate(bricks) * header["slope"] * header["suv"]["bw_factor"]
    assert suv.max() == pytest.approx(a_pet.array.max(), rel=1e-6)
    assert header["mip"]["units"] == "SUVbw"
    assert np.load(prepared / "thumbnail.npy").shape == (128, 128, 3)

    edited = pack_series_sandboxed(paths, prepared, edits={"weight_kg": 141.0})
    assert edited["suv"]["bw_factor"] == pytest.approx(2 * header["suv"]["bw_factor"])
    assert edited["suv"]["edited"] == ["weight_kg"]


def test_ct_numbers_come_back_unchanged(a_study, tmp_path):
    hu = np.random.default_rng(4).integers(-1024, 3072, (7, 12, 14)).astype(np.int16)
    paths = write_ct_series(tmp_path, a_volume(hu, "HU", "CT"), a_study, SeriesIdentity(2, "CT WB"))
    volume = read_series(paths)
    np.testing.assert_array_equal(volume.array, hu)
    assert volume.units == "HU"


def test_chinese_names_survive_the_file(a_pet, a_study, an_injection, tmp_path):
    path = write_pet_series(tmp_path, a_pet, a_study, an_injection, SeriesIdentity(3, "PET"))[0]
    read = pydicom.dcmread(path)
    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert read.PatientName.ideographic == "陈^建国"
    assert read.PatientName.alphabetic == "Chen^Jianguo"
    assert read.PatientAge == "067Y"
    assert read.StudyDescription == "PET/CT 全身显像"
    assert read.TimezoneOffsetFromUTC == "+0800"
    assert read.RequestAttributesSequence[0].ScheduledProcedureStepID == "S1"


# PS3.3 tables A.21-1 and A.3-1: attributes of type 1 and 2 in the mandatory modules.
_BOTH = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "Modality",
    "SeriesInstanceUID",
    "SeriesNumber",
    "FrameOfReferenceUID",
    "PositionReferenceIndicator",
    "Manufacturer",
    "InstanceNumber",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
    "SliceThickness",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
    "ImageType",
    "RescaleIntercept",
    "RescaleSlope",
    "SOPClassUID",
    "SOPInstanceUID",
    "SpecificCharacterSet",
    "BurnedInAnnotation",
]
_PET = [
    "SeriesDate",
    "SeriesTime",
    "Units",
    "CountsSource",
    "SeriesType",
    "NumberOfSlices",
    "CorrectedImage",
    "DecayCorrection",
    "CollimatorType",
    "RadiopharmaceuticalInformationSequence",
    "FrameReferenceTime",
    "ImageIndex",
    "AcquisitionDate",
    "AcquisitionTime",
    "ActualFrameDuration",
    "DecayFactor",
    "PatientOrientationCodeSequence",
    "PatientGantryRelationshipCodeSequence",
]
_CT = ["KVP", "AcquisitionNumber", "PatientPosition"]


def test_all_attributes_the_iods_demand_are_there(a_pet, a_study, an_injection):
    pet = next(iter(pet_datasets(a_pet, a_study, an_injection, SeriesIdentity(3, "PET"))))
    ct_volume = a_volume(np.zeros((2, 4, 4), dtype=np.int16), "HU", "CT")
    ct = next(iter(ct_datasets(ct_volume, a_study, SeriesIdentity(2, "CT"))))
    assert [name for name in (*_BOTH, *_PET) if name not in pet] == []
    assert [name for name in (*_BOTH, *_CT) if name not in ct] == []
    assert "DeidentificationMethod" not in pet
    assert pet.BurnedInAnnotation == "NO"
    drug = pet.RadiopharmaceuticalInformationSequence[0]
    assert float(drug.RadionuclideTotalDose) == pytest.approx(352.1e6)
    assert drug.RadiopharmaceuticalStartDateTime[:8] == "20261123"
    assert drug.RadionuclideCodeSequence[0].CodeMeaning == "^18^Fluorine"
    assert quantification_header(pet)["DecayCorrection"] == "START"


@pytest.mark.peer
def test_an_independent_validator_finds_no_error(a_pet, a_study, an_injection, tmp_path):
    validator = shutil.which("dciodvfy")
    if not validator:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    ct_volume = a_volume(np.zeros((1, 4, 4), dtype=np.int16), "HU", "CT")
    paths = [
        write_pet_series(tmp_path, a_pet, a_study, an_injection, SeriesIdentity(3, "PET"))[5],
        *write_ct_series(tmp_path, ct_volume, a_study, SeriesIdentity(2, "CT")),
    ]
    for path in paths:
        found = subprocess.run([validator, path], capture_output=True, text=True, check=False)
        assert "Error" not in found.stderr, found.stderr


def test_instances_are_distinct_and_reproducible(a_pet, a_study, an_injection):
    series = SeriesIdentity(3, "PET", series_instance_uid=generate_uid())
    one, same = (
        [d.SOPInstanceUID for d in pet_datasets(a_pet, a_study, an_injection, series)]
        for _ in range(2)
    )
    assert one == same
    assert len(set(one)) == 120


def test_impossible_requests_are_refused(a_pet, a_study, an_injection):
    series = SeriesIdentity(3, "PET")
    late = Administration(activity_bq=3e8, injected_at=SCAN + timedelta(minutes=1))
    with pytest.raises(ValueError, match="before the injection"):
        next(pet_datasets(a_pet, a_study, late, series))
    oblique = a_pet.ijk_to_lps.copy()
    oblique[0, 0] *= -1
    turned = Volume(array=a_pet.array, ijk_to_lps=oblique, units="SUVbw", modality="PT")
    with pytest.raises(ValueError, match="axial"):
        next(pet_datasets(turned, a_study, an_injection, series))
    with pytest.raises(ValueError, match="zone"):
        Administration(activity_bq=3e8, injected_at=datetime(2026, 1, 1))  # noqa: DTZ001

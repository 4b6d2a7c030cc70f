import shutil
import subprocess
from datetime import UTC, datetime

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, generate_uid

from hevesy.imaging.dicomio.spatial_registration import (
    read_spatial_registration,
    spatial_registration_dataset,
)
from hevesy.imaging.phantoms.torso import random_pose
from hevesy.imaging.refusal import Refused

MADE_AT = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
POSE = random_pose(3)


def headers(sop_class, count, *, frame=True):
    study, series, place = generate_uid(), generate_uid(), generate_uid()
    made = []
    for _ in range(count):
        one = Dataset()
        one.SOPClassUID, one.SOPInstanceUID = sop_class, generate_uid()
        one.StudyInstanceUID, one.SeriesInstanceUID = study, series
        one.PatientID, one.PatientName, one.PatientSex = "7", "Test^Torso", "O"
        one.StudyDate, one.StudyTime = "20261103", "090000"
        if frame:
            one.FrameOfReferenceUID = place
        made.append(one)
    return made


@pytest.fixture
def the_images():
    return headers(CTImageStorage, 3), headers(MRImageStorage, 2)


@pytest.fixture
def an_object(the_images):
    return spatial_registration_dataset(
        POSE, *the_images, method="rigid", made_at=MADE_AT, comment="aligned (rigid)"
    )


def test_a_matrix_comes_back_as_it_was_stored(the_images, an_object, tmp_path):
    fixed, moving = the_images
    an_object.save_as(tmp_path / "reg.dcm", enforce_file_format=True)

    (found,) = read_spatial_registration(tmp_path / "reg.dcm")

    np.testing.assert_allclose(found.moving_to_fixed, POSE, atol=1e-11)
    assert found.kind == "RIGID"
    assert found.fixed_frame_of_reference_uid == fixed[0].FrameOfReferenceUID
    assert found.moving_frame_of_reference_uid == moving[0].FrameOfReferenceUID
    assert found.moving_sop_instance_uids == tuple(m.SOPInstanceUID for m in moving)
    assert found.comment == "aligned (rigid)"


def test_the_matrix_takes_the_source_to_the_registered_frame_row_by_row(the_images, an_object):
    """PS3.3 C.20.2.1.1: the source item holds A_M_B, which takes points of B, the source, to A."""
    item = an_object.RegistrationSequence[1]

    numbers = item.MatrixRegistrationSequence[0].MatrixSequence[0]
    row_by_row = [float(x) for x in numbers.FrameOfReferenceTransformationMatrix]

    assert an_object.FrameOfReferenceUID == the_images[0][0].FrameOfReferenceUID
    assert item.FrameOfReferenceUID == the_images[1][0].FrameOfReferenceUID
    np.testing.assert_allclose(row_by_row[3:12:4], POSE[:3, 3], atol=1e-11)


def test_several_matrices_are_multiplied_in_their_order(an_object):
    way = an_object.RegistrationSequence[1].MatrixRegistrationSequence[0]
    second = Dataset()
    second.FrameOfReferenceTransformationMatrixType = "AFFINE"
    second.FrameOfReferenceTransformationMatrix = list(np.diag((2.0, 1.0, 1.0, 1.0)).ravel())
    way.MatrixSequence.append(second)

    (found,) = read_spatial_registration(an_object)

    np.testing.assert_allclose(found.moving_to_fixed, POSE @ np.diag((2, 1, 1, 1)), atol=1e-11)
    assert found.kind == "AFFINE"


@pytest.mark.peer
def test_a_validator_finds_no_error(an_object, tmp_path):
    validator = shutil.which("dciodvfy")
    if not validator:
        pytest.skip("dciodvfy (apt: dicom3tools) is not installed")
    an_object.save_as(tmp_path / "reg.dcm", enforce_file_format=True)

    said = subprocess.run(
        [validator, str(tmp_path / "reg.dcm")], capture_output=True, text=True, check=False
    )

    assert "SpatialRegistration" in said.stderr + said.stdout
    assert "Error" not in said.stderr + said.stdout


@pytest.mark.parametrize(
    ("matrix", "method", "framed", "reason"),
    [
        (POSE, "deformable", True, "not_a_matrix_registration"),
        (POSE, "rigid", False, "no_frame_of_reference"),
        (np.diag((-1.0, 1.0, 1.0, 1.0)), "rigid", True, "not_affine"),
        (np.full((4, 4), np.nan), "rigid", True, "not_affine"),
        (np.eye(3), "rigid", True, "not_affine"),
    ],
)
def test_what_the_object_cannot_say_is_not_written(matrix, method, framed, reason):
    fixed, moving = headers(CTImageStorage, 1), headers(MRImageStorage, 1, frame=framed)

    with pytest.raises(Refused) as refusal:
        spatial_registration_dataset(matrix, fixed, moving, method=method, made_at=MADE_AT)

    assert refusal.value.key == reason


def test_other_objects_and_mirrors_are_not_read(an_object):
    numbers = an_object.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence[0]
    numbers.FrameOfReferenceTransformationMatrix = list(np.diag((-1.0, 1, 1, 1)).ravel())

    for source, reason in ((an_object, "not_affine"), (Dataset(), "not_a_registration")):
        with pytest.raises(Refused) as refusal:
            read_spatial_registration(source)
        assert refusal.value.key == reason

import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from hevesy.imaging.dicomio import SeriesIdentity, StudyIdentity, write_ct_series
from hevesy.imaging.dicomio.spatial_registration import read_spatial_registration
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.torso import random_pose
from hevesy.imaging.register.matrices import inverse, moved

PLACES = np.array(((-70.0, 12.0, 110.0), (75.0, 5.0, 80.0), (0.0, 66.0, -150.0)))


def image(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "hevesy", "image", "register", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def two_series(tmp_path_factory):
    folders = []
    for n, frame in enumerate(("1.2.3.1", "1.2.3.2", "1.2.3.1")):
        folder = tmp_path_factory.mktemp(f"series{n}")
        block = np.full((6, 16, 16), -1000, dtype=np.int16)
        block[1:5, 4:12, 4:12] = 40 + 10 * n
        volume = Volume(block, np.diag((10.0, 10.0, 10.0, 1.0)), "HU", "CT", frame)
        identity = StudyIdentity("Test^Torso", "7", "O", f"1.2.9.{n}", datetime.now(UTC))
        write_ct_series(folder, volume, identity, SeriesIdentity(n + 1, "CT"))
        folders.append(folder)
    return folders


@pytest.fixture
def landmarks(tmp_path):
    def write(count):
        path = tmp_path / "landmarks.json"
        pairs = zip(PLACES[:count], moved(random_pose(1), PLACES[:count]), strict=True)
        path.write_text(
            json.dumps([{"fixed_lps_mm": list(f), "moving_lps_mm": list(m)} for f, m in pairs])
        )
        return path

    return write


@pytest.mark.clause("6.10")
def test_landmarks_give_a_matrix_and_an_object_for_the_archive(two_series, landmarks, tmp_path):
    fixed, moving, _ = two_series
    stored = tmp_path / "reg.dcm"

    done = image(fixed, moving, "--landmarks", landmarks(3), "--json", "--out", stored)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["device"] == "cpu"
    assert said["accepted"] is True
    assert said["fre_mm"] < 1e-9
    np.testing.assert_allclose(said["moving_to_fixed_lps_mm"], inverse(random_pose(1)), atol=1e-9)
    (read,) = read_spatial_registration(stored)
    np.testing.assert_allclose(read.moving_to_fixed, said["moving_to_fixed_lps_mm"], atol=1e-9)
    assert read.fixed_frame_of_reference_uid == "1.2.3.1"


def test_too_few_landmarks_are_refused_in_two_languages(two_series, landmarks):
    done = image(*two_series[:2], "--landmarks", landmarks(2), "--json")

    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert (said["status"], said["reason"]) == ("refused", "too_few_landmarks")
    assert "三对" in said["text_zh"]


def test_series_of_one_frame_are_said_to_be_hardware_aligned(two_series):
    done = image(two_series[0], two_series[2])

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("hardware aligned")


def test_a_wrong_call_is_told_apart_from_a_refusal(two_series, tmp_path):
    missing = image(two_series[0], tmp_path / "nothing")
    half = image(*two_series[:2], "--method", "landmarks")

    assert (missing.returncode, half.returncode) == (2, 2)
    assert "no such folder" in missing.stderr


def test_a_gpu_is_refused_because_registration_has_no_path_for_one(two_series):
    done = image(*two_series[:2], "--device", "cuda", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "no_cuda_path"

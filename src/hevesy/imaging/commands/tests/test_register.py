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


@pytest.fixture(scope="module")
def two_heads(tmp_path_factory):
    """One head of four parts in two frames, the second 5, -4 and 3 mm away."""
    k, j, i = np.indices((30, 30, 30)) * 4.0 - 58.0
    head = np.where(np.hypot(np.hypot(i / 1.2, j), k * 1.1) < 44.0, 40.0, -1000.0)
    for at, radius, hu in (
        ((20, 0, 5), 12, 300),
        ((-15, 15, -10), 9, 900),
        ((0, -20, 15), 10, -90),
    ):
        head[np.hypot(np.hypot(i - at[0], j - at[1]), k - at[2]) < radius] = hu
    folders = []
    for n, origin in enumerate(((0.0, 0.0, 0.0), (5.0, -4.0, 3.0))):
        folder = tmp_path_factory.mktemp(f"head{n}")
        place = np.diag((4.0, 4.0, 4.0, 1.0))
        place[:3, 3] = origin
        volume = Volume(head.astype(np.int16), place, "HU", "CT", f"1.2.3.{n}")
        identity = StudyIdentity("Test^Head", "7", "O", f"1.2.8.{n}", datetime.now(UTC))
        write_ct_series(folder, volume, identity, SeriesIdentity(n + 1, "CT"))
        folders.append(folder)
    return folders


@pytest.mark.parametrize("method", ["affine", "deformable"])
def test_a_search_tells_its_progress_and_answers_with_matrix_metric_and_consistency(
    two_heads, method
):
    done = image(*two_heads, "--method", method, "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["method"] == method
    assert (said["largest_deformation_mm"] is not None) == (method == "deformable")
    middle = moved(np.array(said["moving_to_fixed_lps_mm"]), (58.0 + 5, 58.0 - 4, 58.0 + 3))
    np.testing.assert_allclose(middle, (58.0, 58.0, 58.0), atol=1.0)
    assert said["mutual_information_nat"] > 0.3
    assert 0.0 <= said["consistency_mm"] < 3.0
    told = done.stderr.splitlines()
    assert told[0].split()[0] == "0%"
    assert told[-1].split()[0] == "100%"
    assert len(told) > 10


def test_a_deformation_is_not_stored(two_heads, tmp_path):
    stored = tmp_path / "reg.dcm"

    done = image(*two_heads, "--method", "deformable", "--out", stored)

    assert done.returncode == 2
    assert not stored.exists()


def test_a_wrong_call_is_told_apart_from_a_refusal(two_series, tmp_path):
    missing = image(two_series[0], tmp_path / "nothing")
    half = image(*two_series[:2], "--method", "landmarks")

    assert (missing.returncode, half.returncode) == (2, 2)
    assert "no_such_file" in missing.stderr


def test_a_gpu_is_refused_because_registration_has_no_path_for_one(two_series):
    done = image(*two_series[:2], "--device", "cuda", "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "no_cuda_path"

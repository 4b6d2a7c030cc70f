import json
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.geometry import Volume
from hevesy.imaging.render.colour import HOT_IRON
from hevesy.imaging.render.colourmaps import colour_maps

STARTED = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
STUDY = StudyIdentity(
    "Test^Case=试^例", "P-1", "F", generate_uid(), STARTED, weight_kg=60, height_m=1.6
)
FRAME = generate_uid()


def mip(*arguments):
    """Run `hevesy image mip …`; returns exit status, the JSON or text of stdout, and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "hevesy", "image", "mip", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout
    return done.returncode, told, done.stderr


def grid(spacing, array, units, modality):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * s for n, s in zip(array.shape[::-1], spacing, strict=True)]
    return Volume(array=array, ijk_to_lps=affine, units=units, modality=modality)


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    """PET with one hot voxel in the patient's right shoulder, CT with a bone at the left hip."""
    folder = tmp_path_factory.mktemp("exam")
    suv = np.full((16, 24, 24), 0.1, np.float32)
    suv[13, 12, 5] = 6.0
    hu = np.full((16, 48, 48), -1000, np.int16)
    hu[2:4, 22:26, 36:40] = 1200
    (folder / "pt").mkdir()
    (folder / "ct").mkdir()
    write_pet_series(
        folder / "pt",
        grid((4, 4, 4), suv, "SUVbw", "PT"),
        STUDY,
        Administration(3e8, datetime(2026, 3, 4, 9, 0, tzinfo=UTC)),
        SeriesIdentity(3, "PET", frame_of_reference_uid=FRAME),
    )
    ct = grid((2, 2, 4), hu, "HU", "CT")
    write_ct_series(folder / "ct", ct, STUDY, SeriesIdentity(2, "CT", frame_of_reference_uid=FRAME))
    (folder / "other").mkdir()
    write_ct_series(folder / "other", ct, STUDY, SeriesIdentity(4, "other CT"))
    return folder


@pytest.mark.clause("6.20")
def test_a_pet_becomes_a_movie_and_the_answer_says_what_it_shows(exam, tmp_path):
    status, told, complaints = mip(
        exam / "pt", "--out", tmp_path / "a.avi", "--frames", 8, "--fps", 5, "--json"
    )

    assert status == 0, complaints
    assert (told["frames"], told["fps"], told["units"]) == (8, 5, "SUVbw")
    assert (told["window"], told["colour_map"]) == ([0, 7], "inverse_grey")
    assert (tmp_path / "a.avi").stat().st_size == told["bytes"]
    assert "8 views of PT PET" in complaints


@pytest.mark.clause("6.19")
def test_fusion_turns_the_ct_below_the_pet(exam, tmp_path):
    status, told, complaints = mip(
        exam / "pt", "--ct", exam / "ct", "--out", tmp_path / "a.dcm",
        "--frames", 4, "--window", 0, 6, "--alpha", 0.5, "--json",
    )  # fmt: skip

    assert status == 0, complaints
    made = pydicom.dcmread(tmp_path / "a.dcm")
    front = made.pixel_array[0].astype(int)
    # The shoulder at the upper left in the colour of the top, the hip at the lower right in grey.
    np.testing.assert_allclose(front[2, 5], HOT_IRON[255] / 2, atol=1)
    hip = front[12:14, 18:20].mean(axis=(0, 1))
    assert hip.min() > 110
    assert np.ptp(hip) < 10
    assert front[7, 12].max() < 15
    assert made.StudyInstanceUID == STUDY.study_instance_uid
    assert made.SOPInstanceUID == told["sop_instance_uid"]
    assert made.BurnedInAnnotation == "NO"


def test_what_cannot_be_fused_or_found_is_refused_and_wrong_calls_say_so(exam, tmp_path):
    out = ("--out", tmp_path / "a.avi", "--frames", 2)

    apart = mip(exam / "pt", "--ct", exam / "other", *out, "--json")
    several = mip(exam / "pt", "--ct", exam, *out, "--json")
    nothing = mip(exam / "ct", *out, "--json")
    wrong = mip(exam / "pt", *out, "--window", 7, 0)

    assert (apart[0], apart[1]["reason"]) == (1, "frames_of_reference_differ")
    assert (several[0], several[1]["reason"]) == (1, "several_series")
    assert (nothing[0], nothing[1]["reason"]) == (1, "series_not_found")
    assert wrong[0] == 2
    assert not (tmp_path / "a.avi").exists()


def test_the_maps_are_listed():
    status, told, _ = mip("--list-colour-maps", "--json")

    assert status == 0
    assert [one["id"] for one in told] == list(colour_maps())

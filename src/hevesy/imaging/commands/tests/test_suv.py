import json
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
from pydicom.uid import generate_uid

from hevesy.imaging.quantify.tests.pet_scans import PetScan


def suv(*arguments):
    """Run `hevesy image suv …`; returns exit status, the JSON or text of stdout, and stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "hevesy", "image", "suv", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(done.stdout) if "--json" in arguments and done.stdout else done.stdout
    return done.returncode, told, done.stderr


def saved(folder, datasets):
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in datasets:
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)


def a_series(**attributes):
    scan = PetScan()
    levels = np.array([0.2, 1.0, 1.0, 4.0] * 4).reshape(4, 2, 2)
    return scan.written(scan.bq_per_ml(levels, scan.reference), **attributes)


def test_each_series_of_a_folder_is_answered_for_itself(tmp_path):
    saved(tmp_path / "a", a_series())
    saved(tmp_path / "b", a_series(PatientWeight=None, SeriesDescription="no weight"))
    saved(tmp_path / "c", a_series(Modality="CT"))
    (tmp_path / "notes.txt").write_text("not an image")

    status, told, complaints = suv(tmp_path, "--json")

    assert status == 0
    good, other = (
        [one for one in told["series"] if one["status"] == wanted] for wanted in ("ok", "refused")
    )
    assert len(good) == 1
    assert good[0]["units"] == "BQML"
    assert good[0]["factor_min"] == good[0]["factor_max"] == pytest.approx(2.777781e-4, rel=1e-6)
    found = [good[0][key] for key in ("suv_min", "suv_median", "suv_max")]
    assert found == pytest.approx([0.2, 1.0, 4.0], abs=1e-3)
    assert {one["reason"] for one in other} == {"weight_missing", "not_pet"}
    assert "notes.txt" in complaints
    assert [path.rsplit("/")[-1] for path in told["unreadable"]] == ["notes.txt"]


def test_corrected_parameters_and_another_kind(tmp_path):
    saved(tmp_path, a_series(PatientWeight=None))
    injected = (PetScan().injected - timedelta(seconds=6586.2)).isoformat()

    status, told, _ = suv(
        tmp_path, "--json", "--weight-kg", 35, "--sex", "M", "--type", "lbmjanma",
        "--injected-at", injected, "--dose-mbq", 184.04,
        "--corrected-by", "QA", "--edition", 2,
    )  # fmt: skip

    assert status == 0
    (one,) = told["series"]
    lean = 9270 * 35 / (6680 + 216 * 35 / 1.75**2)
    assert one["suv_units"] == "SUVlbmjanma"
    assert one["factor_min"] == pytest.approx(4 * 2.777781e-4 * lean / 70, rel=1e-5)
    assert one["inputs"]["edited"] == ["weight_kg", "sex", "dose_bq", "injected_at"]
    assert one["inputs"]["header_values"]["weight_kg"] is None
    assert one["inputs"]["header_values"]["dose_bq"] == 368.08e6
    assert "values_edited" in {w["key"] for w in one["warnings"]}
    assert one["overrides"]["edition"] == 2
    assert one["overrides"]["author"] == "QA"
    assert one["overrides"]["values"]["dose_bq"] == {"used": 184.04e6, "header": 368.08e6}
    assert "Janmahasatian" in one["source"]


def test_a_gap_is_refused_unless_asked_for(tmp_path):
    datasets = a_series()
    saved(tmp_path, [datasets[0], datasets[1], datasets[3]])

    status, told, _ = suv(tmp_path, "--json")
    assert status == 1
    assert told["series"][0]["reason"] == "missing_slices"

    status, told, _ = suv(tmp_path, "--json", "--incomplete")
    assert status == 0
    assert told["series"][0]["slices"] == 3
    assert "missing_slices" in {w["key"] for w in told["series"][0]["warnings"]}


def test_words_for_people_and_a_wrong_call(tmp_path):
    saved(tmp_path, a_series())
    status, text, _ = suv(tmp_path)
    assert status == 0
    assert "SUVbw min 0.2" in text

    assert suv(tmp_path / "nowhere")[0] == 2
    assert suv(tmp_path, "--weight-kg", "-3")[0] == 2
    assert suv(tmp_path, "--type", "fat")[0] == 2
    assert suv(tmp_path, "--edition", "0")[0] == 2


def test_bed_positions_without_decay_correction_have_factors_of_their_own(tmp_path):
    scan = PetScan()
    uid = generate_uid()
    beds = [scan.later(0), scan.later(300)]
    saved(
        tmp_path,
        scan.written(
            np.ones((2, 2, 2)) * 1000, acquired=beds, correction="NONE", SeriesInstanceUID=uid
        ),
    )
    _, told, _ = suv(tmp_path, "--json")
    (one,) = told["series"]
    assert one["series_instance_uid"] == uid
    assert one["factor_max"] / one["factor_min"] == pytest.approx(2 ** (300 / 6586.2), rel=1e-9)


@pytest.mark.data
@pytest.mark.clause("6.15")
def test_all_reference_series_of_one_folder(real_dicom):
    status, told, complaints = suv(real_dicom / "suv_dro", "--json")

    assert status == 0
    assert len(told["series"]) == 9
    for one in told["series"]:
        found = [one[key] for key in ("suv_min", "suv_median", "suv_max")]
        # SUV 4 has 8000 stored units or more, and the makers truncated.
        assert found == pytest.approx([0.2, 1.0, 4.0], abs=1e-3), one["description"]
    assert "LICENSE.txt" in complaints

import json

import numpy as np
import pytest
import SimpleITK

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.running import image, without_source, write_pet
from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.masks import read_masks


def lesions(*arguments):
    return image("lesions", *arguments)


@pytest.fixture
def a_pet(tmp_path):
    """A folder with a PET of 30 slices of 4 mm: a body of SUV 1 with one spot of SUV 8."""
    suv = np.zeros((30, 40, 40))
    suv[:, 8:32, 6:34] = 1
    suv[14:17, 20:23, 26:30] = 8
    return write_pet(tmp_path / "pet", suv)


@pytest.mark.clause("6.16")
def test_the_table_and_its_segmentation_tell_the_same(a_pet, tmp_path):
    target = tmp_path / "seg.dcm"

    status, told, _ = lesions(a_pet, "--json", "--seg", target)

    assert (status, told["status"]) == (0, "ok")
    (row,) = told["lesions"]
    assert row["mtv_ml"] == pytest.approx(36 * 0.064)
    assert row["suv_max"] == pytest.approx(8, rel=1e-3)
    assert row["tlg_ml"] == pytest.approx(8 * 36 * 0.064, rel=1e-3)
    assert row["extent_left_right_mm"] == pytest.approx(16)
    assert ", left" in row["place_en"]
    volume = read_series(a_pet.iterdir())
    (mask,) = read_masks(target, volume)
    expected = np.zeros(volume.array.shape, dtype=bool)
    expected[14:17, 20:23, 26:30] = True
    assert np.array_equal(mask.array, expected)


@pytest.mark.clause("6.16")
def test_a_filtered_copy_is_measured_in_the_same_rows(a_pet, capsys):
    def rows(*arguments):
        assert main(["lesions", str(a_pet), "--json", *arguments]) == 0
        return json.loads(capsys.readouterr().out)

    native, told = rows(), rows("--harmonise", "6")

    (row,) = told["lesions"]
    own = row.pop("harmonised")
    assert [row] == native["lesions"]
    # 12 x 12 x 16 mm of SUV 8 on 1, blurred by 6 mm: the middle of a box is a product of erf.
    assert own["suv_max"] < 7.9
    assert own["suv_mean"] < row["suv_mean"]
    assert "6 mm FWHM" in own["method"]
    assert told["harmonisation"]["source"] == "stated by the caller"


@pytest.mark.clause("6.16")
def test_a_drawn_liver_sets_the_level_and_the_resolution_serves_the_iterated_rule(
    a_pet, tmp_path, capsys
):
    volume = read_series(a_pet.iterdir())
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[4:8, 12:18, 10:16] = 1
    drawn = SimpleITK.GetImageFromArray(labels)
    drawn.SetSpacing(volume.spacing_mm)
    drawn.SetOrigin(volume.ijk_to_lps[:3, 3])
    SimpleITK.WriteImage(drawn, tmp_path / "drawn.nii")

    def told(*arguments):
        status = main(["lesions", str(a_pet), "--json", *map(str, arguments)])
        text = capsys.readouterr().out
        return status, json.loads(text) if text else None

    _, by_liver = told("--rule", "LIV", "--liver", tmp_path / "drawn.nii")
    _, by_blood = told("--rule", "MBP", "--blood-pool", tmp_path / "drawn.nii")

    assert by_liver["level"] == pytest.approx(1.5, rel=1e-3)
    assert by_liver["liver"]["method"] == "drawn region"
    assert "liver_suv_unusual" in {one["key"] for one in by_liver["findings"]}
    assert by_blood["level"] == pytest.approx(2, rel=1e-3)
    assert told("--rule", "MBP")[1]["reason"] == "no_blood_pool_reference"
    assert told("--rule", "ITM")[0] == 2
    _, iterated = told("--rule", "ITM", "--resolution-mm", 6)
    assert iterated["rule"] == "ITM"
    assert len(iterated["lesions"]) == 1


@pytest.mark.clause("6.15")
def test_sul_and_corrections_change_the_numbers_and_not_which_voxels_are_lesions(a_pet):
    corrected = ("--weight-kg", 42, "--height-m", 1.75, "--sex", "M")

    _, plain, _ = lesions(a_pet, "--json")
    status, told, _ = lesions(a_pet, "--json", "--type", "lbmjanma", *corrected[2:])
    _, lighter, _ = lesions(a_pet, "--json", *corrected)

    lean = 9270 / (6680 + 216 * 70 / 1.75**2)
    (row,), (other,) = plain["lesions"], told["lesions"]
    assert status == 0
    assert (told["units"], told["level"], told["level_units"]) == ("SUVlbmjanma", 4.0, "SUVbw")
    for key in ("suv_max", "suv_peak", "suv_mean", "tlg_ml"):
        assert other[key] == pytest.approx(row[key] * lean, rel=1e-5)
    assert other["mtv_ml"] == row["mtv_ml"]
    assert (row["suv_peak_rule"], told["suv"]["type"]) == ("fractional", "lbmjanma")
    assert without_source(told) == [] and without_source(plain) == []
    assert lighter["lesions"][0]["suv_max"] == pytest.approx(8 * 42 / 70, rel=1e-3)
    assert lighter["suv"]["overrides"]["values"]["weight_kg"] == {"used": 42.0, "header": 70.0}
    assert told["totals_of_included"]["hottest_number"] in (None, 1)


def test_learned_weights_score_the_rows_of_their_own_tracer(a_pet, tmp_path):
    weights = tmp_path / "score.toml"
    weights.write_text(
        "source = 'the test'\nchecked = false\n[weights]\nconstant = 0.5\nlog_ml = -2.0\n"
        "[learned]\ntracer = 'FDG'\npipeline = 'hevesy-lesions/2'\n"
    )

    status, told, _ = lesions(a_pet, "--json", "--score", weights)

    assert status == 0
    (row,) = told["lesions"]
    assert row["features"]["ml"] == row["mtv_ml"]
    assert row["score"] == pytest.approx(1 / (1 + np.exp(-0.5 + 2 * np.log(row["mtv_ml"]))))
    assert {"table": "score", "source": "the test", "checked": False} in told["tables"]
    refused, told, _ = lesions(a_pet, "--json", "--score", weights, "--tracer", "PSMA")
    assert (refused, told["reason"]) == (1, "score_of_other_tracer")
    assert lesions(a_pet, "--score", tmp_path / "nowhere")[0] == 2


def test_words_for_people_and_wrong_calls(a_pet, tmp_path):
    status, text, _ = lesions(a_pet)
    assert status == 0
    assert "max 8" in text and "places_without_ct" in text

    assert lesions(tmp_path / "nowhere")[0] == 2
    assert lesions(a_pet, "--rule", "F9")[0] == 2
    status, told, _ = lesions(a_pet, "--ct", a_pet, "--json")
    assert (status, told["reason"]) == (1, "no_images")

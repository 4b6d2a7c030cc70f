"""What all verbs have in common: status, reason, exit status, and what a volume must be."""

import json

import numpy as np
import pydicom
import pytest

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.running import write_pet

HERE = "GIVEN"
GONE = "nowhere.dcm"


@pytest.fixture
def image(capsys):
    """Run `hevesy image …` in this process: exit status, JSON, and stderr."""

    def run(*arguments):
        try:
            status = main([str(one) for one in arguments])
        except SystemExit as ended:
            status = ended.code
        told = capsys.readouterr()
        return status, json.loads(told.out) if told.out else None, told.err

    return run


@pytest.fixture
def a_pet(tmp_path):
    """A folder with a PET of eight slices, a body of SUV 1 with a spot of 8."""
    suv = np.zeros((8, 24, 24))
    suv[:, 4:20, 4:20], suv[3:5, 10:13, 10:13] = 1, 8
    return write_pet(tmp_path / "pet", suv)


@pytest.mark.parametrize(
    "call",
    [
        ("suv", GONE),
        ("measure", GONE, "--mask", HERE),
        ("measure", HERE, "--mask", GONE),
        ("lesions", GONE),
        ("lesions", HERE, "--ct", GONE),
        ("register", GONE, HERE),
        ("register", HERE, HERE, "--landmarks", GONE),
        ("reconstruct", GONE, "--out", "x.dcm"),
        ("mip", GONE, "--out", "x.avi"),
        ("slice", GONE, "--out", "x.png"),
        ("render", GONE, "--out", "x.png"),
        ("retrain", GONE, "--out", "x.toml"),
        ("analyse", "renogram", GONE, "--rois", HERE),
        ("analyse", "patlak", GONE),
        ("analyse", "gatedspect", GONE, "--fwhm-mm", "10"),
    ],
    ids=" ".join,
)
def test_a_file_that_is_not_there_is_a_wrong_call_told_in_one_sentence(image, a_pet, call):
    given = [a_pet if one == HERE else one for one in call]

    status, told, complaints = image(*given, "--json")

    assert status == 2
    assert (told["status"], told["reason"]) == ("refused", "no_such_file")
    assert told["text_en"].endswith("check the path.") and told["text_zh"]
    assert told["text_en"] in complaints


def test_options_that_do_not_exist_are_a_wrong_call_in_json_too(image, a_pet):
    for call in (("suv", a_pet, "--type", "fat"), ("analyse", "horoscope"), ("mip", a_pet)):
        status, told, _ = image(*call, "--json")
        assert (status, told["status"], told["reason"]) == (2, "refused", "wrong_call")


def calls(folder, tmp_path):
    """Each verb that needs a whole volume, on this folder."""
    mask = tmp_path / "none.nii.gz"
    mask.write_bytes(b"")
    return {
        "suv": ("suv", folder),
        "measure": ("measure", folder, "--mask", mask),
        "lesions": ("lesions", folder),
        "mip": ("mip", folder, "--out", tmp_path / "x.gif", "--frames", 2),
        "spectsuv": (
            *("analyse", "spectsuv", folder, "--calibrations", mask, "--calibration", "x"),
            *("--duration-s", 1, "--nuclide", "Tc-99m", "--injected-mbq", 1),
            *("--since-injection-s", 0, "--weight-kg", 1),
        ),
    }


@pytest.mark.clause("6.15")
@pytest.mark.parametrize(("reason", "kept"), [("single_slice", 1), ("missing_slices", 3)])
def test_one_slice_and_a_gap_are_refused_by_every_verb_alike(image, a_pet, tmp_path, reason, kept):
    by_place = sorted(a_pet.iterdir(), key=_height)
    for path in by_place[1:] if kept == 1 else by_place[3:4]:
        path.unlink()

    for verb, call in calls(a_pet, tmp_path).items():
        status, told, _ = image(*call, "--json")
        found = told["series"][0]["reason"] if verb == "suv" else told["reason"]
        assert (verb, status, told["status"], found) == (verb, 1, "refused", reason)

    status, told, _ = image("suv", a_pet, "--json", "--incomplete")
    assert (status, told["status"], told["series"][0]["status"]) == (0, "ok", "ok")
    movie = image(
        "mip", a_pet, "--out", tmp_path / "x.gif", "--frames", 2, "--json", "--incomplete"
    )
    # What was turned would be a line; a gap is shown where a person asks for it, and told.
    expected = (1, "refused") if kept == 1 else (0, "ok")
    assert (movie[0], movie[1]["status"]) == expected
    if kept != 1:
        assert "missing_slices" in [one["key"] for one in movie[1]["warnings"]]


def test_without_a_video_program_an_mp4_is_refused_before_it_is_rendered(
    image, a_pet, tmp_path, monkeypatch
):
    from hevesy.imaging.render import mip, movie

    monkeypatch.setattr(movie.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(mip, "rotating_mip", None)

    status, told, _ = image("mip", a_pet, "--out", tmp_path / "x.mp4", "--json")

    assert (status, told["status"], told["reason"]) == (1, "refused", "video_program_missing")
    assert "hevesy[server]" in told["text_en"]


def _height(path):
    return float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2])

import json
import subprocess
import sys

import numpy as np
import pytest

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.nm_files import write_nm
from hevesy.imaging.phantoms import planar


@pytest.fixture
def analyse(capsys):
    """Run `hevesy image analyse …` in this process: exit status, the answer, and stderr."""

    def run(*arguments):
        try:
            status = main(["analyse", *map(str, arguments)])
        except SystemExit as ended:
            status = ended.code
        told = capsys.readouterr()
        given_as_json = "--json" in arguments and told.out
        return status, json.loads(told.out) if given_as_json else told.out, told.err

    return run


def values(told):
    return {one["key"]: one["value"] for one in told["measures"]}


def rois(folder, regions):
    path = folder / "rois.json"
    path.write_text(json.dumps(regions.as_json()), "utf-8")
    return path


@pytest.fixture
def a_renogram(tmp_path):
    phantom = planar.renogram(seed=1)
    views = {"posterior": phantom.frames}
    path = write_nm(tmp_path / "dynamic.dcm", views, duration_s=phantom.duration_s)
    return path, rois(tmp_path, phantom.regions)


def test_a_renogram_is_read_from_its_files_and_drawn_by_the_program(a_renogram, tmp_path):
    image, regions = a_renogram
    plot = tmp_path / "plot.svg"
    call = ["image", "analyse", "renogram", image, "--rois", regions, "--json", "--plot", plot]

    done = subprocess.run(
        [sys.executable, "-m", "hevesy", *map(str, call)], capture_output=True, check=False
    )

    assert done.returncode == 0, done.stderr
    told = values(json.loads(done.stdout))
    assert told["left_split_percent"] == pytest.approx(40.0, abs=1.0)
    assert "left kidney" in plot.read_text()


def test_gfr_needs_its_syringe_and_tells_a_table_in_chinese(analyse, a_renogram):
    image, regions = a_renogram
    size = ("--weight-kg", 60, "--height-cm", 165)

    missing, _, complaint = analyse("gfr", image, "--rois", regions, *size)
    status, table, _ = analyse(
        "gfr",
        image,
        "--rois",
        regions,
        *size,
        "--syringe-counts",
        9e6,
        "--empty-counts",
        1e5,
        "--language",
        "zh",
    )

    assert missing == 2
    assert "--syringe-counts" in complaint
    assert status == 0
    assert "肾小球滤过率" in table


def test_a_refusal_is_an_answer_in_json_and_ends_with_one(analyse, a_renogram, tmp_path):
    image, _ = a_renogram
    faulty = tmp_path / "faulty.json"
    faulty.write_text("{}")

    status, told, complaint = analyse("renogram", image, "--rois", faulty, "--json")

    assert status == 1
    assert told["reason"] == "bad_regions"
    assert "感兴趣区" in complaint


def test_an_unknown_study_is_a_wrong_call(analyse):
    assert analyse("horoscope")[0] == 2
    assert analyse("renogram", "--help")[0] == 0


def test_a_series_of_two_views_is_refused_until_one_is_named(analyse, tmp_path):
    phantom = planar.renogram(seed=1)
    views = {"anterior": np.zeros_like(phantom.frames), "posterior": phantom.frames}
    image = write_nm(tmp_path / "two.dcm", views, duration_s=phantom.duration_s)
    regions = rois(tmp_path, phantom.regions)

    refused = analyse("renogram", image, "--rois", regions, "--json")
    named = analyse("renogram", image, "--rois", regions, "--json", "--view", "posterior")

    assert refused[1]["reason"] == "views_ambiguous"
    assert values(named[1])["left_split_percent"] == pytest.approx(40.0, abs=1.0)

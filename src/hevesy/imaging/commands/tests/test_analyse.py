import json
import subprocess
import sys

import numpy as np
import pydicom
import pytest

from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Ellipse, Rectangle
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
    answer = json.loads(done.stdout)
    assert answer["status"] == "ok"
    told = values(answer)
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


def test_a_gated_blood_pool_is_read_from_its_files(analyse, tmp_path):
    phantom = planar.gated_blood_pool(seed=3)
    views = {"anterior": phantom.frames}
    image = write_nm(tmp_path / "muga.dcm", views, kind="GATED", slot_s=0.8 / 24)

    status, told, _ = analyse("mugaef", image, "--rois", rois(tmp_path, phantom.regions), "--json")

    assert status == 0
    assert values(told)["ef_percent"] == pytest.approx(60.0, abs=2.0)
    assert told["inputs"]["cycle_s"] == pytest.approx(0.8, abs=0.001)


def test_gastric_emptying_reads_one_file_per_time_point(analyse, tmp_path):
    phantom, posterior = planar.stomach(seed=5)
    files = [
        write_nm(
            tmp_path / f"{n}.dcm",
            {"anterior": phantom.frames[n : n + 1], "posterior": posterior[n : n + 1]},
            kind="STATIC",
            duration_s=[60.0],
        )
        for n in range(6)
    ]
    common = [*files, "--rois", rois(tmp_path, phantom.regions), "--json"]

    refused = analyse("gastric", *common)
    status, told, _ = analyse("gastric", *common, "--minutes", 0, 30, 60, 120, 180, 240)

    assert refused[1]["reason"] == "time_points"
    assert status == 0
    assert values(told)["half_time_min"] == pytest.approx(90.0, rel=0.03)


def test_thyroid_uptake_by_probe_needs_no_image_but_all_its_counts(analyse):
    counts = ("--neck", 9000, "--thigh", 1200, "--capsule", 30_200, "--hours", 24)
    gland = ("--lobe-cm", 5, 2, 2, "--lobe-cm", 5, 2, 2, "--mbq-per-g", 3.7)

    refused = analyse("thyroid", *counts, "--json")
    status, told, _ = analyse("thyroid", *counts, "--room", 200, *gland, "--json")

    assert refused[1]["reason"] == "options_missing"
    assert status == 0
    assert values(told)["uptake_percent"] == pytest.approx(28.347, abs=1e-3)
    # 20.944 g x 3.7 MBq/g / 0.28347
    assert values(told)["therapy_mbq"] == pytest.approx(273.37, abs=0.05)


def test_lungs_and_their_shunt_are_read_from_front_and_back(analyse, tmp_path):
    parts = [
        f"{side}_{part}" for side in ("left", "right") for part in ("upper", "middle", "lower")
    ]
    shares = dict.fromkeys(parts, 0.02) | {"liver": 0.88}
    phantom, posterior = planar.chest(shares=shares, depth_cm={}, seed=1)
    both = {"anterior": phantom.frames, "posterior": posterior}
    image = write_nm(tmp_path / "maa.dcm", both, kind="STATIC", duration_s=[300.0])
    regions = rois(tmp_path, phantom.regions)
    lobe = ("--ventilation", image, "--fev1-l", 2.0, "--removed", "left")

    _, shunt, _ = analyse("lungshunt", image, "--rois", regions, "--json")
    _, flow, _ = analyse("lungvq", image, "--rois", regions, *lobe, "--json")

    assert values(shunt)["shunt_percent"] == pytest.approx(12.0, abs=0.5)
    assert values(flow)["ppo_fev1_l"] == pytest.approx(1.0, abs=0.05)
    assert values(flow)["left_upper_vq"] == pytest.approx(1.0)


def test_every_other_study_answers_from_files(analyse, tmp_path):
    disc, box = Ellipse((30, 30), (8, 8)), Rectangle((2, 50), (10, 8))
    level = np.array([2000.0, 4000.0, 3000.0, 1000.0])
    frames = planar.paint([(disc, level)], np.full(4, 2.0))
    image = write_nm(tmp_path / "d.dcm", {"anterior": frames}, duration_s=[60.0] * 4)
    early, late = (
        write_nm(
            tmp_path / f"{n}.dcm", {"anterior": frames[n : n + 1]}, kind="STATIC", duration_s=[60]
        )
        for n in (1, 3)
    )
    regions = tuple(
        Region(role, role, disc) for role in ("left_parotid", "gallbladder", "reference", "nodule")
    )
    regions += (Region("rest", "thyroid", disc), Region("BG", "background", box))
    drawn = ("--rois", rois(tmp_path, RegionSet(64, 64, regions)), "--json")

    salivary = analyse("salivary", image, *drawn, "--stimulus-s", 120)
    biliary = analyse("hepatobiliary", image, *drawn, "--stimulus-s", 60)
    curves = analyse("timeactivity", image, *drawn, "--interval-s", "0:120")
    washout = analyse("parathyroid", early, late, *drawn, "--between-s", 1e-3)
    lonely = analyse("parathyroid", early, *drawn)
    subtracted = analyse("parathyroid", early, late, *drawn, "--subtract")

    assert [one[0] for one in (salivary, biliary, curves, washout)] == [0, 0, 0, 0]
    assert values(salivary[1])["left_parotid_excretion_percent"] == pytest.approx(75, abs=1.5)
    assert values(biliary[1])["gbef_percent"] == pytest.approx(75, abs=1.5)
    assert values(curves[1])["nodule_to_reference_0_120_s"] == pytest.approx(1.0)
    assert values(washout[1])["nodule_washout_percent"] == pytest.approx(75, abs=1.5)
    assert lonely[1]["reason"] == "two_images"
    # The nodule covers the whole gland: nothing is left to scale with.
    assert subtracted[1]["reason"] == "no_thyroid"


def test_what_the_reader_doubts_about_an_image_is_part_of_the_answer(analyse, a_renogram):
    image, regions = a_renogram
    dataset = pydicom.dcmread(image)
    dataset.LossyImageCompression = "01"
    dataset.save_as(image)

    _, told, _ = analyse("renogram", image, "--rois", regions, "--json")

    assert "lossy" in [one["key"] for one in told["findings"]]

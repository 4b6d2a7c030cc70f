"""Every study of `hevesy image analyse` draws a picture that opens, and keeps its numbers."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from hevesy.imaging.analyse import plots
from hevesy.imaging.analyse.brain.regions import coarse_regions, standard_grid
from hevesy.imaging.analyse.regions import Region, RegionSet
from hevesy.imaging.analyse.shapes import Ellipse, Rectangle
from hevesy.imaging.commands import main
from hevesy.imaging.commands.analyse import STUDIES
from hevesy.imaging.commands.tests.nm_files import write_nm
from hevesy.imaging.commands.tests.test_analyse_volumes import write_recon
from hevesy.imaging.commands.tests.test_earl import TRUE, phantom
from hevesy.imaging.phantoms import planar
from hevesy.imaging.phantoms.brain import make_brain
from hevesy.imaging.phantoms.heart import make_beating_heart

PROBE = ("--neck", 9000, "--thigh", 1200, "--capsule", 30_200, "--room", 200, "--hours", 24)


def rois(folder, regions):
    path = folder / "rois.json"
    path.write_text(json.dumps(regions.as_json()), "utf-8")
    return ("--rois", path)


def renogram(folder):
    phantom = planar.renogram(seed=1)
    views = {"posterior": phantom.frames}
    image = write_nm(folder / "d.dcm", views, duration_s=phantom.duration_s)
    return [image, *rois(folder, phantom.regions)]


def gfr(folder):
    syringe = ("--syringe-counts", 9e6, "--empty-counts", 1e5)
    return [*renogram(folder), *syringe, "--weight-kg", 60, "--height-cm", 165]


def mugaef(folder):
    phantom = planar.gated_blood_pool(seed=3)
    views = {"anterior": phantom.frames}
    image = write_nm(folder / "m.dcm", views, kind="GATED", slot_s=0.8 / 24)
    return [image, *rois(folder, phantom.regions)]


def gastric(folder):
    phantom, posterior = planar.stomach(seed=5)
    both = [(phantom.frames[n : n + 1], posterior[n : n + 1]) for n in range(6)]
    files = [
        write_nm(
            folder / f"{n}.dcm",
            {"anterior": front, "posterior": back},
            kind="STATIC",
            duration_s=[60.0],
        )
        for n, (front, back) in enumerate(both)
    ]
    return [*files, *rois(folder, phantom.regions), "--minutes", 0, 30, 60, 120, 180, 240]


def lungs(folder):
    parts = [
        f"{side}_{part}" for side in ("left", "right") for part in ("upper", "middle", "lower")
    ]
    shares = dict.fromkeys(parts, 0.02) | {"liver": 0.88}
    phantom, posterior = planar.chest(shares=shares, depth_cm={}, seed=1)
    both = {"anterior": phantom.frames, "posterior": posterior}
    image = write_nm(folder / "maa.dcm", both, kind="STATIC", duration_s=[300.0])
    return [image, *rois(folder, phantom.regions)]


def discs(folder):
    """Four frames of 60 s with one disc, the first and third as images of their own, and regions."""
    disc, box = Ellipse((30, 30), (8, 8)), Rectangle((2, 50), (10, 8))
    frames = planar.paint([(disc, np.array([2000.0, 4000, 3000, 1000]))], np.full(4, 2.0))
    dynamic = write_nm(folder / "d.dcm", {"anterior": frames}, duration_s=[60.0] * 4)
    still = [
        write_nm(
            folder / f"{n}.dcm", {"anterior": frames[n : n + 1]}, kind="STATIC", duration_s=[60]
        )
        for n in (1, 3)
    ]
    roles = ("left_parotid", "gallbladder", "reference", "nodule", "thyroid")
    regions = [Region(role, role, disc) for role in roles]
    drawn = RegionSet(64, 64, (*regions, Region("BG", "background", box)))
    return dynamic, still, rois(folder, drawn)


def bsi(folder):
    views = {"anterior": np.ones((1, 64, 64))}
    image = write_nm(folder / "bone.dcm", views, kind="STATIC", duration_s=[60.0])
    disc = Ellipse((30, 30), (8, 8))
    drawn = RegionSet(64, 64, tuple(Region(role, role, disc) for role in ("pelvis", "lesion")))
    return [image, *rois(folder, drawn)]


def gatedspect(folder):
    gates = make_beating_heart(gates=4).gates
    image = write_recon(folder / "gated.dcm", gates, 6.0, scale=100.0)
    return [image, "--fwhm-mm", 12, "--orientation", "short-axis"]


def brain(folder, count, *, voxel_mm=8.0):
    regions = coarse_regions(*standard_grid(voxel_mm))
    place = regions.ijk_to_lps[:3, 3]
    images = [make_brain(regions, seed=n) for n in range(count)]
    return [
        write_recon(folder / f"n{n}" / "b.dcm", one[None] / one.max(), voxel_mm, place, scale=3e4)
        for n, one in enumerate(images)
    ]


def brainnormals(folder):
    folders = [one.parent for one in brain(folder, 20)]
    database = folder / "normals.npz"
    return [*folders, "--voxel-mm", 8, "--tracer", "FDG", "--out", database]


def brainz(folder):
    assert main(["analyse", "brainnormals", *map(str, brainnormals(folder))]) == 0
    database = folder / "normals.npz"
    checksum = hashlib.sha256(database.read_bytes()).hexdigest()
    patient = folder / "n3" / "b.dcm"
    return [patient, "--voxel-mm", 8, "--normals", database, "--normals-sha256", checksum]


def spectsuv(folder):
    table = folder / "cameras.toml"
    table.write_text(
        '[calibration.one]\nnuclide = "Tc-99m"\ncollimator = "LEHR"\nreconstruction = "OSEM"\n'
        'counts_per_s_per_bq = 1e-4\nsource = "site"\nchecked = true\n'
    )
    image = write_recon(folder / "r.dcm", np.full((1, 6, 6, 6), 500.0), 5.0)
    camera = ("--calibrations", table, "--calibration", "one", "--nuclide", "Tc-99m")
    dose = ("--injected-mbq", 700, "--since-injection-s", 0, "--weight-kg", 70)
    return [image, *camera, "--duration-s", 1000, *dose]


def cameracalibration(folder):
    image = write_recon(folder / "r.dcm", np.full((1, 8, 8, 8), 500.0), 5.0)
    filling = ("--activity-mbq", 100, "--volume-ml", 5000, "--nuclide", "Tc-99m")
    setup = ("--collimator", "LEHR", "--reconstruction", "OSEM", "--key", "a", "--source", "site")
    return [image, "--cylinder", 17, 17, 17, 15, 30, *filling, "--duration-s", 900, *setup]


def measured(folder):
    """An answer of `hevesy image measure` in SUL: lesion, mediastinum and liver."""
    regions = [
        {
            "number": number,
            "status": "ok",
            "statistics": {"max": top, "mean": top, "std": 0.1, "TLG_SUVlbmjanma_ml": 9.0},
            "peak": {"value": top},
        }
        for number, top in ((1, 8.0), (2, 1.2), (3, 1.6))
    ]
    path = folder / "measured.json"
    path.write_text(json.dumps({"status": "ok", "units": "SUVlbmjanma", "regions": regions}))
    return path


def percist(folder):
    rows = ("--lesions", 1, "--liver", 3, "--follow-up-lesions", 1, "--follow-up-liver", 3)
    return [measured(folder), measured(folder), *rows]


def deauville(folder):
    return [measured(folder), "--lesions", 1, "--mediastinum", 2, "--liver", 3]


def lutetium(folder):
    hours = [4.0, 24.0, 96.0]
    region = {
        "name": "左肾",
        "time_h": hours,
        "activity_mbq": [80 * 0.5 ** (t / 50) for t in hours],
    }
    path = folder / "t.json"
    path.write_text(json.dumps({"injected_mbq": 7400, "regions": [region]}))
    return [path]


def patlak(folder):
    ends = np.arange(1.0, 61.0)
    told = {"start_min": list(ends - 1), "end_min": list(ends), "tissue": list(0.15 * ends + 2)}
    path = folder / "p.json"
    path.write_text(json.dumps(told | {"input_time_min": [0, 30, 60], "input": [5, 5, 5]}))
    return [path]


def of_discs(*options, images="dynamic"):
    def given(folder):
        dynamic, still, drawn = discs(folder)
        files = {"dynamic": [dynamic], "both": still}[images]
        return [*files, *drawn, *options]

    return given


BONE = ("--reference", "us_female_femoral_neck_updated", "--sex", "F", "--age-years", 64)
CALLS = {
    "renogram": renogram,
    "gfr": gfr,
    "mugaef": mugaef,
    "gastric": gastric,
    "thyroid": lambda folder: PROBE,
    "lungvq": lungs,
    "lungshunt": lungs,
    "parathyroid": of_discs("--between-s", 1e-3, images="both"),
    "salivary": of_discs("--stimulus-s", 120),
    "hepatobiliary": of_discs("--stimulus-s", 60),
    "timeactivity": of_discs("--interval-s", "0:120"),
    "gatedspect": gatedspect,
    "brainz": brainz,
    "brainnormals": brainnormals,
    "dat": lambda folder: brain(folder, 1, voxel_mm=4.0),
    "amyloid": lambda folder: [*brain(folder, 1, voxel_mm=4.0), "--tracer", "florbetaben"],
    "bsi": bsi,
    "bmd": lambda folder: ["--bmd", 0.767, *BONE],
    "spectsuv": spectsuv,
    "cameracalibration": cameracalibration,
    "lutetium": lutetium,
    "patlak": patlak,
    "earl": lambda folder: [phantom(folder / "pet", 6.0), *TRUE],
    "percist": percist,
    "deauville": deauville,
}


@pytest.mark.parametrize("study", STUDIES)
def test_every_study_draws_a_picture_that_opens(study, tmp_path, capsys):
    call = [*CALLS[study](tmp_path), "--json", "--plot", tmp_path / "plot.png"]
    capsys.readouterr()

    status = main(["analyse", study, *map(str, call)])

    told = json.loads(capsys.readouterr().out)
    assert (status, told["status"]) == (0, "ok")
    assert told["plot"] == str(tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    # More than a white page: lines or an image stand on it.
    assert min(pixels.shape) > 300
    assert np.mean(pixels < 200) > 0.001


def test_the_uptake_of_the_probe_stands_between_the_ends_of_its_range(tmp_path, capsys):
    plot = tmp_path / "plot.svg"

    status = main(["analyse", "thyroid", *map(str, PROBE), "--json", "--plot", str(plot)])

    told = json.loads(capsys.readouterr().out)
    assert (status, told["measures"][0]["value"]) == (0, pytest.approx(28.347, abs=1e-3))
    assert "highest normal" in plot.read_text("utf-8")


def test_a_picture_that_cannot_be_made_withholds_no_number(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plots, "_CHINESE_FONTS", [])
    call = [*PROBE, "--json", "--plot", tmp_path / "plot.png", "--language", "zh"]

    status = main(["analyse", "thyroid", *map(str, call)])

    told = json.loads(capsys.readouterr().out)
    assert (status, told["plot"]) == (0, None)
    assert told["measures"][0]["key"] == "uptake_percent"
    assert "no_chinese_font" in [one["key"] for one in told["findings"]]
    with pytest.raises(SystemExit):
        main(["analyse", "thyroid", *map(str, PROBE), "--plot", "plot.pdf"])

"""PERCIST, Deauville and qPET from what other verbs answered."""

import json

import numpy as np
import pytest
import SimpleITK

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.running import write_pet


@pytest.fixture
def image(capsys):
    def run(*arguments):
        status = main([*map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def scans(image, tmp_path):
    """Two answers of measure in SUL: lesion 1, mediastinum 2, liver 3; the lesion falls by half."""
    labels = np.zeros((12, 24, 24), np.uint8)
    labels[2:8, 3:9, 3:9], labels[2:8, 3:9, 14:20], labels[2:8, 14:20, 3:9] = 1, 2, 3
    mask = tmp_path / "regions.nii.gz"
    drawn = SimpleITK.GetImageFromArray(labels)
    drawn.SetSpacing((4, 4, 4))
    SimpleITK.WriteImage(drawn, mask)
    lean = 9270 / (6680 + 216 * 70 / 1.75**2)
    answers = []
    for name, lesion in (("before", 10.0), ("after", 5.0)):
        sul = np.select([labels == 1, labels == 2, labels == 3], [lesion, 1.2, 1.6], 0.5)
        folder = write_pet(tmp_path / name, sul / lean)
        size = ("--type", "lbmjanma", "--sex", "M")
        status, told = image("measure", folder, "--mask", mask, *size)
        assert status == 0
        answers.append(tmp_path / f"{name}.json")
        answers[-1].write_text(json.dumps(told), "utf-8")
    return answers


def value(told, key):
    return next(one["value"] for one in told["measures"] if one["key"] == key)


@pytest.mark.clause("6.15")
def test_percist_is_read_from_two_measured_scans(image, scans, tmp_path):
    rows = ("--lesions", 1, "--liver", 3, "--follow-up-lesions", 1, "--follow-up-liver", 3)
    plot = tmp_path / "plot.png"

    status, told = image("analyse", "percist", *scans, *rows, "--plot", plot)
    _, new = image("analyse", "percist", *scans, *rows, "--new-lesion")
    _, gone = image("analyse", "percist", *scans, *rows[:4], "--follow-up-lesions",
                    "--follow-up-liver", 3)  # fmt: skip

    (verdict,) = told["verdicts"]
    assert (status, verdict["value"], verdict["checked"]) == (0, "PMR", False)
    # A region of 24 mm holds the 1 cm3 sphere: its peak is the plateau.
    assert value(told, "sulpeak_before") == pytest.approx(10, rel=2e-3)
    assert value(told, "sulpeak_change_percent") == pytest.approx(-50, abs=0.1)
    assert value(told, "tlg_change_percent") == pytest.approx(-50, abs=0.1)
    assert value(told, "threshold_sul") == pytest.approx(1.5 * 1.6, rel=2e-3)
    assert verdict["reasons"] == [{"text_en": "SULpeak has fallen", "text_zh": "SULpeak 下降"}]
    assert new["verdicts"][0]["value"] == "PMD"
    assert gone["verdicts"][0]["value"] == "CMR"
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.clause("6.15")
def test_deauville_and_qpet_are_read_from_one_measured_scan(image, scans, tmp_path):
    rows = ("--mediastinum", 2, "--liver", 3)
    plot = tmp_path / "plot.png"

    status, told = image("analyse", "deauville", scans[1], "--lesions", 1, *rows, "--plot", plot)
    _, none = image("analyse", "deauville", scans[1], *rows, "--lesions")

    # 5 is above twice the liver; 5 / 1.6 is above 2.
    assert [one["value"] for one in told["verdicts"]] == [5, 5]
    assert (status, value(told, "deauville_score")) == (0, 5)
    assert value(told, "qpet") == pytest.approx(5 / 1.6, rel=3e-3)
    assert (value(none, "deauville_score"), value(none, "qpet")) == (1, None)
    assert plot.exists()


def test_what_cannot_be_compared_is_refused_by_name(image, scans, tmp_path):
    body = json.loads(scans[0].read_text("utf-8"))
    tlg = {"TLG_SUVbw_ml": 1.0}
    for region in body["regions"]:
        region["statistics"] |= tlg
    other = tmp_path / "bw.json"
    other.write_text(json.dumps(body | {"units": "SUVbw"}), "utf-8")
    empty = tmp_path / "empty.json"
    empty.write_text('{"status": "refused"}')
    rows = ("--lesions", 1, "--liver", 3)

    calls = {
        "not_sul": ("percist", other, scans[1], *rows),
        "bad_reading": ("percist", empty, scans[1], *rows),
        "no_such_row": ("percist", *scans, "--lesions", 7, "--liver", 3),
        "no_reference_region": ("percist", *scans, "--lesions", 1),
    }
    for reason, call in calls.items():
        status, told = image("analyse", *call)
        assert (reason, status, told["reason"]) == (reason, 1, reason)


def test_rows_of_a_lesion_table_are_read_with_its_own_liver():
    from hevesy.imaging.analyse.readings import Chosen, reading_of

    row = {"suv_max": 9, "suv_peak": 7, "suv_mean": 6, "suv_std": 1, "tlg_ml": 60}
    told = {
        "status": "ok",
        "units": "SUVlbmjanma",
        "liver": {"mean": 1.5, "std": 0.1},
        "blood_pool": None,
        "lesions": [row | {"number": 1, "included": True}, row | {"number": 2, "included": False}],
        "suv": {"inputs": {"decay_s": 3600.0, "dose_bq": 3.7e8}},
    }

    scan = Chosen().scan(reading_of(told))

    assert (scan.lesion_peaks, scan.liver, scan.blood_pool) == ((7,), (1.5, 0.1), None)
    assert (scan.tlg_ml, scan.uptake_min, scan.dose_mbq) == (60, 60, 370)

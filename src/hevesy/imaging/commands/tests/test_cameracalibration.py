"""A camera is calibrated with a cylinder, and SUV of another scan comes out of that row."""

import json

import numpy as np
import pytest

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.test_analyse_volumes import write_recon

# The camera and the fillings that the analysis must find again.
PER_S_PER_BQ = 8.0e-5
# Tc-99m, ICRP 107.
HALF_LIFE_S = 6.015 * 3600
VOXEL_MM = 8.0


@pytest.fixture
def analyse(capsys):
    def run(*arguments):
        status = main(["analyse", *map(str, arguments), "--json"])
        return status, json.loads(capsys.readouterr().out)

    return run


def value(told, key):
    return next(one["value"] for one in told["measures"] if one["key"] == key)


def scanned(path, bq_per_ml, duration_s, radius_mm=60.0):
    """A cylinder as the camera counts it, decaying during the scan; the decay is summed in steps."""
    t = (np.arange(10_000) + 0.5) * duration_s / 10_000
    decays = np.mean(2 ** (-t / HALF_LIFE_S)) * duration_s * bq_per_ml
    _, j, i = (np.indices((20, 20, 20)) - 9.5) * VOXEL_MM
    counts = np.where(np.hypot(j, i) <= radius_mm, decays * PER_S_PER_BQ * VOXEL_MM**3 / 1000, 0)
    return write_recon(path, counts[None], VOXEL_MM)


MIDDLE = 9.5 * VOXEL_MM
REGION = ("--cylinder", MIDDLE, MIDDLE, MIDDLE, 40, 100)
SETUP = ("--collimator", "LEHR", "--reconstruction", 'OSEM "4x10"\\CT', "--source", "物理师 2026")


@pytest.mark.clause("6.15")
def test_a_cylinder_calibrates_the_camera_and_another_scan_has_its_true_suv(analyse, tmp_path):
    # 370 MBq, measured one hour before the scan, in 6300 mL.
    true = 370e6 * 2 ** (-3600 / HALF_LIFE_S) / 6300
    cylinder = scanned(tmp_path / "cylinder.dcm", true, 1800.0)
    table = tmp_path / "cameras.toml"
    filling = ("--activity-mbq", 370, "--volume-ml", 6300, "--before-scan-s", 3600)
    made = ("--nuclide", "Tc-99m", "--duration-s", 1800, "--key", "gantry 1", "--out", table)

    status, told = analyse("cameracalibration", cylinder, *REGION, *filling, *made, *SETUP)

    assert status == 0
    assert value(told, "true_bq_per_ml") == pytest.approx(true, rel=1e-4)
    assert value(told, "sensitivity_counts_per_s_per_bq") == pytest.approx(PER_S_PER_BQ, rel=1e-3)
    assert value(told, "slices_sd_percent") == pytest.approx(0, abs=1e-6)
    # Another phantom of another activity and scan time: a body in which 1 g holds its share.
    patient = scanned(tmp_path / "patient.dcm", 10_000.0, 1200.0)
    call = ("--calibrations", table, "--calibration", "gantry 1", "--nuclide", "Tc-99m")
    dose = ("--injected-mbq", 10_000 * 70e3 / 1e6, "--since-injection-s", 0, "--weight-kg", 70)
    sphere = ("--sphere", MIDDLE, MIDDLE, MIDDLE, 30)
    status, found = analyse("spectsuv", patient, *call, *dose, "--duration-s", 1200, *sphere)
    assert status == 0
    assert value(found, "mean_bq_per_ml") == pytest.approx(10_000, rel=2e-3)
    assert value(found, "suv_bw_mean") == pytest.approx(1, rel=2e-3)
    assert found["inputs"]["reconstruction"] == 'OSEM "4x10"\\CT'
    assert "calibration_not_checked" in [one["key"] for one in found["findings"]]


def test_a_row_is_never_overwritten_and_an_uneven_cylinder_is_doubted(analyse, tmp_path):
    even = scanned(tmp_path / "even.dcm", 20_000.0, 900.0)
    layers = np.ones((1, 20, 20, 20)) * 500
    layers[:, ::2] = 400
    uneven = write_recon(tmp_path / "uneven.dcm", layers, VOXEL_MM)
    table = tmp_path / "cameras.toml"
    table.write_text("# of the site\n")
    made = ("--activity-mbq", 100, "--volume-ml", 5000, "--nuclide", "Tc-99m", "--duration-s", 900)

    first = analyse("cameracalibration", even, *REGION, *made, *SETUP, "--key", "a", "--out", table)
    again = analyse("cameracalibration", even, *REGION, *made, *SETUP, "--key", "a", "--out", table)
    doubted = analyse("cameracalibration", uneven, *REGION, *made, *SETUP, "--key", "b")

    assert (first[0], again[0], again[1]["reason"]) == (0, 1, "calibration_exists")
    assert table.read_text().startswith("# of the site\n")
    assert table.read_text().count("counts_per_s_per_bq") == 1
    assert [one["key"] for one in doubted[1]["findings"]] == ["uneven_cylinder"]

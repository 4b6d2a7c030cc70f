import json

import numpy as np
import pytest

from hevesy.imaging.analyse.spectsuv import (
    activity_volume,
    analyse_spect_suv,
    calibrate_camera,
    read_calibration,
)
from hevesy.imaging.geometry import Volume
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.refusal import Refused

TC = half_life_s("Tc-99m")
SENSITIVITY = 9.0e-5
SETUP = {"collimator": "LEHR", "reconstruction": "OSEM 4x10, CT-AC, PSF, TEW", "source": "site"}


def counted(bq_per_ml, *, duration_s, voxel_mm=4.8):
    """Counts that a camera of known sensitivity reconstructs, decay during the scan included."""
    rate = np.log(2) / TC
    mean = (1 - np.exp(-rate * duration_s)) / (rate * duration_s)
    array = np.asarray(bq_per_ml) * mean * duration_s * voxel_mm**3 / 1000 * SENSITIVITY
    return Volume(array, np.diag([voxel_mm] * 3 + [1.0]), "CNTS", "NM")


@pytest.fixture
def calibration():
    cylinder = counted(np.full((12, 12, 12), 40e3), duration_s=1800.0)
    return calibrate_camera(
        cylinder,
        np.ones((12, 12, 12), bool),
        key="gantry_1",
        activity_bq_per_ml=40e3,
        duration_s=1800.0,
        nuclide_name="Tc-99m",
        **SETUP,
    )


def test_a_cylinder_gives_the_cameras_sensitivity(calibration):
    assert calibration.counts_per_s_per_bq == pytest.approx(SENSITIVITY, rel=1e-9)
    assert calibration.relative_sd == pytest.approx(0, abs=1e-9)


def test_voxel_size_and_scan_time_do_not_change_the_concentration(calibration):
    for voxel_mm, duration_s in ((4.8, 600.0), (2.4, 5400.0)):
        counts = counted(np.full((4, 4, 4), 12e3), duration_s=duration_s, voxel_mm=voxel_mm)
        found = activity_volume(counts, calibration, duration_s=duration_s, nuclide_name="Tc-99m")
        np.testing.assert_allclose(found.array, 12e3, rtol=1e-6)


def test_activity_spread_evenly_through_the_body_has_suv_one(calibration):
    left_bq = 700e6 * 0.5 ** (3 * 3600 / TC)
    counts = counted(np.full((5, 5, 5), left_bq / 70e3), duration_s=1200.0)

    found = analyse_spect_suv(
        counts,
        calibration,
        duration_s=1200.0,
        nuclide_name="99mTc",
        injected_mbq=700.0,
        since_injection_s=3 * 3600.0,
        weight_kg=70.0,
        height_m=1.75,
        sex="M",
        kinds=("BW", "LBMJANMA"),
    )

    assert found.value("suv_bw_mean") == pytest.approx(1.0, rel=1e-6)
    assert found.value("suv_bw_sd") == pytest.approx(0.0, abs=1e-6)
    lean = 9270 * 70 / (6680 + 216 * 70 / 1.75**2)
    assert found.value("suv_lbmjanma_max") == pytest.approx(lean / 70, rel=1e-6)
    json.dumps(found.as_json(), allow_nan=False)


def test_a_calibration_is_kept_in_the_sites_table(calibration, tmp_path):
    table = tmp_path / "cameras.toml"
    table.write_text(calibration.as_toml(), "utf-8")
    again = read_calibration(table, "gantry_1")
    assert again.counts_per_s_per_bq == pytest.approx(SENSITIVITY, rel=1e-7)
    with pytest.raises(Refused, match="no calibration"):
        read_calibration(table, "gantry_2")


def test_another_nuclide_is_refused(calibration):
    counts = counted(np.ones((4, 4, 4)), duration_s=600.0)
    with pytest.raises(Refused, match="other_nuclide"):
        activity_volume(counts, calibration, duration_s=600.0, nuclide_name="Lu-177")

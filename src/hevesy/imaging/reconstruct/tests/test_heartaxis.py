import json
from pathlib import Path

import numpy as np
import pytest

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.phantoms.heart import make_lying_heart
from hevesy.imaging.reconstruct.heartaxis import find_heart_axis, stated_axis
from hevesy.imaging.reconstruct.reorient import short_axis
from hevesy.imaging.refusal import Refused

BASE = np.array([20.0, -10.0, 10.0])
USUAL = (0.6, -0.7, -0.35)


def lying(axis=USUAL, *, long_mm=65.0, **changes):
    line = np.array(axis) / np.linalg.norm(axis)
    apex = BASE + long_mm * line
    volume = make_lying_heart(base_lps=tuple(BASE), apex_lps=tuple(apex), **changes)
    return volume, line, apex


def degrees(one, other):
    return np.degrees(np.arccos(np.clip(one @ other, -1, 1)))


AXES = [USUAL, (0.9, -0.4, -0.1), (0.5, -0.6, -0.6), (0.4, -0.9, -0.15)]
HEARTS = [
    {},
    {"defect": (30.0, 100.0, 0.2)},
    {"defect": (200.0, 290.0, 0.1), "counts": 30.0},
    {"wide_mm": 20.0, "long_mm": 45.0},
    {"defect": (30.0, 100.0, 0.2), "counts": 30.0, "liver": 1.2},
]


def assert_found(axis, changes):
    volume, line, apex = lying(axis, **changes)

    found = find_heart_axis(volume)

    assert degrees(found.towards_apex, line) < 5.0
    assert np.linalg.norm(found.base_lps - BASE) < 6.4
    # To the middle of the wall at the apex; blur takes some millimetres of so bent a wall.
    assert np.linalg.norm(found.apex_lps - (apex + 5 * line)) < 6.4
    assert found.findings == ()
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["source"] == "found"


@pytest.mark.parametrize(
    ("axis", "changes"), [(AXES[n % len(AXES)], HEARTS[n]) for n in range(len(HEARTS))]
)
def test_the_long_axis_is_found_within_five_degrees(axis, changes):
    assert_found(axis, changes)


@pytest.mark.soak
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("changes", HEARTS)
def test_every_heart_is_found_along_every_axis(axis, changes):
    assert_found(axis, changes)


def test_a_dark_apex_leaves_the_axis_and_raises_a_doubt():
    volume, line, _ = lying(defect=(0.0, 360.0, 0.15))

    found = find_heart_axis(volume)

    assert degrees(found.towards_apex, line) < 5.0
    assert [one.key for one in found.findings] == ["heart_axis_unsure"]


def test_a_heart_on_the_right_is_found_and_pointed_out():
    volume, line, _ = lying()
    mirrored = volume.with_values(volume.array[:, :, ::-1].copy(), units="CNTS")

    found = find_heart_axis(mirrored)

    assert degrees(found.towards_apex, line * (-1, 1, 1)) < 5.0
    assert "seldom" in found.findings[0].text_en


def test_what_holds_no_ventricle_is_refused():
    volume, _, _ = lying(wall_mm=0.01)
    noise = np.random.default_rng(1).poisson(20.0, volume.array.shape)
    ball = np.zeros(volume.array.shape)
    ball[10:20, 15:30, 15:30] = 100.0
    for values in (volume.array, noise, ball, np.zeros(volume.array.shape)):
        with pytest.raises(Refused, match="heart_not_found"):
            find_heart_axis(volume.with_values(values.astype(np.float32), units="CNTS"))


def test_the_heart_of_a_patient_is_put_upright(real_dicom):
    volume = read_series([Path(real_dicom) / "derived/mpi_spect_sim/stress_recon.dcm"])

    found = find_heart_axis(volume)

    # Left, forward and down, as hearts lie; and its short-axis slices are rings.
    assert found.towards_apex[0] > 0.3
    assert found.towards_apex[1] < -0.3
    turned = short_axis(
        volume, apex_lps=found.apex_lps, base_lps=found.base_lps, spacing_mm=4.0
    ).array
    middle = np.array(turned.shape) // 2
    cavity = turned[middle[0], middle[1], middle[2]]
    j, i = np.indices(turned.shape[1:]) - middle[1]
    ring = np.abs(np.hypot(j, i) * 4.0 - 32.0) < 6.0
    turn = np.degrees(np.arctan2(j, i)) // 30
    sectors = [turned[middle[0]][ring & (turn == one)].max() for one in np.unique(turn[ring])]
    assert min(sectors) > 1.3 * cavity


def test_an_axis_that_a_person_drew_is_kept():
    stated = stated_axis(apex_lps=(60, -60, -15), base_lps=(20, -10, 10))

    assert stated.as_json()["source"] == "stated"
    assert stated.as_json()["residual_mm"] is None

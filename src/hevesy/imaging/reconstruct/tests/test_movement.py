import json
from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.commands.reconstruct import recorded
from hevesy.imaging.dicomio.nm_write import TomoHeader, recon_tomo_dataset, tomo_dataset
from hevesy.imaging.reconstruct.acquisition import acquisition
from hevesy.imaging.reconstruct.movement import find_shifts, shifted
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import Settings, reconstruct
from hevesy.imaging.reconstruct.tests.conftest import simulated
from hevesy.imaging.reconstruct.tests.test_checks import BODIES

JUMP = 25


def jumped(counts, pixels, axis):
    moved = counts.copy()
    moved[JUMP:] = np.roll(moved[JUMP:], pixels, axis=axis)
    return moved


@pytest.mark.parametrize(("axis", "name"), [(2, "axial_px"), (1, "lateral_px")])
def test_a_jump_of_two_pixels_is_measured_and_taken_back(axis, name):
    places = simulated(BODIES, views=40, rows=24)
    moved = places.with_counts(jumped(places.counts, 2, axis))

    shifts, notes = find_shifts(moved)

    truth = np.where(np.arange(40) < JUMP, 0.0, 2.0)
    assert getattr(shifts, name) == pytest.approx(truth, abs=0.2)
    other = {"axial_px", "lateral_px"} - {name}
    assert not getattr(shifts, other.pop()).any()
    assert [note.key for note in notes] == ["motion_corrected"]
    assert shifts.text == ("26-40:+2,+0" if axis == 2 else "26-40:+0,+2")
    if axis == 2:
        straight = shifted(moved, shifts).counts[:, :, 4:-4]
        assert straight == pytest.approx(
            places.counts[:, :, 4:-4], abs=0.03 * float(places.counts.max())
        )


def test_most_views_stay_and_a_view_that_moved_away_and_back_is_moved_alone():
    places = simulated(BODIES, views=40, rows=24)
    counts = places.counts.copy()
    counts[10:13] = np.roll(counts[10:13], -2, axis=2)

    shifts, _ = find_shifts(places.with_counts(counts))

    truth = np.zeros(40)
    truth[10:13] = -2.0
    assert shifts.axial_px == pytest.approx(truth, abs=0.25)


def test_who_lay_still_is_not_moved():
    places = simulated(BODIES, views=40, rows=20)
    noisy = places.with_counts(np.random.default_rng(3).poisson(places.counts * 4))

    shifts, notes = find_shifts(noisy)

    assert not shifts.any
    assert not notes


def test_the_heart_of_a_patient_that_jumps_is_put_back(real_dicom):
    places = acquisition(read_tomo(real_dicom / "derived/mpi_spect_sim/stress_tomo.dcm"), window=0)
    for axis, name in ((2, "axial_px"), (1, "lateral_px")):
        shifts, _ = find_shifts(places.with_counts(jumped(places.counts, 2, axis)))

        truth = np.where(np.arange(64) < JUMP, -2.0, 0.0)
        assert getattr(shifts, name) == pytest.approx(truth, abs=0.3)
    assert not find_shifts(places)[0].any


def test_a_corrected_reconstruction_is_that_of_one_who_lay_still_and_says_so():
    places = simulated(BODIES, views=40, rows=24)
    planes = 50 * places.counts.transpose(0, 2, 1)[:, ::-1]
    header = TomoHeader(0.0, 9.0, "CC", (9.6, 9.6), [200.0] * 40, frame_s=0.001)
    still = read_tomo(tomo_dataset(planes[None, None, None], header))
    moved_rows = planes.copy()
    moved_rows[JUMP:] = np.roll(np.roll(planes[JUMP:], -2, axis=1), 2, axis=2)
    moved = replace(still, counts=moved_rows[None, None].astype(np.float32))
    kept = moved.counts.copy()
    settings = Settings(iterations=2, subsets=5)

    truth = reconstruct(still, settings).summed.array
    made = reconstruct(moved, replace(settings, correct_motion=True))
    wrong = reconstruct(moved, settings).summed.array

    inner = slice(4, -4)
    error = np.abs(made.summed.array - truth)[inner].mean()
    assert error < 0.25 * np.abs(wrong - truth)[inner].mean()
    np.testing.assert_array_equal(moved.counts, kept)
    assert made.method.endswith("MC")
    assert made.as_json()["parameters"]["motion_shifts"]["axial_px"][-1] == pytest.approx(
        2, abs=0.2
    )
    written = recon_tomo_dataset(
        (made.summed,), still.source, recorded(made), series_description=""
    )
    assert json.loads(written.DerivationDescription)["motion_corrected"] == "26-40:+2,+2"
    assert "MOTN" in written.CorrectedImage

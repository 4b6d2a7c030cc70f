import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import Ellipsoid, sphere
from hevesy.imaging.reconstruct.acquisition import acquisition
from hevesy.imaging.reconstruct.checks import centre_of_rotation, linogram, motion, sinogram
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.tests.conftest import simulated

BODIES = [
    Ellipsoid((0, 0, 0), (110, 80, 60), 1.0, 0.0154),
    sphere((45, -25, 10), 40, activity=8.0),
]


@pytest.mark.parametrize("shift_px", [-1.3, 0.7])
def test_a_shifted_axis_is_found(shift_px):
    straight = simulated(BODIES, views=32, rows=16)
    shifted = simulated(BODIES, views=32, rows=16, axis_px=shift_px)
    # The acquisition believes that the axis is in the middle.
    believed = straight.with_counts(shifted.counts)

    (fit,), findings = centre_of_rotation(believed)

    assert fit.offset_px == pytest.approx(shift_px, abs=0.1)
    assert fit.offset_mm == pytest.approx(shift_px * 9.6, abs=1.0)
    assert [found.key for found in findings] == ["axis_shift"]


def test_a_camera_in_order_is_not_blamed():
    (fit,), findings = centre_of_rotation(simulated(BODIES, views=32, rows=16))

    assert abs(fit.offset_px) < 0.1
    assert fit.reliable
    assert not findings


def test_half_a_turn_gives_a_fit_that_is_not_called_reliable():
    straight = simulated(BODIES, views=32, arc=180.0, rows=16)
    shifted = simulated(BODIES, views=32, arc=180.0, rows=16, axis_px=2.0)

    (fit,), findings = centre_of_rotation(straight.with_counts(shifted.counts))

    assert abs(fit.offset_px) > 0.5
    assert not fit.reliable
    assert not findings


def test_each_detector_is_fitted_by_itself():
    places = simulated(BODIES, views=32, rows=16)
    shifted = simulated(BODIES, views=32, rows=16, axis_px=1.0)
    counts = places.counts.copy()
    counts[1::2] = shifted.counts[1::2]

    fits, findings = centre_of_rotation(places.with_counts(counts), np.arange(32) % 2 + 1)

    assert [fit.detector for fit in fits] == [1, 2]
    assert abs(fits[0].offset_px) < 0.1
    assert fits[1].offset_px == pytest.approx(1.0, abs=0.1)
    assert [found.values["detector"] for found in findings] == [2]


@pytest.mark.parametrize(("axis", "name"), [(1, "axial_px"), (0, "lateral_px")])
def test_a_jump_is_found_where_it_happened(axis, name):
    places = simulated(BODIES, views=40, rows=20)
    counts = places.counts.copy()
    counts[25:] = np.roll(counts[25:], 2, axis=axis + 1)

    found, notes = motion(places.with_counts(counts))

    view, pixels = found.worst
    assert view == 25
    assert abs(pixels) == pytest.approx(2.0, abs=0.4)
    assert np.abs(getattr(found, name)).argmax() == 25
    assert [note.key for note in notes] == ["motion"]


def test_a_patient_who_lay_still_is_not_blamed():
    noisy = simulated(BODIES, views=40, rows=20)
    noisy = noisy.with_counts(np.random.default_rng(3).poisson(noisy.counts * 4))

    found, notes = motion(noisy)

    assert found.worst[1] < 1.0
    assert not notes


@pytest.mark.parametrize("name", ["stress_tomo", "rest_tomo", "stress_gated"])
def test_motion_is_told_from_noise_in_a_heart_within_a_warm_body(real_dicom, name):
    study = read_tomo(real_dicom / f"derived/mpi_spect_sim/{name}.dcm")
    places = acquisition(study, window=0)
    moved = places.counts.copy()
    moved[40:] = np.roll(moved[40:], 2, axis=2)

    still, nothing = motion(places)
    jumped, notes = motion(places.with_counts(moved))

    assert still.worst[1] < 0.6
    assert not nothing
    assert jumped.worst[0] == 40
    assert jumped.worst[1] == pytest.approx(2.0, abs=0.4)
    assert [note.key for note in notes] == ["motion"]


def test_sinogram_and_linogram_are_the_counts_seen_along_two_axes():
    places = simulated(BODIES, views=8, rows=10)

    assert sinogram(places, 4).shape == (8, 32)
    assert linogram(places).shape == (8, 10)
    assert linogram(places)[:, 4] == pytest.approx(sinogram(places, 4).sum(axis=1), rel=1e-5)

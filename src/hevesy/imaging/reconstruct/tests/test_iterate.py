from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import sphere
from hevesy.imaging.reconstruct.acquisition import decay_of_views
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.iterate import ordered_subsets, osem
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.tests.conftest import a_cylinder, simulated
from hevesy.imaging.refusal import Refused


def water_map(places, disc_radius_mm=100.0):
    size = places.size
    y, x = (np.indices((size, size)) - (size - 1) / 2.0) * places.pixel_mm
    inside = (np.hypot(y, x) <= disc_radius_mm)[:, :, None]
    return np.ascontiguousarray(
        np.broadcast_to(np.float32(0.0154) * inside, places.image_shape), dtype=np.float32
    )


@pytest.fixture(scope="module")
def cylinder():
    return simulated([a_cylinder()], views=40, rows=4)


def test_a_uniform_cylinder_is_flat_with_attenuation_correction_and_cupped_without(cylinder, disc):
    middle, rim = disc

    corrected = osem(Projector(cylinder, mu_per_mm=water_map(cylinder)), iterations=8, subsets=5)
    plain = osem(Projector(cylinder), iterations=8, subsets=5)

    image = corrected.image[:, :, 1]
    assert image[middle].mean() == pytest.approx(1.0, abs=0.03)
    assert image[rim].mean() == pytest.approx(1.0, abs=0.03)
    assert image[middle].mean() / image[rim].mean() == pytest.approx(1.0, abs=0.03)
    assert plain.image[:, :, 1][middle].mean() < 0.8 * plain.image[:, :, 1][rim].mean()


def test_the_likelihood_of_mlem_never_falls(cylinder):
    noisy = np.random.default_rng(5).poisson(cylinder.counts * 3).astype(np.float32)
    model = Projector(cylinder.with_counts(noisy), mu_per_mm=water_map(cylinder))

    history = osem(model, iterations=12, subsets=1).log_likelihood

    assert np.all(np.diff(history) > 0)


def test_mlem_gives_back_the_counts(cylinder):
    result = osem(Projector(cylinder), iterations=3, subsets=1)

    expected = Projector(cylinder).forward(result.image)

    assert expected.sum() == pytest.approx(cylinder.counts.sum(), rel=1e-3)


def test_additive_scatter_is_taken_out(cylinder, disc):
    middle, _ = disc
    scatter = np.full_like(cylinder.counts, 0.3 * cylinder.counts.mean())
    model = Projector(
        cylinder.with_counts(cylinder.counts + scatter), mu_per_mm=water_map(cylinder)
    )

    corrected = osem(model, iterations=6, subsets=5, scatter=scatter).image[:, :, 1]
    ignored = osem(model, iterations=6, subsets=5).image[:, :, 1]

    assert corrected[middle].mean() == pytest.approx(1.0, abs=0.03)
    assert ignored[middle].mean() > 1.1


def test_decay_during_the_rotation_is_corrected(cylinder, disc):
    middle, _ = disc
    # Half the activity is gone when the camera is round.
    views = len(cylinder.counts)
    weights = decay_of_views(np.arange(views) * 20.0, np.full(views, 20.0), 20.0 * views)
    decayed = cylinder.with_counts(cylinder.counts * weights[:, None, None].astype(np.float32))
    aware = replace(decayed, weights=weights)

    mu = water_map(cylinder)
    image = osem(Projector(aware, mu_per_mm=mu), iterations=6, subsets=5).image[:, :, 1]

    assert image[middle].mean() == pytest.approx(1.0, abs=0.03)


def test_the_mean_activity_of_a_view_is_the_integral_of_the_decay():
    # One half-life long, begun after one: integral of 2^-t from 1 to 2 = (1/2 - 1/4) / ln 2.
    (mean,) = decay_of_views(np.array([600.0]), np.array([600.0]), 600.0)

    assert mean == pytest.approx(0.25 / np.log(2), rel=1e-12)


def test_resolution_recovery_restores_contrast():
    bodies = [a_cylinder(mu_per_mm=0.0), sphere((40, 0, 0), 45, activity=7.0)]
    blur = {"hole_mm": 3.0, "length_mm": 25.0, "intrinsic_mm": 4.0}
    places = simulated(bodies, views=32, rows=12, **blur)
    collimator = Collimator("coarse", **blur)

    with_psf = osem(Projector(places, collimator=collimator), iterations=10, subsets=4).image
    without = osem(Projector(places), iterations=10, subsets=4).image

    at = np.s_[14:18, 18:22, 5:7]
    assert with_psf[at].mean() > without[at].mean() * 1.1
    # 7 in a background of 1; a 45 mm sphere through a 22 mm blur is not restored in full.
    assert 5.5 < with_psf[at].mean() < 8.8


def test_subsets_take_every_view_once_and_spread_over_the_turn():
    angles = np.arange(60) * 6.0

    subsets = ordered_subsets(angles, 10)

    assert sorted(view for one in subsets for view in one) == list(range(60))
    assert all(np.allclose(np.diff(angles[one]), 60.0) for one in subsets)
    first_two = angles[subsets[0][0]], angles[subsets[1][0]]
    assert abs(first_two[1] - first_two[0]) == 30.0


def test_a_preview_is_given_after_every_iteration(cylinder):
    seen = []

    osem(
        Projector(cylinder),
        iterations=3,
        subsets=4,
        progress=lambda number, image: seen.append((number, image.shape)),
    )

    assert seen == [(n, (32, 32, 4)) for n in (1, 2, 3)]


def test_more_subsets_than_pairs_of_views_are_refused(cylinder):
    with pytest.raises(Refused, match="bad_setting"):
        osem(Projector(cylinder), iterations=1, subsets=30)

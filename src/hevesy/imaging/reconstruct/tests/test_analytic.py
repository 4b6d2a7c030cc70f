from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import sphere
from hevesy.imaging.reconstruct.analytic import angular_weights, chang, chang_factor, fbp
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.tests.conftest import a_cylinder, simulated
from hevesy.imaging.reconstruct.tests.test_iterate import water_map
from hevesy.imaging.refusal import Refused

RAMP = Filter("none")


@pytest.mark.parametrize(("arc", "views"), [(180.0, 40), (360.0, 80), (360.0, 81)])
def test_a_cylinder_without_attenuation_comes_out_at_its_value(arc, views, disc):
    middle, rim = disc
    places = simulated([a_cylinder(mu_per_mm=0.0)], views=views, arc=arc, rows=3)

    image, findings = fbp(places, RAMP)

    assert image[:, :, 1][middle].mean() == pytest.approx(1.0, abs=0.02)
    assert image[:, :, 1][rim].mean() == pytest.approx(1.0, abs=0.02)
    assert not findings


def test_two_heads_that_overlap_give_the_same_scale(disc):
    middle, _ = disc
    places = simulated([a_cylinder(mu_per_mm=0.0)], views=120, arc=360.0, rows=2)
    # 0 to 117 and 69 to 186 degrees, as an oblique pair of heads leaves them.
    chosen = [*range(40), *range(23, 63)]
    angles = places.angles_deg[chosen]
    pair = replace(
        simulated([a_cylinder(mu_per_mm=0.0)], views=80, rows=2),
        counts=places.counts[chosen],
        angles_deg=angles,
    )

    image, _ = fbp(pair, RAMP)

    assert image[:, :, 1][middle].mean() == pytest.approx(1.0, abs=0.02)


def test_the_weights_of_views_make_half_a_turn():
    for angles in (np.arange(64) * 2.8125, np.arange(60) * 6.0, np.array([0, 1, 5, 60, 100.0])):
        weights, _ = angular_weights(angles)

        assert weights.sum() == pytest.approx(np.pi)


@pytest.mark.parametrize("order", [0, 1])
def test_chang_flattens_a_uniform_cylinder(order, disc):
    middle, rim = disc
    places = simulated([a_cylinder()], views=60, rows=3)
    mu = water_map(places)
    image, _ = fbp(places, RAMP)

    corrected = chang(image, places, mu, RAMP, order=order)[:, :, 1]

    assert image[:, :, 1][middle].mean() < 0.3
    tolerance = {0: 0.12, 1: 0.02}[order]
    assert corrected[middle].mean() == pytest.approx(1.0, abs=tolerance)
    assert corrected[rim].mean() == pytest.approx(1.0, abs=tolerance)


def test_the_factor_of_chang_in_the_middle_of_a_cylinder_is_the_exponential():
    places = simulated([a_cylinder()], views=12, rows=2)

    mu = water_map(places)
    factor = chang_factor(places, mu)

    # The voxels whose centres lie within 100 mm have the area of a slightly smaller disc.
    radius_mm = np.sqrt((mu[:, :, 0] > 0).sum() * 9.6**2 / np.pi)
    assert factor[15:17, 15:17].mean() == pytest.approx(np.exp(0.0154 * radius_mm), rel=0.02)


def test_a_window_smooths_alike_in_all_directions():
    places = simulated([sphere((0, 0, 0), 20, activity=50.0)], views=90, size=33, rows=33)
    window = Filter("butterworth", cutoff_per_cm=0.15, order=5)

    image, _ = fbp(places, window)

    lines = image[16, :, 16], image[:, 16, 16], image[16, 16, :]
    half = [
        np.interp(0.5, (line / line.max())[16:24][::-1], np.arange(7, -1, -1)) for line in lines
    ]
    # Windows along z and in the plane multiply instead of being one of the radius: alike to 10 %.
    assert max(half) / min(half) < 1.1


def test_a_quarter_of_a_turn_is_refused():
    places = simulated([a_cylinder()], views=20, arc=90.0, rows=2)

    with pytest.raises(Refused, match="arc_too_small"):
        fbp(places, RAMP)

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.phantoms.spect import Ellipsoid, sampled, sphere
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.tests.conftest import PIXEL_MM, a_cylinder, of_counts, simulated
from hevesy.imaging.refusal import Refused

LEHR = Collimator("LEHR", hole_mm=1.11, length_mm=24.1, intrinsic_mm=3.8)


def empty(angles, *, size=24, rows=10, **changes):
    return of_counts(np.zeros((len(angles), rows, size)), angles, **changes)


@settings(max_examples=15, deadline=None)
@given(
    angle=st.floats(0, 360),
    axis_px=st.floats(-2, 2),
    attenuated=st.booleans(),
    blurred=st.booleans(),
    seed=st.integers(0, 99),
)
def test_back_projection_is_the_exact_adjoint(angle, axis_px, attenuated, blurred, seed):
    chance = np.random.default_rng(seed)
    places = empty([angle, angle + 41.0], axis_px=axis_px, weights=[1.0, 0.7])
    mu = chance.uniform(0, 0.03, places.image_shape).astype(np.float32) if attenuated else None
    model = Projector(places, mu_per_mm=mu, collimator=LEHR if blurred else None)
    image = chance.uniform(0, 1, places.image_shape).astype(np.float32)
    planes = chance.uniform(0, 1, places.counts.shape).astype(np.float32)

    forth = np.vdot(model.forward(image).astype(float), planes.astype(float))
    back = np.vdot(image.astype(float), model.back(planes).astype(float))

    assert forth == pytest.approx(back, rel=1e-5)


def against_rays(size, rows, pixel_mm):
    """Model and ray tracer on one grid: sums per view as ratios, and the largest difference."""
    bodies = [
        Ellipsoid((0, 0, 0), (110, 80, 60), 1.0, 0.0154),
        sphere((45, -25, 10), 60, activity=5.0),
    ]
    grid = {"size": size, "rows": rows, "pixel_mm": pixel_mm}
    places = simulated(bodies, views=5, hole_mm=1.11, length_mm=24.1, intrinsic_mm=3.8, **grid)
    voxels = {"shape_kji": (rows, size, size), "spacing_mm": (pixel_mm,) * 3, "points": 4}
    truth, mu = (
        np.ascontiguousarray(sampled(bodies, what=what, **voxels).transpose(1, 2, 0))
        for what in ("activity", "mu_per_mm")
    )
    expected = Projector(places, mu_per_mm=mu, collimator=LEHR).forward(truth)
    ratios = expected.sum(axis=(1, 2)) / places.counts.sum(axis=(1, 2))
    return ratios, float(np.abs(expected - places.counts).max() / places.counts.max())


def test_projections_converge_to_those_of_an_independent_ray_tracer():
    coarse, _ = against_rays(32, 20, 9.6)
    fine, worst = against_rays(64, 40, 4.8)

    # Edges of the attenuation map are smoothed over a voxel: the error falls with its square.
    assert np.abs(coarse - 1).max() < 0.025
    assert np.abs(fine - 1).max() < 0.007
    assert worst < 0.02


def test_a_source_behind_water_is_weakened_by_the_exponential_of_the_depth():
    places = empty([0.0, 90.0, 180.0], size=33, rows=3)
    image = np.zeros(places.image_shape, np.float32)
    # 4 pixels from the middle towards the back.
    image[20, 16, 1] = 1.0
    mu = np.zeros_like(image)
    mu[6:27, 6:27] = 0.0154

    sums = Projector(places, mu_per_mm=mu).forward(image).sum(axis=(1, 2))

    # Water reaches half a voxel beyond the outer voxel centres: 6.5 and 14.5 voxels to the faces.
    reach = [math.exp(-0.0154 * PIXEL_MM * n) for n in (6.5, 10.5, 14.5)]
    assert sums == pytest.approx(reach, rel=0.01)


def test_no_attenuation_and_a_map_of_zeros_are_the_same():
    places = empty([10.0, 130.0, 250.0])
    image = np.random.default_rng(1).uniform(0, 1, places.image_shape).astype(np.float32)

    none = Projector(places).forward(image)
    zeros = Projector(places, mu_per_mm=np.zeros_like(image)).forward(image)

    np.testing.assert_allclose(none, zeros, rtol=1e-6)


def test_counts_are_kept_without_attenuation():
    places = empty([0.0, 33.0, 200.0], size=32)
    image = np.zeros(places.image_shape, np.float32)
    image[12:20, 10:22, 4:6] = 1.0

    sums = Projector(places).forward(image).sum(axis=(1, 2))

    assert sums == pytest.approx([image.sum()] * 3, rel=5e-3)


@pytest.mark.parametrize("offset_px", [-8, 0, 8])
def test_the_width_of_a_point_grows_with_distance_as_the_collimator_says(offset_px):
    # Fine pixels, so that three taps and bilinear weights hardly widen the point themselves.
    places = empty([0.0, 90.0, 180.0], size=65, rows=65, pixel_mm=2.0, radius_mm=150.0)
    image = np.zeros(places.image_shape, np.float32)
    image[32 + offset_px, 32, 32] = 1.0

    plane = Projector(places, collimator=LEHR).forward(image, [0])[0]

    distance_mm = 150.0 - 2.0 * offset_px
    offset = (np.arange(65) - 32) * 2.0
    for profile in (plane.sum(axis=1), plane.sum(axis=0)):
        variance = float((profile * offset**2).sum() / profile.sum())
        assert math.sqrt(variance) == pytest.approx(float(LEHR.sigma_mm(distance_mm)), rel=0.02)


def test_the_collimator_formula_gives_the_values_of_the_books():
    # Anger: g = 1.11 (24.1 + 100) / 24.1 = 5.716 mm; with 3.8 mm intrinsic 6.863 mm.
    assert float(LEHR.fwhm_mm(100.0)) == pytest.approx(6.863, abs=0.001)


def test_resolution_recovery_without_a_radius_is_refused():
    places = empty([0.0, 90.0, 180.0], radius_mm=math.nan)

    with pytest.raises(Refused, match="radius_missing"):
        Projector(places, collimator=LEHR)


def test_the_order_of_views_does_not_matter():
    places = simulated([a_cylinder(mu_per_mm=0.0)], views=6, rows=4)
    image = np.random.default_rng(2).uniform(0, 1, places.image_shape).astype(np.float32)
    model = Projector(places)

    straight = model.forward(image)
    shuffled = model.forward(image, [3, 0, 5, 1, 4, 2])

    np.testing.assert_array_equal(shuffled, straight[[3, 0, 5, 1, 4, 2]])

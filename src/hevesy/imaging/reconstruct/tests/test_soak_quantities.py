"""Quantities of a clinical size, against the ray tracer: what a physicist would measure."""

import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import Ellipsoid, sampled, sphere
from hevesy.imaging.reconstruct.analytic import chang, fbp
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.tests.conftest import simulated

HOLES = {"hole_mm": 1.11, "length_mm": 24.1, "intrinsic_mm": 3.8}
SIZE, PIXEL_MM, ROWS = 96, 4.42, 48
SPHERES = [
    sphere((70, 0, 0), 37, activity=7.0),
    sphere((-70, 0, 0), 28, activity=7.0),
    sphere((0, -60, 0), 37, activity=-1.0),
]
BODIES = [Ellipsoid((0, 0, 0), (150, 110, 4000), 1.0, 0.0154), *SPHERES]


@pytest.fixture(scope="module")
def study():
    places = simulated(
        BODIES, views=90, size=SIZE, rows=ROWS, pixel_mm=PIXEL_MM, radius_mm=220.0, **HOLES
    )
    grid = {"shape_kji": (ROWS, SIZE, SIZE), "spacing_mm": (PIXEL_MM,) * 3}
    mu = sampled(BODIES, what="mu_per_mm", **grid).transpose(1, 2, 0)
    return places, np.ascontiguousarray(mu), grid


def means(image, grid):
    """Mean in each sphere, edge included, and in the background between them."""
    found = []
    for one in SPHERES:
        inside = sampled([sphere(one.centre_mm, 2 * one.semi_axes_mm[0], activity=1.0)], **grid)
        weights = inside.transpose(1, 2, 0)
        found.append(float((image * weights).sum() / weights.sum()))
    background = image[58:66, 43:53, 12:36]
    return found, float(background.mean()), float(background.std())


@pytest.mark.soak
def test_all_corrections_bring_back_the_activity(study):
    places, mu, grid = study
    model = Projector(places, mu_per_mm=mu, collimator=Collimator("LEHR", **HOLES))

    image = osem(model, iterations=10, subsets=9).image

    (large, small, cold), background, spread = means(image, grid)
    assert background == pytest.approx(1.0, abs=0.01)
    assert spread < 0.03
    # Of a contrast of 7, edge included: the collimator leaves 8 to 12 mm.
    assert 0.8 < (large - 1) / 7 < 1.0
    assert 0.75 < (small - 1) / 7 < 1.0
    assert cold < 0.35


@pytest.mark.soak
def test_noise_does_not_bias_the_background(study):
    places, mu, grid = study
    noisy = places.with_counts(np.random.default_rng(1).poisson(places.counts))
    model = Projector(noisy, mu_per_mm=mu, collimator=Collimator("LEHR", **HOLES))

    image = osem(model, iterations=4, subsets=9).image
    smooth = Filter("gaussian", fwhm_mm=10.0).applied(image, pixel_mm=PIXEL_MM, slice_mm=PIXEL_MM)

    _, background, spread = means(smooth, grid)
    assert background == pytest.approx(1.0, abs=0.03)
    assert spread < 0.25


@pytest.mark.soak
def test_fbp_with_chang_of_order_one_is_quantitative_in_the_background(study):
    places, mu, grid = study
    window = Filter("butterworth", cutoff_per_cm=0.6, order=8)
    image, _ = fbp(places, window)

    corrected = chang(image, places, mu, window, order=1)

    _, background, _ = means(corrected, grid)
    assert background == pytest.approx(1.0, abs=0.05)

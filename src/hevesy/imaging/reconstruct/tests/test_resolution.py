"""Resolution of a point: with the camera farther away, and with the collimator in the model."""

import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import sphere
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projector import Projector
from hevesy.imaging.reconstruct.tests.conftest import simulated

HOLES = {"hole_mm": 1.4, "length_mm": 25.0, "intrinsic_mm": 3.8}
LEHR = Collimator("LEHR", **HOLES)
PIXEL_MM = 4.8
POST_FWHM_MM = 8.0
# Wider than the rays of the simulated holes lie apart; as wide as a Gaussian of this FWHM
# (a ball of radius R has a variance of R2/5 along each axis).
POINT_MM = 10.0
POINT_FWHM_MM = 2.355 * POINT_MM / 2 / 5**0.5
RADII_MM = (120.0, 200.0, 280.0)


def fwhm_mm(profile):
    """Full width at half maximum of a peak, between voxels on straight lines."""
    top = int(np.argmax(profile))
    half = profile[top] / 2.0
    ends = []
    for step in (-1, 1):
        at = top
        while profile[at + step] > half:
            at += step
        share = (profile[at] - half) / (profile[at] - profile[at + step])
        ends.append(at + step * share)
    return (ends[1] - ends[0]) * PIXEL_MM


@pytest.fixture(scope="module")
def widths_mm():
    """FWHM across a point in the middle, without and with the collimator, by radius of the orbit."""
    plain, modelled = [], []
    for radius_mm in RADII_MM:
        places = simulated(
            [sphere((0.0, 0.0, 0.0), POINT_MM, activity=1e3)],
            views=30, size=31, rows=15, pixel_mm=PIXEL_MM, radius_mm=radius_mm, rays=9, **HOLES,
        )  # fmt: skip
        for widths, holes in ((plain, None), (modelled, LEHR)):
            image = osem(Projector(places, collimator=holes), iterations=8, subsets=6).image
            image = Filter("gaussian", fwhm_mm=POST_FWHM_MM).applied(
                image, pixel_mm=PIXEL_MM, slice_mm=PIXEL_MM
            )
            y, x, z = np.unravel_index(int(np.argmax(image)), image.shape)
            widths.append((fwhm_mm(image[y, :, z]) + fwhm_mm(image[:, x, z])) / 2)
    return np.array(plain), np.array(modelled)


def test_a_point_grows_with_the_radius_as_the_collimator_says(widths_mm):
    plain, _ = widths_mm

    assert np.all(np.diff(plain) > 2.0)
    expected = np.sqrt(LEHR.fwhm_mm(RADII_MM) ** 2 + POST_FWHM_MM**2 + POINT_FWHM_MM**2)
    np.testing.assert_allclose(plain, expected, rtol=0.06)


def test_a_point_keeps_its_width_at_every_radius_with_the_collimator_in_the_model(widths_mm):
    plain, modelled = widths_mm

    # As many steps of OSEM do not bring a wide blur back as far as a narrow one.
    assert np.ptp(modelled) < np.ptp(plain) / 3
    assert np.all(modelled < 0.8 * plain)

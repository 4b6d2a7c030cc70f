import math

import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project, sampled, sphere


def fine_camera(**changes):
    return Camera(**{"columns": 40, "rows": 40, "column_mm": 4.0, "row_mm": 4.0, **changes})


def test_a_ray_through_the_middle_of_an_attenuating_ball_gives_the_closed_form():
    ball = Ellipsoid((0, 0, 0), (60, 60, 60), activity=0.5, mu_per_mm=0.0154)
    camera = Camera(columns=1, rows=1, column_mm=0.01, row_mm=0.01, points=1)

    (((count,),),) = project([ball], camera, angles_deg=[37.0], radii_mm=200.0)

    expected = 0.5 * (1 - math.exp(-0.0154 * 120)) / 0.0154 * 0.01**2
    assert count == pytest.approx(expected, rel=1e-6)


def test_without_attenuation_every_view_holds_all_counts():
    ball = sphere((20, -10, 5), 60, activity=2.0)

    counts = project([ball], fine_camera(points=4), angles_deg=[0, 77, 180, 300], radii_mm=150.0)

    assert counts.sum(axis=(1, 2)) == pytest.approx([2.0 * ball.volume_mm3] * 4, rel=3e-3)


@pytest.mark.parametrize(
    ("angle", "column_side", "seen_from"),
    [(0, -1, "back"), (180, 1, "front"), (90, -1, "left"), (270, 1, "right")],
)
def test_left_front_and_head_appear_where_a_camera_shows_them(angle, column_side, seen_from):
    # To the left and in front: seen from the front the patient's left is on the right of the
    # image; seen from the left side the front is on the left of the image.
    ball = sphere((40, -40, 40), 20, activity=1.0)

    image = project([ball], fine_camera(), angles_deg=[angle], radii_mm=150.0)[0]

    row, column = np.unravel_index(image.argmax(), image.shape)
    assert row < 20, "the head is on top"
    assert np.sign(column - 19.5) == column_side, seen_from


def test_a_point_spreads_as_the_collimator_formula_says():
    point = sphere((0, 0, 0), 2.0, activity=1.0)
    camera = fine_camera(
        column_mm=1.0, row_mm=1.0, points=1, rays=15, hole_mm=2.0, length_mm=25.0, intrinsic_mm=4.0
    )

    image = project([point], camera, angles_deg=[0.0], radii_mm=75.0)[0]

    profile = image.sum(axis=0)
    offset = np.arange(40) - 19.5
    variance = (profile * offset**2).sum() / profile.sum()
    fwhm2 = (2.0 * (25 + 75) / 25) ** 2 + 4.0**2
    assert variance == pytest.approx(fwhm2 / 2.3548**2, rel=0.06)


def test_the_sampled_truth_holds_the_volume():
    ball = sphere((3, 5, -7), 50, activity=3.0)

    truth = sampled([ball], shape_kji=(20, 20, 20), spacing_mm=(5, 5, 5), points=4)

    assert truth.sum() * 125 == pytest.approx(3.0 * ball.volume_mm3, rel=0.01)
    k, j, i = np.indices(truth.shape)
    centre = [(truth * axis).sum() / truth.sum() * 5 - 47.5 for axis in (i, j, k)]
    assert centre == pytest.approx([3, 5, -7], abs=0.1)

from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.register import gates
from hevesy.imaging.register.prepare import halved, prepared

PLACE = np.array(((8.0, 0, 0, -40.0), (0, 8.0, 0, -50.0), (0, 0, 8.0, -60.0), (0, 0, 0, 1.0)))


@pytest.fixture
def a_box():
    """A box of water from x -24 to 40 mm, with a ramp of CT numbers along x."""
    hu = np.full((15, 16, 17), -1000.0, dtype=np.float32)
    hu[3:13, 3:13, 2:10] = np.arange(8) * 20.0
    return prepared(Volume(hu, PLACE, "HU", "CT"), spacing_mm=8.0)


def test_half_the_resolution_lies_in_the_same_place(a_box):
    coarse = halved(a_box)

    assert coarse.spacing_mm == 16.0
    np.testing.assert_allclose(coarse.centroid_lps, a_box.centroid_lps, atol=4.0)
    # The ramp: a coarse voxel has the value of the fine ones at its centre.
    middle = (coarse.centroid_lps - coarse.origin_mm) / 16.0
    inside = np.rint(middle).astype(int)[::-1]
    x = coarse.origin_mm[0] + 16.0 * inside[2]
    expected = ((x - PLACE[0, 3]) / 8.0 - 2.0) * 20.0
    assert coarse.values[tuple(inside)] * 1200.0 - 900.0 == pytest.approx(expected, abs=0.5)


def test_overlap_is_the_share_that_stays_inside(a_box):
    half = np.eye(4)
    half[0, 3] = 32.0

    assert gates.overlap(a_box, a_box, np.eye(4), a_box.body) == 1.0
    assert gates.overlap(a_box, a_box, half, a_box.body) == pytest.approx(0.5, abs=0.06)


def test_there_and_back_is_measured_at_the_point_that_strays_most():
    points = np.array(((0.0, 0.0, 0.0), (100.0, 0.0, 0.0)))
    turned = np.eye(4)
    turned[:2, :2] = ((np.cos(0.02), -np.sin(0.02)), (np.sin(0.02), np.cos(0.02)))

    off_mm = gates.inconsistency_mm(points, turned, np.eye(4))

    assert off_mm == pytest.approx(200.0 * np.sin(0.01))


def test_each_gate_closes_on_its_own_side_of_the_limit():
    assert gates.overlap_gate(0.40).passed and not gates.overlap_gate(0.39).passed
    assert gates.peak_gate(1.10, 32.0).passed and not gates.peak_gate(1.09, 32.0).passed
    assert gates.consistency_gate(2.9).passed and not gates.consistency_gate(3.0).passed


def test_scale_and_shear_are_judged_apart():
    wide, slanted = np.diag((1.06, 1.0, 1.0, 1.0)), np.eye(4)
    slanted[0, 1] = 0.12

    assert [gate.passed for gate in gates.affine_gates(wide)] == [False, True]
    assert [gate.passed for gate in gates.affine_gates(slanted)] == [True, False]


def test_a_body_is_not_seen_where_nothing_was_imaged(a_box):
    far = replace(a_box, origin_mm=a_box.origin_mm + 500.0)

    assert gates.overlap(a_box, far, np.eye(4), a_box.body) == 0.0

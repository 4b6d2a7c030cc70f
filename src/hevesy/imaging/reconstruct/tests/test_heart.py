from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.dicomio.nm_write import Recorded, TomoHeader, recon_tomo_dataset, tomo_dataset
from hevesy.imaging.geometry import Volume
from hevesy.imaging.reconstruct.gates import read_gates, summed
from hevesy.imaging.reconstruct.reorient import short_axis, short_axis_directions
from hevesy.imaging.refusal import Refused

BASE, APEX = np.array([20.0, 0.0, 10.0]), np.array([60.0, -45.0, -25.0])


def transaxial(values):
    """A volume of a function of x, y, z in mm, 4 mm voxels about the heart."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = (-60.0, -122.5, -107.5)
    grid = Volume(np.zeros((50, 50, 50), np.float32), affine, "CNTS", "NM")
    k, j, i = np.indices((50, 50, 50))
    points = grid.world(np.stack([i, j, k], axis=-1))
    return grid.with_values(np.asarray(values(points), np.float32), units="CNTS")


def spot(centre):
    return lambda points: np.exp(-((points - centre) ** 2).sum(axis=-1) / (2 * 6.0**2))


def test_axes_are_perpendicular_right_handed_and_run_as_on_a_console():
    axes = short_axis_directions(base_lps=BASE, apex_lps=APEX)

    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    lateral, inferior, to_base = axes.T
    assert lateral[0] > 0 and lateral[1] > 0 and lateral[2] == pytest.approx(0)
    assert inferior[2] < 0
    np.testing.assert_allclose(to_base, (BASE - APEX) / np.linalg.norm(BASE - APEX))


@pytest.mark.parametrize(
    ("name", "offset", "axis", "side"),
    [
        ("lateral", (1, 0, 0), 2, 1),
        ("septal", (-1, 0, 0), 2, -1),
        ("inferior", (0, 1, 0), 1, 1),
        ("anterior", (0, -1, 0), 1, -1),
        ("base", (0, 0, 1), 0, 1),
        ("apex", (0, 0, -1), 0, -1),
    ],
)
def test_walls_lie_where_the_display_standard_puts_them(name, offset, axis, side):
    axes = short_axis_directions(base_lps=BASE, apex_lps=APEX)
    volume = transaxial(spot((BASE + APEX) / 2 + axes @ (25.0 * np.array(offset))))

    turned = short_axis(volume, base_lps=BASE, apex_lps=APEX)

    place = np.unravel_index(turned.array.argmax(), turned.array.shape)
    middle = (np.array(turned.array.shape) - 1) / 2
    expected = middle.copy()
    expected[axis] += side * 25.0 / 4.0
    assert place == pytest.approx(expected, abs=0.8), name


def test_values_stay_where_they_are_in_the_patient():
    volume = transaxial(lambda points: points @ (1.0, 2.0, -0.5) + 300)

    turned = short_axis(volume, base_lps=BASE, apex_lps=APEX, size=12, slices=10)

    k, j, i = np.indices(turned.array.shape)
    points = turned.world(np.stack([i, j, k], axis=-1))
    np.testing.assert_allclose(turned.array, points @ (1.0, 2.0, -0.5) + 300, rtol=1e-5)


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(Refused, match="bad_setting"):
        short_axis_directions(base_lps=(0, 0, 0), apex_lps=(1, 0, 0))
    with pytest.raises(Refused, match="bad_setting"):
        short_axis_directions(base_lps=(0, 0, 0), apex_lps=(0, 1, 80))


def test_gates_read_back_one_by_one_and_add_up():
    chance = np.random.default_rng(4)
    first = transaxial(lambda points: points[..., 0] * 0).binned((5, 5, 5))
    gates = [
        replace(first, array=chance.uniform(0, 100, first.array.shape).astype(np.float32))
        for _ in range(4)
    ]
    source = tomo_dataset(
        np.ones((1, 1, 1, 6, 4, 4)), TomoHeader(0.0, 60.0, "CC", (20.0, 20.0), [150.0] * 6)
    )
    dataset = recon_tomo_dataset(gates, source, Recorded("OSEM", ""), series_description="g")

    read = read_gates(dataset)

    assert len(read) == 4
    for volume, gate in zip(read, gates, strict=True):
        np.testing.assert_allclose(volume.array, gate.array, atol=0.01)
        np.testing.assert_allclose(volume.ijk_to_lps, gate.ijk_to_lps)
    total = summed(read)
    np.testing.assert_allclose(total.array, sum(gate.array for gate in gates), atol=0.03)


def test_gates_of_different_grids_are_not_added():
    first = transaxial(lambda points: points[..., 0])

    with pytest.raises(ValueError, match="one grid"):
        summed([first, first.binned((2, 2, 2))])

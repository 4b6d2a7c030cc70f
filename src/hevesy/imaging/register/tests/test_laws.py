"""What holds for any matrix between volumes: there and back, one after the other."""

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.geometry.reslice import resliced
from hevesy.imaging.phantoms.torso import make_torso, random_pose
from hevesy.imaging.register import register, register_landmarks
from hevesy.imaging.register.matrices import inverse, moved
from hevesy.imaging.render.slices import slice_values, whole_view

QUICK = {"finest_mm": 8.0}
SPACING_MM = 3.0


def smooth_volume(shape=(44, 48, 52)):
    """A ramp along each axis with two soft hills: what linear interpolation can follow."""
    affine = np.diag((SPACING_MM, SPACING_MM, SPACING_MM, 1.0))
    affine[:3, 3] = -(np.array(shape[::-1]) - 1) / 2 * SPACING_MM
    k, j, i = np.indices(shape)
    x, y, z = (affine[axis, 3] + SPACING_MM * n for axis, n in enumerate((i, j, k)))
    values = 2.0 * x - 1.5 * y + 0.5 * z + 500.0
    for centre, height in (((20.0, -10.0, 15.0), 300.0), ((-25.0, 15.0, -20.0), -250.0)):
        away = sum((axis - c) ** 2 for axis, c in zip((x, y, z), centre, strict=True))
        values += height * np.exp(-away / (2 * 20.0**2))
    return Volume(values.astype(np.float32), affine, "HU", "CT")


def well_inside(array, margin=14):
    return array[margin:-margin, margin:-margin, margin:-margin]


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_matrix_and_then_its_inverse_give_the_volume_back(seed):
    volume, pose = smooth_volume(), random_pose(seed, shift_mm=(9.0, 7.0, 8.0))

    there = resliced(volume, volume, fixed_to_moving=pose)
    back = resliced(there, volume, fixed_to_moving=inverse(pose))

    away = np.abs(well_inside(there.array) - well_inside(volume.array))
    assert away.max() > 20.0
    # What two linear interpolations may lose: h2/8 of the second derivative, three axes, twice.
    most = 2 * 3 * SPACING_MM**2 / 8 * 300.0 / 20.0**2
    assert np.abs(well_inside(back.array) - well_inside(volume.array)).max() < most


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_slice_drawn_through_a_matrix_and_its_inverse_is_the_slice(plane):
    volume, pose = smooth_volume(), random_pose(3, shift_mm=(9.0, 7.0, 8.0))
    view = whole_view(volume, plane, spacing_mm=SPACING_MM)
    moved_there = resliced(volume, volume, fixed_to_moving=pose)

    seen = slice_values(moved_there, view, fixed_to_moving=inverse(pose))
    straight = slice_values(volume, view)

    inner = slice(14, -14), slice(14, -14)
    most = 2 * 3 * SPACING_MM**2 / 8 * 300.0 / 20.0**2
    assert np.abs(seen[inner] - straight[inner]).max() < most
    assert np.abs(slice_values(moved_there, view)[inner] - straight[inner]).max() > 20.0


def test_two_matrices_one_after_the_other_are_their_product():
    rng = np.random.default_rng(4)
    first = rng.uniform(-100.0, 100.0, (6, 3))
    to_second, to_third = random_pose(1), random_pose(2)
    second = moved(to_second, first)
    third = moved(to_third, second)

    one = register_landmarks(first, second).moving_to_fixed
    two = register_landmarks(second, third).moving_to_fixed
    both = register_landmarks(first, third).moving_to_fixed

    np.testing.assert_allclose(one @ two, both, atol=1e-9)
    volume = smooth_volume()
    by_product = resliced(volume, volume, fixed_to_moving=inverse(one @ two))
    by_way = resliced(volume, volume, fixed_to_moving=inverse(two) @ inverse(one))
    np.testing.assert_allclose(by_product.array, by_way.array, atol=1e-2)


def test_a_chain_of_found_matrices_lies_within_1_mm_of_the_direct_one():
    torso, to_second, to_third = make_torso(7), random_pose(7), random_pose(8)
    first = torso.ct(coarser=3.0, own=True)
    second, third = torso.ct(to_second, coarser=3.0), torso.ct(to_third, coarser=3.0)
    near = {"second": inverse(to_second), "third": inverse(to_third)}
    for start in near.values():
        start[:3, 3] += (6.0, -5.0, 7.0)

    one = register(first, second, initial=near["second"], **QUICK)
    two = register(second, third, initial=inverse(near["second"]) @ near["third"], **QUICK)
    both = register(first, third, initial=near["third"], **QUICK)

    seen = moved(to_third, torso.targets_lps)
    chained = moved(one.moving_to_fixed @ two.moving_to_fixed, seen)
    direct = moved(both.moving_to_fixed, seen)
    assert np.linalg.norm(chained - direct, axis=1).max() < 1.0
    assert np.linalg.norm(direct - torso.targets_lps, axis=1).max() < 1.0

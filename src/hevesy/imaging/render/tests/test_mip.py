import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from hevesy.imaging.geometry import Volume
from hevesy.imaging.render.mip import rotating_mip

SPACING_MM = 4.0


def a_volume(array, *, flips=(1, 1, 1)):
    """Isotropic voxels centred on the origin; a flip stores that axis the other way round."""
    k, j, i = array.shape
    affine = np.diag([*(SPACING_MM * f for f in flips), 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * SPACING_MM * f for n, f in zip((i, j, k), flips, strict=True)]
    return Volume(array=array, ijk_to_lps=affine, units="SUVbw", modality="PT")


@pytest.fixture
def noise():
    return np.random.default_rng(3).random((17, 20, 20), dtype=np.float32) + 0.1


@pytest.mark.clause("6.19")
def test_the_anterior_view_is_the_maximum_along_the_back_to_front_axis(noise):
    cine = rotating_mip(a_volume(noise), frames=8)

    front = noise.max(axis=1)[::-1]
    np.testing.assert_array_equal(cine.values[0], front)
    np.testing.assert_allclose(
        cine.depth_mm[0],
        ((noise.argmax(axis=1) - 9.5) * SPACING_MM)[::-1],
        atol=1e-3,
    )


def test_a_quarter_turn_looks_from_the_patients_left(noise):
    cine = rotating_mip(a_volume(noise), frames=8)

    # Picture right is the patient's back, and the ray runs from left to right.
    np.testing.assert_allclose(cine.values[2], noise.max(axis=2)[::-1], rtol=1e-5)


def test_the_opposite_view_is_the_mirror_image(noise):
    cine = rotating_mip(a_volume(noise), frames=10)
    odd = rotating_mip(a_volume(noise), frames=5)

    np.testing.assert_array_equal(cine.values[7], cine.values[2][:, ::-1])
    np.testing.assert_array_equal(cine.depth_mm[7], -cine.depth_mm[2][:, ::-1])
    np.testing.assert_allclose(odd.values[1], cine.values[2], rtol=1e-4)


def test_the_way_voxels_are_stored_does_not_change_the_pictures(noise):
    straight = rotating_mip(a_volume(noise), frames=4)
    turned = rotating_mip(
        a_volume(np.ascontiguousarray(noise[::-1, ::-1]), flips=(1, -1, -1)), frames=4
    )
    np.testing.assert_allclose(turned.values, straight.values, rtol=1e-5)


def test_a_click_on_a_hot_spot_finds_it_in_the_patient_from_every_side():
    array = np.full((15, 24, 24), 0.01, dtype=np.float32)
    array[4, 6, 15] = 9.0
    volume = a_volume(array)
    truth = volume.world((15, 6, 4))

    cine = rotating_mip(volume, frames=24)

    for frame in range(24):
        row, column = np.unravel_index(int(cine.values[frame].argmax()), cine.values[frame].shape)
        found = cine.point_lps(frame, float(column), float(row))
        assert np.linalg.norm(found - truth) < 1.5 * SPACING_MM, frame
        t = math.radians(frame * 15)
        assert (column - (cine.values.shape[2] - 1) / 2) * SPACING_MM == pytest.approx(
            truth[0] * math.cos(t) + truth[1] * math.sin(t), abs=SPACING_MM
        )


def brute_force(array, degrees, floor):
    """Every sample of every ray, one voxel apart, by scipy; picture as in `RotatingMip`."""
    _, ny, nx = array.shape
    n = max(nx, ny)
    t = math.radians(degrees)
    u, d = np.meshgrid(*(np.arange(m) - (m - 1) / 2 for m in (n, 2 * n)), indexing="ij")
    x = u * math.cos(t) - d * math.sin(t) + (nx - 1) / 2
    y = u * math.sin(t) + d * math.cos(t) + (ny - 1) / 2
    padded = np.pad(array, ((0, 0), (1, 1), (1, 1)), constant_values=floor)
    samples = [
        map_coordinates(plane, (y + 1, x + 1), order=1, cval=floor).max(axis=1) for plane in padded
    ]
    return np.maximum(samples, floor)[::-1]


@pytest.mark.clause("6.20")
@pytest.mark.parametrize("degrees", [15, 45, 105, 150, 240, 345])
def test_every_direction_is_the_maximum_of_all_samples_whatever_is_skipped(degrees):
    array = np.random.default_rng(6).gamma(0.3, 1.0, (70, 24, 24)).astype(np.float32)
    array[:, :6] *= 0.01

    cine = rotating_mip(a_volume(array), frames=24)

    truth = brute_force(array, degrees, 0.0)
    np.testing.assert_allclose(cine.values[degrees // 15], truth, atol=2e-5)


def test_a_ct_begins_at_air_and_the_floor_is_all_that_a_floor_changes(noise):
    ct = a_volume((noise * 900 - 1100).astype(np.float32))
    ct = replace(ct, units="HU", modality="CT")

    plain = rotating_mip(ct, frames=6)
    floored = rotating_mip(ct, frames=6, floor=-250.0)

    np.testing.assert_array_equal(plain.values[0], ct.array.max(axis=1)[::-1])
    np.testing.assert_array_equal(floored.values[0], np.maximum(plain.values[0], -250))
    assert floored.values.min() == -250
    assert not floored.depth_mm[floored.values == -250].any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_laws_of_the_maximum(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.random((2, 9, 12, 12), dtype=np.float32)

    def cine(array):
        return rotating_mip(a_volume(array), frames=4).values

    np.testing.assert_array_equal(cine(np.maximum(one, other)), np.maximum(cine(one), cine(other)))
    np.testing.assert_array_equal(cine(one[:, rng.permutation(12)])[0], cine(one)[0])
    assert (cine(one)[0] >= one[::-1, 5]).all()


def test_an_empty_volume_gives_black_frames():
    cine = rotating_mip(a_volume(np.zeros((3, 4, 5), dtype=np.float32)), frames=4)
    assert not cine.values.any()
    assert not cine.depth_mm.any()

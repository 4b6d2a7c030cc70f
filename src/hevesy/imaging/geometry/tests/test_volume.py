import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from hevesy.imaging.geometry import (
    PLANES,
    Volume,
    acquisition_plane,
    direction_letters,
    trilinear,
)


@pytest.fixture
def an_oblique_volume():
    rng = np.random.default_rng(7)
    axis = np.array([1.0, 2.0, -0.5])
    axis /= np.linalg.norm(axis)
    from scipy.spatial.transform import Rotation

    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_rotvec(axis * 0.7).as_matrix() * (2.0, 3.0, 4.0)
    affine[:3, 3] = (-50, 20, 300)
    return Volume(
        array=rng.normal(size=(9, 8, 7)).astype(np.float32),
        ijk_to_lps=affine,
        units="BQML",
        modality="PT",
    )


def test_world_and_index_undo_each_other(an_oblique_volume):
    points = np.random.default_rng(1).uniform(-5, 12, size=(50, 3))

    there_and_back = an_oblique_volume.index(an_oblique_volume.world(points))

    np.testing.assert_allclose(there_and_back, points, atol=1e-10)
    assert an_oblique_volume.spacing_mm == pytest.approx((2, 3, 4))
    assert an_oblique_volume.voxel_mm3 == pytest.approx(24)


def test_sampling_agrees_with_scipy_inside_and_half_a_voxel_outside(an_oblique_volume):
    ijk = np.random.default_rng(2).uniform(-1.2, 10, size=(5000, 3))

    ours = an_oblique_volume.sample(an_oblique_volume.world(ijk), outside=-99)

    size = np.array(an_oblique_volume.shape_ijk)
    inside = np.all((ijk > -0.499) & (ijk < size - 0.501), axis=1)
    outside = np.any((ijk < -0.501) | (ijk > size - 0.499), axis=1)
    theirs = map_coordinates(an_oblique_volume.array, ijk[:, ::-1].T, order=1, mode="nearest")
    np.testing.assert_allclose(ours[inside], theirs[inside], atol=1e-5)
    assert np.all(ours[outside] == -99)


def test_integer_voxels_are_sampled_without_wrapping_round():
    array = np.array([[[-32000, 32000]]], dtype=np.int16)
    middle = trilinear(array, np.array([[0.25, 0, 0]]))
    assert middle == pytest.approx([-16000])


def test_a_linear_field_stays_linear_on_any_plane(an_oblique_volume):
    k, j, i = np.indices(an_oblique_volume.array.shape)
    points = an_oblique_volume.world(np.stack((i, j, k), axis=-1))
    field = points @ (0.5, -0.25, 0.125) + 3
    ramp = an_oblique_volume.with_values(field.astype(np.float32), units="mm")
    u, v = np.array([0.6, 0.8, 0]), np.array([0.0, 0.0, 1.0])

    plane = ramp.sample_plane(
        centre_lps=ramp.centre_lps, axis_u=u, axis_v=v, shape=(3, 5), spacing_mm=1.5
    )

    across = (np.arange(5) - 2) * 1.5
    down = (np.arange(3) - 1) * 1.5
    where = ramp.centre_lps + across[None, :, None] * u + down[:, None, None] * v
    np.testing.assert_allclose(plane, where @ (0.5, -0.25, 0.125) + 3, atol=2e-4)


def test_binning_keeps_the_mean_and_the_place(an_oblique_volume):
    coarse = an_oblique_volume.binned((1, 2, 3))

    assert coarse.shape_ijk == (7, 4, 3)
    np.testing.assert_allclose(
        coarse.array[1, 2, 3], an_oblique_volume.array[3:6, 4:6, 3].mean(), rtol=1e-5
    )
    np.testing.assert_allclose(
        coarse.world((3, 2, 1)), an_oblique_volume.world((3, 4.5, 4.0)), atol=1e-9
    )


def test_a_volume_cannot_be_changed_by_accident(an_oblique_volume):
    with pytest.raises(ValueError, match="read-only"):
        an_oblique_volume.array[0, 0, 0] = 1
    with pytest.raises(ValueError, match="invertible"):
        Volume(array=np.zeros((1, 1, 1)), ijk_to_lps=np.zeros((4, 4)), units="", modality="")


def test_directions_have_the_letters_of_dicom():
    assert direction_letters((1, 0, 0)) == "L"
    assert direction_letters((0, 0, -1)) == "F"
    assert direction_letters((-0.3, -0.9, 0.01)) == "AR"
    assert acquisition_plane(np.diag([1, 1, -3, 1])) == "axial"
    coronal = np.eye(4)
    coronal[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])
    assert acquisition_plane(coronal) == "coronal"


def test_the_standard_planes_look_at_the_patient_the_radiological_way():
    assert direction_letters(PLANES["axial"].normal) == "H"
    assert direction_letters(PLANES["coronal"].normal) == "P"
    assert direction_letters(PLANES["coronal"].axis_u) == "L"

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.geometry import Volume
from hevesy.imaging.geometry.reslice import AIR_HU, gathered, resliced
from hevesy.imaging.geometry.sampling import trilinear


def a_volume(array, *, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), turn=None, units="HU"):
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * np.array(spacing)
    affine[:3, 3] = origin
    return Volume(array=array, ijk_to_lps=affine, units=units, modality="CT")


def turned(degrees, axis):
    """A rotation about one of the patient's axes, 3x3."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    other = [n for n in range(3) if n != axis]
    matrix = np.eye(3)
    matrix[np.ix_(other, other)] = [[c, -s], [s, c]]
    return matrix


def rigid(degrees, shift):
    matrix = np.eye(4)
    for axis, angle in enumerate(degrees):
        matrix[:3, :3] = matrix[:3, :3] @ turned(angle, axis)
    matrix[:3, 3] = shift
    return matrix


def through_itk(moving, onto, transform, *, nearest, outside):
    sitk = pytest.importorskip("SimpleITK")

    def image(volume):
        found = sitk.GetImageFromArray(volume.array)
        found.SetSpacing(volume.spacing_mm)
        found.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
        found.SetDirection((volume.ijk_to_lps[:3, :3] / volume.spacing_mm).ravel().tolist())
        return found

    between = sitk.AffineTransform(3)
    between.SetMatrix(transform[:3, :3].ravel().tolist())
    between.SetTranslation(transform[:3, 3].tolist())
    kind = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    pixel = sitk.sitkInt16 if nearest else sitk.sitkFloat32
    return sitk.GetArrayFromImage(
        sitk.Resample(image(moving), image(onto), between, kind, outside, pixel)
    )


CT = np.random.default_rng(1).integers(-1000, 1500, (14, 23, 19)).astype(np.int16)


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize(
    ("degrees", "shift", "direction"),
    [
        ((0, 0, 0), (0.4, -1.3, 2.2), None),
        ((0, 0, 0), (0.3, 0.2, 0.1), np.diag([1.0, -1.0, -1.0])),
        ((6, -4, 11), (1.0, 2.0, -0.7), None),
        ((0, 0, 0), (0.31, 0.2, 0.1), turned(90, 0)),
        ((3, 20, 1), (-2.0, 1.0, 3.0), turned(30, 1)),
    ],
)
def test_values_and_border_are_those_of_simpleitk(degrees, shift, direction, nearest):
    moving = a_volume(CT, spacing=(1.1, 0.9, 2.3), origin=(-8, -9, -12), turn=direction)
    centre = moving.centre_lps
    onto = a_volume(
        np.zeros((17, 20, 22), np.float32),
        spacing=(1.37, 1.53, 1.91),
        origin=centre - np.array([1.37 * 10.5, 1.53 * 9.5, 1.91 * 8]),
    )
    transform = rigid(degrees, shift)

    ours = resliced(moving, onto, fixed_to_moving=transform, nearest=nearest).array
    peer = through_itk(moving, onto, transform, nearest=nearest, outside=AIR_HU)

    assert (ours == AIR_HU).any()
    np.testing.assert_allclose(ours, peer, atol=0 if nearest else 2e-3)


def test_a_linear_field_is_found_exactly_on_any_grid():
    index = np.indices((12, 13, 14), dtype=np.float32)
    field = a_volume(2 * index[2] - 3 * index[1] + 0.5 * index[0] + 7, units="US")
    onto = a_volume(
        np.zeros((5, 6, 7), np.float32), turn=turned(25, 2) @ turned(10, 0), origin=(5, 2, 3)
    )

    found = resliced(field, onto).array

    grid = np.stack(np.meshgrid(*(np.arange(n) for n in (5, 6, 7)), indexing="ij")[::-1], axis=-1)
    x, y, z = np.moveaxis(onto.world(grid), -1, 0)
    np.testing.assert_allclose(found, 2 * x - 3 * y + 0.5 * z + 7, atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.integers(1, 7)] * 3),
)
def test_every_road_gives_what_plain_sampling_gives(seed, parallel, shift, size):
    rng = np.random.default_rng(seed)
    array = rng.normal(size=size).astype(np.float32)
    matrix = np.eye(4)
    matrix[:3, :3] = np.diag(rng.uniform(0.4, 1.6, 3) * rng.choice((-1, 1), 3))
    if not parallel:
        matrix[:3, :3] += rng.normal(size=(3, 3)) * 0.4
    matrix[:3, 3] = shift
    shape = (4, 5, 6)

    found = gathered(array, matrix, shape, outside=-9.0)

    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")[::-1], axis=-1)
    places = grid @ matrix[:3, :3].T + matrix[:3, 3]
    np.testing.assert_allclose(found, trilinear(array, places, outside=-9.0), atol=2e-6)


def test_there_and_back_by_whole_voxels_is_the_volume_itself():
    volume = a_volume(CT, spacing=(2.0, 2.0, 3.0))
    there = rigid((0, 0, 0), (4.0, -2.0, 6.0))

    moved = resliced(volume, volume, fixed_to_moving=there)
    back = resliced(moved, volume, fixed_to_moving=np.linalg.inv(there))

    inside = (slice(2, None), slice(None, -1), slice(2, None))
    np.testing.assert_array_equal(back.array[inside], CT[inside])


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.dtype(">i2")])
def test_labels_keep_their_type_and_values(kind):
    labels = (np.arange(60).reshape(3, 4, 5) % 2).astype(kind)

    same = gathered(labels, np.eye(4), (3, 4, 5), nearest=True)
    off = gathered(labels, np.diag([1, 1, 1, 1]) + np.eye(4, k=3) * 9, (3, 4, 5), nearest=True)

    assert same.dtype == np.dtype(kind).newbyteorder("=")
    np.testing.assert_array_equal(same, labels)
    assert not off.any()


def test_the_result_lies_where_the_target_lies_and_means_what_the_source_meant():
    moving = a_volume(CT)
    onto = Volume(
        np.zeros((2, 3, 4), np.float32),
        np.diag([2.0, 2, 2, 1]),
        "BQML",
        "PT",
        frame_of_reference_uid="1.2.3",
    )

    found = resliced(moving, onto)

    assert (found.units, found.modality, found.array.shape) == ("HU", "CT", (2, 3, 4))
    assert found.frame_of_reference_uid == "1.2.3"
    np.testing.assert_array_equal(found.ijk_to_lps, onto.ijk_to_lps)
    far = resliced(moving, onto, fixed_to_moving=rigid((0, 0, 0), (900, 0, 0)))
    assert (far.array == AIR_HU).all()


@pytest.mark.parametrize(
    "matrix", [np.zeros((4, 4)), np.eye(3), np.full((4, 4), np.nan), np.diag([1.0, 1, 1, 2])]
)
def test_a_matrix_that_is_no_transform_is_refused(matrix):
    with pytest.raises(ValueError, match="transform"):
        resliced(a_volume(CT), a_volume(CT), fixed_to_moving=matrix)

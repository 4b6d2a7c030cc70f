import numpy as np
import pytest

from hevesy.imaging.geometry import Plane, Volume
from hevesy.imaging.render import (
    GREY,
    HOT_IRON,
    INVERSE_GREY,
    PET,
    View,
    blended,
    coloured,
    fused_picture,
    slice_picture,
    slice_values,
    thumbnail,
    whole_view,
    windowed,
)
from hevesy.imaging.render.fusion import fused


def a_volume(array, modality="CT", units="HU"):
    affine = np.diag([2.0, 2.0, 4.0, 1.0])
    affine[:3, 3] = (-10, -20, 100)
    return Volume(array=array, ijk_to_lps=affine, units=units, modality=modality)


def test_a_window_maps_its_ends_to_black_and_white():
    levels = windowed(np.array([-500.0, -160, 40, 240, 9999, np.nan]), -160, 240)
    assert levels.tolist() == [0, 0, 128, 255, 255, 0]
    with pytest.raises(ValueError, match="below"):
        windowed(np.zeros(1), 5, 5)


def test_tables_begin_and_end_where_they_should():
    assert GREY[0].tolist() == [0, 0, 0]
    assert INVERSE_GREY[0].tolist() == [255, 255, 255]
    for table in (GREY, INVERSE_GREY, HOT_IRON, PET):
        assert table.shape == (256, 3)
    assert HOT_IRON[255].tolist() == PET[255].tolist() == [255, 255, 255]


@pytest.mark.clause("6.10")
def test_fusion_of_nothing_is_the_ct_and_of_all_is_the_pet():
    below = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    above = 255 - below
    np.testing.assert_array_equal(blended(below, above, 0), below)
    np.testing.assert_array_equal(blended(below, above, 1), above)
    half = blended(below, above, 0.5).astype(int)
    assert np.abs(half - 127.5).max() <= 0.5


def test_an_axial_slice_at_voxel_centres_is_the_slice_itself():
    array = np.random.default_rng(1).normal(size=(5, 12, 10)).astype(np.float32)
    volume = a_volume(array)
    view = whole_view(volume, "axial", at_lps=volume.world((0, 0, 3)))

    np.testing.assert_allclose(slice_values(volume, view), array[3], atol=1e-5)


def test_a_coronal_slice_has_the_head_at_the_top_and_the_right_on_the_left():
    array = np.zeros((6, 12, 10), dtype=np.float32)
    array[5, :, 0] = 1000  # uppermost slice, lowest x: the patient's right
    picture = slice_picture(a_volume(array), whole_view(a_volume(array), "coronal", spacing_mm=2))

    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[-1, 0].tolist() == picture[0, -1].tolist() == [102, 102, 102]


def test_fusion_samples_both_volumes_at_the_same_place():
    ct = a_volume(np.full((6, 12, 10), -160, dtype=np.int16))
    hot = np.zeros((6, 12, 10), dtype=np.float32)
    hot[2, 6, 5] = 7
    pet = a_volume(hot, "PT", "SUVbw")
    view = whole_view(ct, "axial", at_lps=ct.world((0, 0, 2)))

    picture = fused_picture(ct, pet, view, alpha=1)

    assert np.argwhere(picture.sum(axis=2) > 700).tolist() == [[6, 5]]


def test_thumbnails_are_square_whatever_the_volume():
    for modality, units in (("CT", "HU"), ("PT", "SUVbw"), ("NM", "CNTS"), ("MR", "US")):
        volume = a_volume(
            np.arange(7 * 30 * 20, dtype=np.float32).reshape(7, 30, 20), modality, units
        )
        assert thumbnail(volume, size=96).shape == (96, 96, 3)
    single = a_volume(np.zeros((1, 30, 20), dtype=np.float32), "PT", "BQML")
    assert thumbnail(single, size=64).shape == (64, 64, 3)


def test_colours_of_values():
    assert coloured(np.array([[0.0, 7.0]]), 0, 7, INVERSE_GREY).tolist() == [
        [[255, 255, 255], [0, 0, 0]]
    ]


def oblique(degrees):
    """A plane turned about the patient's long axis and tilted towards it."""
    t = np.radians(degrees)
    return Plane(
        "oblique",
        (np.cos(t), np.sin(t), 0.0),
        (-np.sin(t) * np.cos(0.4), np.cos(t) * np.cos(0.4), np.sin(0.4)),
    )


@pytest.mark.clause("6.23")
@pytest.mark.parametrize("degrees", [0, 25, 140])
def test_an_oblique_plane_through_a_linear_field_is_the_analytic_one(degrees):
    volume = a_volume(np.zeros((20, 30, 30), np.float32))
    k, j, i = np.indices(volume.array.shape)
    x, y, z = np.moveaxis(volume.world(np.stack((i, j, k), axis=-1)), -1, 0)
    volume = volume.with_values((x - 2 * y + 0.5 * z).astype(np.float32), units="US")
    plane = oblique(degrees)
    view = View(plane, tuple(volume.centre_lps), (9, 11), 1.5)

    found = slice_values(volume, view)

    down, across = np.indices((9, 11))
    points = (
        volume.centre_lps
        + ((across - 5) * 1.5)[..., None] * plane.axis_u
        + ((down - 4) * 1.5)[..., None] * plane.axis_v
    )
    np.testing.assert_allclose(found, points @ (1, -2, 0.5), atol=1e-4)


@pytest.mark.parametrize("projection", ["max", "mean", "min"])
def test_a_slab_of_three_slices_holds_exactly_these_three(projection):
    array = np.random.default_rng(4).normal(size=(7, 12, 10)).astype(np.float32)
    volume = Volume(array, np.diag([2.0, 2.0, 2.0, 1.0]), "SUVbw", "PT")
    view = whole_view(volume, "axial", at_lps=volume.world((0, 0, 4)))

    slab = slice_values(volume, view, slab_mm=6.0, projection=projection)

    truth = getattr(array[3:6], projection)(axis=0)
    np.testing.assert_allclose(slab, truth, atol=1e-6)
    # At the upper end two of the three layers lie inside.
    top = whole_view(volume, "axial", at_lps=volume.world((0, 0, 6)))
    np.testing.assert_allclose(
        slice_values(volume, top, slab_mm=6.0, projection=projection),
        getattr(array[5:7], projection)(axis=0),
        atol=1e-6,
    )
    with pytest.raises(ValueError, match="slab"):
        slice_values(volume, view, projection="median")


@pytest.mark.clause("6.10")
@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 0.73, 1.0])
def test_fusion_in_one_pass_is_windowing_colouring_and_blending_to_the_last_bit(alpha):
    rng = np.random.default_rng(5)
    hu = rng.uniform(-400, 500, (40, 50)).astype(np.float32)
    suv = rng.uniform(-1, 9, (40, 50)).astype(np.float32)
    suv[0, 0] = np.nan

    picture = fused(
        hu, suv, below_window=(-160, 240), above_window=(0, 7),
        below_table=GREY, above_table=HOT_IRON, alpha=alpha,
    )  # fmt: skip

    ct, pet = coloured(hu, -160, 240, GREY), coloured(suv, 0, 7, HOT_IRON)
    np.testing.assert_array_equal(picture, blended(ct, pet, alpha))
    through = fused(
        hu, suv, below_window=(-160, 240), above_window=(0, 7),
        below_table=GREY, above_table=HOT_IRON, alpha=alpha, transparent_below=2.5,
    )  # fmt: skip
    np.testing.assert_array_equal(
        through, np.where((suv >= 2.5)[..., None], blended(ct, pet, alpha), ct)
    )


@pytest.mark.clause("6.23")
def test_registration_moves_the_pet_to_the_anatomy_below():
    below = a_volume(np.full((6, 12, 10), -160, np.int16))
    hot = np.zeros((6, 12, 10), np.float32)
    hot[2, 6, 5] = 7
    above = a_volume(hot, "PT", "SUVbw")
    shift = np.eye(4)
    shift[:3, 3] = (4.0, -2.0, 0.0)
    view = whole_view(below, "axial", at_lps=below.world((0, 0, 2)))

    picture = fused_picture(below, above, view, alpha=1, fixed_to_moving=shift)

    # The point of the view at voxel (3, 7) is (5, 6) in the PET.
    assert np.argwhere(picture.sum(axis=2) > 700).tolist() == [[7, 3]]

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.mip import rotating_mip
from hevesy.imaging.render.raycast import (
    Glow,
    HalfSpace,
    Tissue,
    box,
    cast,
    cast_maximum,
    turned_view,
    turntable,
)
from hevesy.imaging.render.slices import View

WHITE = (255, 255, 255)
BONE = Tissue(300, 3000, WHITE, 1.0)
SOFT = Tissue(0, 299, (200, 80, 40), 0.05)


def a_volume(array, spacing=2.0, units="HU", modality="CT"):
    """Isotropic voxels centred on the origin."""
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing for n in array.shape[::-1]]
    return Volume(array, affine, units, modality)


@pytest.fixture(scope="module")
def body():
    """Soft tissue around a bone that lies in the patient's front right, head half."""
    array = np.full((30, 28, 26), -1000, np.int16)
    array[3:27, 5:23, 4:22] = 50
    array[16:24, 7:12, 6:11] = 1000
    return a_volume(array)


def reforced(tissues):
    """The same, with a tissue that shows nothing everywhere: so that no block can be skipped."""
    return [*tissues, Tissue(-1e9, 1e9, WHITE, 1e-13)]


@pytest.mark.clause("6.21")
def test_without_opacity_there_is_only_the_background(body):
    found = cast(body, turned_view(body, 30), [Tissue(-2000, 3000, WHITE, 0)], background=(9, 8, 7))

    assert (found.picture == (9, 8, 7)).all()
    assert not found.opacity.any()
    assert np.isnan(found.depth_mm).all()


@pytest.mark.clause("6.21")
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_hard_box_is_met_where_it_begins(degrees):
    # Faces of the cube, half way between voxel centres, at +-10 mm in x, -14 and 6 in y.
    array = np.full((24, 24, 24), -1000, np.int16)
    array[7:17, 5:15, 7:17] = 1000
    volume = a_volume(array)
    front = {0: -14, 90: -10, 180: -6, 270: -10}[degrees]

    found = cast(volume, turned_view(volume, degrees), [Tissue(0, 3000, WHITE, 1)], step_mm=0.05)

    hit = np.isfinite(found.depth_mm)
    assert hit.sum() == 100
    np.testing.assert_allclose(found.depth_mm[hit], front, atol=0.06)
    assert (found.opacity[hit] > 0.998).all()


def test_a_slab_stops_the_light_that_its_opacity_and_thickness_say():
    array = np.full((10, 40, 10), -1000, np.int16)
    array[:, 10:30] = 50
    volume = a_volume(array)

    found = cast(volume, turned_view(volume, 0), [Tissue(-500, 300, WHITE, 0.02)], step_mm=0.1)

    # 40 mm between the faces, a little more where the interpolated edge passes -500.
    np.testing.assert_allclose(found.opacity, 1 - 0.98**40, rtol=0.02)


@pytest.mark.parametrize("degrees", [0, 40, 200])
def test_skipping_empty_blocks_changes_nothing(degrees):
    rng = np.random.default_rng(2)
    array = np.full((30, 28, 26), -1000, np.int16)
    array[tuple(rng.integers(0, 26, (3, 150)))] = 700
    sparse = a_volume(array)
    view = turned_view(sparse, degrees, tilt_degrees=20)
    grains = [Tissue(-900, 3000, WHITE, 0.3)]

    found = cast(sparse, view, grains)
    whole = cast(sparse, view, reforced(grains))

    assert 0.2 < (found.opacity > 0).mean() < 0.95
    np.testing.assert_array_equal(found.picture, whole.picture)
    np.testing.assert_allclose(found.opacity, whole.opacity, atol=1e-6)
    np.testing.assert_array_equal(found.depth_mm, whole.depth_mm)


def test_a_sphere_is_lit_by_the_cosine_to_its_normal():
    k, j, i = np.indices((41, 41, 41)) - 20
    volume = a_volume((15.0 - np.sqrt(k**2 + j**2 + i**2)).astype(np.float32), 1.0)

    found = cast(volume, turned_view(volume, 0), [Tissue(0, 99, WHITE, 1)], step_mm=0.05)

    for off in (0, 5, 10):
        cosine = np.sqrt(1 - (off / 15) ** 2)
        assert found.picture[20, 20 + off, 0] / 255 == pytest.approx(0.25 + 0.75 * cosine, abs=0.02)


@pytest.mark.clause("6.19")
@pytest.mark.parametrize("shape", [(9, 20, 20), (9, 21, 21)])
def test_its_maximum_is_that_of_the_mip_module(shape):
    array = np.zeros(shape, np.float32)
    array[:, 2:-2, 2:-2] = np.random.default_rng(8).random(array[:, 2:-2, 2:-2].shape)
    volume = a_volume(array, 3.0, "SUVbw", "PT")

    cine = rotating_mip(volume, frames=8)

    for frame in range(8):
        plane = turned_view(volume, 45 * frame).plane
        view = View(plane, cine.centre_lps, cine.values.shape[1:], cine.spacing_mm)
        found = cast_maximum(volume, view)
        np.testing.assert_allclose(found, cine.values[frame], atol=1e-5, err_msg=str(frame))


@pytest.mark.clause("6.22")
def test_seen_from_the_side_it_is_the_turned_body_seen_from_the_front(body):
    cube = a_volume(np.ascontiguousarray(body.array[:26, :26, :26]))
    # What lies to the left comes to the front.
    turned = a_volume(np.ascontiguousarray(np.rot90(cube.array, 1, axes=(1, 2))))

    side = cast(cube, turned_view(cube, 90), [BONE, SOFT])
    front = cast(turned, turned_view(turned, 0), [BONE, SOFT])

    assert np.abs(side.picture.astype(int) - front.picture).max() <= 1


@pytest.mark.clause("6.22")
def test_cuts_take_away_what_lies_beyond_them(body):
    view = turned_view(body, 0)
    bone = [Tissue(500, 3000, WHITE, 1)]
    whole = cast(body, view, bone)

    inside = cast(body, view, bone, keep=box((-99, -99, -99), (99, 99, 99)))
    none = cast(body, view, bone, keep=[HalfSpace((0.0, -1.0, 0.0), -20.0)])
    lower = cast(body, view, bone, keep=[HalfSpace((0.0, 0.0, 1.0), 10.0)])
    half = cast(body, view, bone, keep=[HalfSpace((0.0, -1.0, 0.0), 10.0)])

    np.testing.assert_array_equal(inside.picture, whole.picture)
    assert not none.opacity.any()
    # The bone reaches from z = 3 to 19 mm, about half of it above 10.
    assert 0.3 < (lower.opacity > 0.5).sum() / (whole.opacity > 0.5).sum() < 0.6
    assert np.nanmin(half.depth_mm) == pytest.approx(-10, abs=1.01)
    assert np.nanmin(whole.depth_mm) < -11.9


@pytest.mark.clause("6.22")
def test_a_pet_glows_in_front_of_bone_and_not_behind_it(body):
    hot = np.zeros(body.array.shape, np.float32)
    hot[20, 20, 8] = 9  # behind the bone, seen from the front
    hot[8, 20, 18] = 9  # behind soft tissue only
    pet = a_volume(hot, units="SUVbw", modality="PT")
    glow = Glow(pet, (2.0, 7.0), opacity_per_mm=0.9)

    def reddest(rendering, k, i):
        row, column = round(29 - k), round(i)
        around = rendering.picture[row - 1 : row + 2, column - 1 : column + 2].astype(int)
        return (around[..., 0] - around[..., 2]).max()

    bone = [BONE]
    front = cast(body, turned_view(body, 0), bone, glow=glow)
    back = cast(body, turned_view(body, 180), bone, glow=glow)

    assert reddest(front, 20, 8) == 0
    assert reddest(front, 8, 18) > 30
    assert reddest(back, 20, 25 - 8) > 30


@pytest.mark.clause("6.22")
def test_the_ratio_goes_from_the_tissues_alone_to_the_glow_alone(body):
    hot = np.zeros(body.array.shape, np.float32)
    hot[4:26, 6:22, 5:21] = 4
    pet = a_volume(hot, units="SUVbw", modality="PT")
    view = turned_view(body, 20)
    alone = cast(body, view, [BONE, SOFT])

    def ratio(share, tissues=(BONE, SOFT)):
        return cast(body, view, tissues, glow=Glow(pet, (0.0, 8.0), ratio=share))

    np.testing.assert_array_equal(ratio(0).picture, alone.picture)
    np.testing.assert_array_equal(ratio(1).picture, ratio(1, ()).picture)
    assert ratio(0.5).opacity.sum() > alone.opacity.sum()


def test_registration_moves_the_glow(body):
    hot = np.zeros(body.array.shape, np.float32)
    hot[10, 10, 10] = 9
    shift = np.eye(4)
    shift[:3, 3] = (-4, 0, 6)
    pet = a_volume(hot, units="SUVbw", modality="PT")

    def peak(matrix):
        glow = Glow(pet, (1.0, 9.0), ratio=1, opacity_per_mm=0.9, fixed_to_moving=matrix)
        seen = cast(body, turned_view(body, 0), [], glow=glow).opacity
        return np.argwhere(seen > 0.9 * seen.max()).mean(axis=0)

    np.testing.assert_allclose(peak(shift) - peak(None), (3, 2), atol=0.1)


def test_tissues_that_make_no_sense_are_refused(body):
    for low, high, opacity in ((5, 1, 0.5), (0, 1, 2), (0, 1, -0.1), (float("nan"), 1, 0.5)):
        with pytest.raises(Refused, match="tissue_range"):
            Tissue(low, high, WHITE, opacity)
    with pytest.raises(Refused, match="tissue_range"):
        Glow(body, (3.0, 3.0))


def balls(*places, around=-1000, radius=8.0, size=60):
    """1 mm voxels of air with balls (x, y, z, HU) about points in mm."""
    volume = a_volume(np.zeros((size, size, size), np.int16), 1.0)
    points = volume.world(np.moveaxis(np.indices(volume.array.shape)[::-1], 0, -1))
    array = np.full(volume.array.shape, around, np.int16)
    for *centre, hu in places:
        array[np.linalg.norm(points - centre, axis=-1) <= radius] = hu
    return volume.with_values(array, units="HU")


@pytest.mark.clause("6.21")
@pytest.mark.parametrize("tilt", [0, 25])
def test_a_ball_appears_where_it_lies_from_every_side(tilt):
    centre = np.array((12.0, -7.0, 9.0))
    volume = balls((*centre, 1000))
    corners = volume.corners_lps()

    views = turntable(corners.min(0), corners.max(0), [0, 50, 90, 215], tilt_degrees=tilt)

    assert len({(view.shape, view.spacing_mm) for view in views}) == 1
    assert max(views[0].shape) == 512
    for view in views:
        found = cast(volume, view, [BONE]).opacity > 0.5
        rows, columns = (np.array(view.shape) - 1) / 2
        row, column = np.argwhere(found).mean(axis=0)
        assert (column - columns) * view.spacing_mm == pytest.approx(
            centre @ view.plane.axis_u, abs=0.3
        )
        assert (row - rows) * view.spacing_mm == pytest.approx(centre @ view.plane.axis_v, abs=0.3)
        assert np.sqrt(found.sum() / np.pi) * view.spacing_mm == pytest.approx(8.1, abs=0.5)


@pytest.mark.clause("6.21")
def test_the_nearer_ball_hides_the_farther():
    # On either side of what surrounds them, so that no edge passes through the other's range.
    volume = balls((0, -14, 0, -900), (0, 14, 0, 900), around=0)
    red, blue = Tissue(-999, -500, (255, 0, 0), 1), Tissue(500, 999, (0, 0, 255), 1)

    front = cast(volume, turned_view(volume, 0), [red, blue]).picture[30, 30]
    back = cast(volume, turned_view(volume, 180), [red, blue]).picture[30, 30]

    assert front[0] > 200 > 10 > front[2]
    assert back[2] > 200 > 10 > back[0]


@pytest.mark.clause("6.21")
def test_two_tissues_one_behind_the_other_blend_as_the_formula_says():
    array = np.full((10, 40, 10), -1000, np.int16)
    array[:, 5:20] = 50
    array[:, 20:35] = 1000
    volume = a_volume(array)

    seen = cast(volume, turned_view(volume, 0), [BONE, SOFT], step_mm=0.02).picture[5, 5]

    # Fifteen voxels of 2 mm, begun where -1000 to 50 passes 0, ended where 50 to 1000 passes 300.
    deep_mm = 14 * 2 + 2 * 50 / 1050 + 2 * 250 / 950
    stopped = 1 - 0.95**deep_mm
    expected = stopped * np.array(SOFT.colour) + (1 - stopped) * np.array(BONE.colour)
    np.testing.assert_allclose(seen, expected, atol=1.5)


@pytest.mark.clause("6.22")
@pytest.mark.parametrize("cut_mm", [None, -7.3, 4.9])
def test_a_cut_through_grainy_tissue_is_flat_and_lies_exactly_where_it_was_made(cut_mm):
    rng = np.random.default_rng(3)
    volume = a_volume(rng.normal(60, 15, (20, 20, 20)).astype(np.float32))
    keep = [] if cut_mm is None else [HalfSpace((0.0, -1.0, 0.0), -cut_mm)]

    seen = cast(
        volume, turned_view(volume, 0), [Tissue(-500, 999, (200, 80, 40), 1)], keep=keep,
        step_mm=0.1,
    )  # fmt: skip

    assert (seen.picture == (200, 80, 40)).all()
    np.testing.assert_allclose(seen.depth_mm, -20 if cut_mm is None else cut_mm, atol=0.1001)

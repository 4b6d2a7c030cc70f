import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.roi import Ellipse, RegionRefused, ellipse_statistics
from hevesy.imaging.quantify.suv import SuvFactor

AXIAL = {"axis_u": (1.0, 0.0, 0.0), "axis_v": (0.0, 1.0, 0.0)}
CORONAL = {"axis_u": (1.0, 0.0, 0.0), "axis_v": (0.0, 0.0, -1.0)}


@pytest.fixture
def a_ramp():
    """Value 100 k + i; voxels of 2 x 2 x 5 mm, the first centre at the origin."""
    k, _, i = np.indices((8, 40, 40))
    return Volume(
        array=(100 * k + i).astype(np.float32),
        ijk_to_lps=np.diag([2.0, 2.0, 5.0, 1.0]),
        units="BQML",
        modality="PT",
    )


@pytest.mark.clause("6.15")
def test_a_circle_takes_the_voxels_whose_centres_lie_inside(a_ramp):
    circle = Ellipse((40.0, 40.0, 15.0), **AXIAL, radius_u_mm=11.0, radius_v_mm=11.0)

    found = ellipse_statistics(a_ramp, circle)

    j, i = np.indices((40, 40))
    inside = (2.0 * i - 40) ** 2 + (2.0 * j - 40) ** 2 <= 121
    truth = a_ramp.array[3][inside]
    assert found.voxels == inside.sum()
    assert found.mean == pytest.approx(truth.mean())
    assert found.std == pytest.approx(truth.std(ddof=0))
    assert (found.min, found.max) == (truth.min(), truth.max())
    assert found.max_at_lps[0] == 50
    assert found.area_mm2 == pytest.approx(np.pi * 121)
    assert found.units == "BQML"


def test_a_plane_between_two_slices_takes_one_of_them(a_ramp):
    sizes = {}
    for z in (15.0, 17.4, 17.5, 17.6):
        circle = Ellipse((40.0, 40.0, z), **AXIAL, radius_u_mm=7.0, radius_v_mm=7.0)
        found = ellipse_statistics(a_ramp, circle)
        sizes[z] = found.voxels
        assert found.max - found.min < 100, z
    assert len(set(sizes.values())) == 1


def test_a_coronal_ellipse_is_one_row_of_voxels_thick(a_ramp):
    tall = Ellipse((40.0, 40.0, 15.0), **CORONAL, radius_u_mm=1.0, radius_v_mm=16.0)
    found = ellipse_statistics(a_ramp, tall)
    assert found.voxels == 7
    assert (found.min, found.max) == (20, 620)


def test_suv_is_the_value_times_the_factor_of_its_slice(a_ramp):
    circle = Ellipse((40.0, 40.0, 15.0), **AXIAL, radius_u_mm=5.0, radius_v_mm=5.0)
    plain = ellipse_statistics(a_ramp, circle)
    factor = SuvFactor(tuple(0.01 * (k + 1) for k in range(8)), "BQML", "BQML, decay NONE")

    found = ellipse_statistics(a_ramp, circle, suv=factor)

    assert found.units == "SUVbw"
    assert found.mean == pytest.approx(plain.mean * 0.04)
    refused = SuvFactor((), "BQML", "", refused="weight_missing")
    assert ellipse_statistics(a_ramp, circle, suv=refused).units == "BQML"


def test_an_oblique_volume_gives_the_same_as_a_straight_one(a_ramp):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("xyz", (20, -30, 40), degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn @ a_ramp.ijk_to_lps[:3, :3]
    turned = Volume(array=a_ramp.array, ijk_to_lps=affine, units="BQML", modality="PT")
    straight = Ellipse((40.0, 40.0, 15.0), **AXIAL, radius_u_mm=9.0, radius_v_mm=5.0)
    tilted = Ellipse(
        tuple(turn @ straight.centre_lps),
        axis_u=tuple(turn @ (1, 0, 0)),
        axis_v=tuple(turn @ (0, 1, 0)),
        radius_u_mm=9.0,
        radius_v_mm=5.0,
    )

    one, other = ellipse_statistics(a_ramp, straight), ellipse_statistics(turned, tilted)

    assert one.voxels == other.voxels
    assert one.mean == pytest.approx(other.mean)


def test_a_tiny_ellipse_takes_the_voxel_it_lies_in(a_ramp):
    tiny = Ellipse((40.9, 40.9, 16.0), **AXIAL, radius_u_mm=0.1, radius_v_mm=0.1)
    found = ellipse_statistics(a_ramp, tiny)
    assert (found.voxels, found.mean, found.std) == (1, 320, 0)


def test_regions_outside_or_without_shape_are_refused(a_ramp):
    with pytest.raises(RegionRefused) as refused:
        ellipse_statistics(
            a_ramp, Ellipse((400.0, 40.0, 15.0), **AXIAL, radius_u_mm=5.0, radius_v_mm=5.0)
        )
    assert refused.value.key == "outside_volume"
    for bad in (
        {"radius_u_mm": 0.0, "radius_v_mm": 5.0},
        {"radius_u_mm": float("nan"), "radius_v_mm": 5.0},
        {"radius_u_mm": float("inf"), "radius_v_mm": 5.0},
    ):
        with pytest.raises(RegionRefused):
            Ellipse((0.0, 0.0, 0.0), **AXIAL, **bad)
    with pytest.raises(RegionRefused):
        Ellipse((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.9, 0.1, 0.0), 5.0, 5.0)

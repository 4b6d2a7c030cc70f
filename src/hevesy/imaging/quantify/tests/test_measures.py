import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.transform import Rotation

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.normalise import ratio_to_body_weight
from hevesy.imaging.quantify.peak import RADIUS_MM, RULES, peak, sphere_taps
from hevesy.imaging.quantify.shape import shape
from hevesy.imaging.quantify.statistics import statistics, tumour_burden
from hevesy.imaging.quantify.voi import Voi, on_grid_of
from hevesy.imaging.refusal import Refused


def a_volume(array, spacing_mm=(2.0, 2.0, 2.0), units="SUVbw", **more):
    return Volume(
        np.asarray(array, dtype=np.float32), np.diag([*spacing_mm, 1.0]), units, "PT", **more
    )


# The digital phantom of the Image Biomarker Standardisation Initiative (IBSI 1, reference manual,
# "digital phantom"; theibsi/data_sets, CC BY 4.0): 5 x 4 x 4 voxels of 2 mm, a row of rows for each
# slice, "." not in the region, with the value of the voxel that is not in it after the colon.
IBSI_ROWS = """
14411 14611 41641 44641
14411 11611 .1311 44611 : 1
144.. 11111 11.11 11611 : 1 1 9
144.. 11111 11111 11611 : 1 1
"""
# Its voxels by hand: 50 ones, 1 three, 16 fours, 7 sixes; reference values as published, rounded.
IBSI = {
    "volume_voxel": 592, "volume_mesh": 556, "surface_mesh": 388, "integrated_intensity": 1200,
    "sphericity": 0.843, "diameter_3d": 13.1, "local_peak": 2.6, "global_peak": 3.1,
    "median": 1, "min": 1, "max": 6, "p10": 1, "p90": 4, "iqr": 3,
    "mean": 2.15, "variance": 3.05, "cov": 0.812, "energy": 567,
}  # fmt: skip


@pytest.fixture
def ibsi():
    """Volume and region of the IBSI digital phantom."""
    image, mask = [], []
    for line in IBSI_ROWS.split("\n")[1:-1]:
        rows, _, outside = line.partition(" : ")
        values = iter(outside.split())
        cells = [list(row) for row in rows.split()]
        mask.append([[cell != "." for cell in row] for row in cells])
        image.append(
            [[int(next(values) if cell == "." else cell) for cell in row] for row in cells]
        )
    return a_volume(image), Voi.of_mask(np.array(mask))


@pytest.mark.clause("6.16")
def test_the_ibsi_phantom_has_the_statistics_of_the_reference(ibsi):
    volume, region = ibsi

    found = statistics(volume, region)

    assert np.unique(region.values(volume), return_counts=True)[1].tolist() == [50, 1, 16, 7]
    assert found.voxels == 74
    assert found.volume_ml * 1000 == pytest.approx(IBSI["volume_voxel"])
    exact = [found.median, found.min, found.max, found.p10, found.p90, found.p75 - found.p25]
    assert exact == [IBSI[name] for name in ("median", "min", "max", "p10", "p90", "iqr")]
    assert found.mean == pytest.approx(159 / 74, rel=1e-12)
    assert found.std**2 == pytest.approx(IBSI["energy"] / 74 - (159 / 74) ** 2, rel=1e-12)
    for value, name in ((found.mean, "mean"), (found.std**2, "variance"), (found.cov, "cov")):
        assert float(f"{value:.3g}") == IBSI[name]


@pytest.mark.clause("6.15")
def test_the_ibsi_phantom_has_the_peaks_of_the_reference(ibsi):
    volume, region = ibsi

    anywhere = peak(volume, region, rule="centres")
    hottest = peak(volume, region, rule="local_centres")

    assert anywhere.value == pytest.approx(90 / 29)
    assert round(anywhere.value, 1) == IBSI["global_peak"]
    assert hottest.value == pytest.approx(IBSI["local_peak"])
    assert [finding.key for finding in anywhere.findings] == ["peak_at_edge"]


def test_the_ibsi_phantom_has_the_surface_and_axes_of_the_reference(ibsi):
    volume, region = ibsi

    found = shape(volume, region)

    assert found.mesh_ml * 1000 == pytest.approx(IBSI["volume_mesh"], abs=0.5)
    assert found.surface_mm2 == pytest.approx(IBSI["surface_mesh"], abs=0.5)
    assert found.sphericity == pytest.approx(IBSI["sphericity"], abs=0.0005)
    assert found.long_axis_mm == pytest.approx(IBSI["diameter_3d"], abs=0.05)
    integrated = found.mesh_ml * 1000 * statistics(volume, region).mean
    assert float(f"{integrated:.3g}") == IBSI["integrated_intensity"]


@pytest.mark.data
def test_the_phantom_written_here_is_the_one_that_ibsi_publishes(ibsi, real_dicom):
    volume, region = ibsi
    text = (real_dicom / "suv_dro" / "ibsi_digital_phantom.json").read_text(encoding="utf-8")
    published = json.loads(text)

    np.testing.assert_array_equal(volume.array, published["image"])
    np.testing.assert_array_equal(region.whole(), published["mask"])


@given(seed=st.integers(0, 10_000), k=st.floats(0.1, 10))
@settings(max_examples=40, deadline=None)
def test_measures_keep_their_order_and_scale_with_the_image(seed, k):
    rng = np.random.default_rng(seed)
    volume = a_volume(rng.gamma(1, 2, (7, 8, 9)), (4.0, 3.0, 5.0))
    region = Voi.of_mask(rng.random((7, 8, 9)) > 0.6)
    scaled = volume.with_values((volume.array * np.float32(k)).astype(np.float32), units="SUVbw")

    one, other = statistics(volume, region), statistics(scaled, region)

    assert one.min <= one.p10 <= one.p25 <= one.median <= one.p75 <= one.p90 <= one.max
    assert one.min <= one.mean <= one.max
    assert one.tlg == pytest.approx(one.mean * one.volume_ml, rel=1e-12)
    assert other.mean == pytest.approx(k * one.mean, rel=1e-5)
    assert other.std == pytest.approx(k * one.std, rel=1e-4, abs=1e-6)
    for rule in RULES:
        top, scaled_top = peak(volume, region, rule=rule), peak(scaled, region, rule=rule)
        assert top.value <= volume.array.max()
        assert scaled_top.value == pytest.approx(k * top.value, rel=1e-5)


def test_an_even_region_has_one_value_and_two_values_their_half_difference():
    even = a_volume(np.full((9, 9, 9), 0.1))
    half = even.with_values(
        np.where(np.arange(9) < 4, 1, 5).astype(np.float32) + 0 * even.array, units="SUVbw"
    )
    middle = Voi.of_mask(np.abs(np.arange(9) - 3.5) < 3 + 0 * np.ones((9, 9, 9)))

    found = statistics(even, middle)

    assert found.mean == found.max == pytest.approx(0.1)
    assert found.std == pytest.approx(0, abs=1e-12)
    assert all(peak(even, middle, rule=rule).value == pytest.approx(0.1) for rule in RULES)
    assert statistics(half, middle).std == 2


def test_glycolysis_says_of_which_suv_it_is():
    rng = np.random.default_rng(1)
    region = Voi.of_mask(rng.random((5, 6, 7)) > 0.5)
    bw = a_volume(rng.random((5, 6, 7)) * 9)
    ratio = ratio_to_body_weight("LBMJANMA", weight_kg=75, height_m=1.85, sex="M")
    lean = bw.with_values((bw.array * np.float32(ratio)).astype(np.float32), units="SUVlbm")

    body, sul = statistics(bw, region), statistics(lean, region)

    assert sul.tlg == pytest.approx(body.tlg * ratio, rel=1e-6)
    assert (body.tlg_name, sul.tlg_name) == ("TLG_SUVbw", "TLG_SUVlbm")
    assert sul.as_json()["TLG_SUVlbm_ml"] == sul.tlg
    counts = statistics(bw.with_values(bw.array, units="HU"), region)
    assert counts.tlg is None and "mtv_ml" not in counts.as_json()


def test_sums_over_the_lesions_are_the_burden_of_the_patient():
    values = np.zeros((10, 20, 30))
    values[1:3, 2:4, 3:5], values[8, 18, 28], values[5, 5, 5:9] = 4, 9, 6
    volume = a_volume(values, (2, 3, 4))
    lesions = [statistics(volume, Voi.of_mask(values == level)) for level in (4, 9, 6)]

    found = tumour_burden(lesions, units="SUVbw")

    assert found.tmtv_ml == pytest.approx((8 + 1 + 4) * 24 / 1000)
    assert found.ttlg == pytest.approx((32 + 9 + 24) * 24 / 1000)
    assert found.dmax_mm == pytest.approx(np.linalg.norm([24.5 * 2, 15.5 * 3, 6.5 * 4]))
    assert (found.lesions, found.max) == (3, 9)
    assert (found.hottest_number, found.largest_number) == (2, 1)
    numbered = tumour_burden(lesions, units="SUVbw", numbers=(4, 7, 9))
    assert (numbered.hottest_number, numbered.largest_number) == (7, 4)
    nothing = tumour_burden([], units="SUVbw")
    assert (nothing.tmtv_ml, nothing.dmax_mm, nothing.hottest_number) == (0, None, None)
    with pytest.raises(ValueError, match="one kind of SUV"):
        tumour_burden(lesions, units="SUVlbm")


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 2, 2), (4.07, 4.07, 3), (5.47, 5.47, 3.27)])
def test_the_fractional_sphere_is_one_cubic_centimetre_on_any_grid(spacing):
    volume_mm3 = {
        weights: sphere_taps(np.diag(np.array(spacing, float)), RADIUS_MM, weights)[1].sum()
        * np.prod(spacing)
        for weights in ("fractional", "centres", "interpolated")
    }

    assert volume_mm3["fractional"] == pytest.approx(1000, rel=4e-3)
    # Points 1 mm apart: 1021 of them, whatever the grid.
    assert volume_mm3["interpolated"] == pytest.approx(1021, rel=1e-9)
    # Quantification report, section 1.3: between 0.68 and 1.22 cm3 depending on the grid.
    assert 684 < volume_mm3["centres"] < 1217


def test_one_hot_voxel_has_the_peak_of_its_share_of_the_sphere():
    array = np.zeros((11, 11, 11))
    array[5, 5, 5] = 8
    volume = a_volume(array, (4, 4, 4))
    region = Voi.of_mask(array > 0)

    fractional, centres = (peak(volume, region, rule=key) for key in ("fractional", "centres"))

    assert fractional.value == pytest.approx(8 * 64 / 1000, rel=3e-3)
    assert centres.value == pytest.approx(8 / 19)
    assert fractional.inside == 1 and fractional.findings == ()


def test_the_sphere_may_leave_the_region_but_not_see_farther():
    rng = np.random.default_rng(4)
    array = rng.gamma(1, 1, (20, 20, 20))
    mask = np.zeros(array.shape, bool)
    mask[9:11, 9:11, 9:11] = True
    far, near = array.copy(), array.copy()
    far[:3], near[9, 9, 12] = 1000, 1000
    region = Voi.of_mask(mask)

    plain, with_far, with_near = (peak(a_volume(x), region).value for x in (array, far, near))

    assert with_far == plain
    assert with_near > plain + 1


def test_the_mean_of_a_ramp_around_a_voxel_is_the_value_of_the_voxel():
    k, j, i = np.indices((13, 14, 15))
    volume = a_volume(2.0 * k - 3.0 * j + 0.5 * i, (3.0, 2.5, 4.0))
    mask = np.zeros(k.shape, bool)
    mask[6, 7, 7] = True

    for rule in RULES:
        assert peak(volume, Voi.of_mask(mask), rule=rule).value == pytest.approx(-5.5, abs=1e-6)


def test_flipping_and_turning_the_grid_leaves_measures_alone():
    rng = np.random.default_rng(9)
    array, mask = rng.gamma(1, 2, (9, 11, 13)), rng.random((9, 11, 13)) > 0.8
    spacing = np.array([2.0, 3.0, 4.0])
    turn = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix()
    oblique = np.eye(4)
    oblique[:3, :3], oblique[:3, 3] = turn @ np.diag(spacing), (5, 6, 7)
    variants = [
        (array, mask, np.diag([*spacing, 1.0])),
        (array[::-1, :, ::-1], mask[::-1, :, ::-1], np.diag([*spacing, 1.0])),
        (array.transpose(2, 0, 1), mask.transpose(2, 0, 1), np.diag([3.0, 4.0, 2.0, 1.0])),
        (array, mask, oblique),
    ]
    found = []

    for values, voxels, affine in variants:
        volume = Volume(np.ascontiguousarray(values, np.float32), affine, "SUVbw", "PT")
        region = Voi.of_mask(voxels)
        form = shape(volume, region)
        numbers = [peak(volume, region, rule=rule).value for rule in RULES]
        found.append([*numbers, form.long_axis_mm, form.surface_mm2, form.mesh_ml])

    np.testing.assert_allclose(found[1:], [found[0]] * 3, rtol=1e-5)


@given(seed=st.integers(0, 1000), whole=st.booleans())
@settings(max_examples=20, deadline=None)
def test_the_peak_is_that_of_a_convolution_of_the_whole_volume(seed, whole):
    rng = np.random.default_rng(seed)
    array = rng.gamma(1, 2, (11, 12, 13)).astype(np.float32)
    mask = rng.random(array.shape) > 0.9
    mask |= whole
    offsets, weights = sphere_taps(np.diag([4.0, 3.0, 2.5]), RADIUS_MM, "fractional")
    reach = np.abs(offsets).max(axis=0)
    ball = np.zeros(2 * reach + 1)
    ball[tuple((offsets + reach).T)] = weights
    sums, present = (
        ndimage.convolve(field.astype(float), ball, mode="constant")
        for field in (array, np.ones(array.shape))
    )

    found = peak(a_volume(array, (4.0, 3.0, 2.5)), Voi.of_mask(mask))

    assert found.value == pytest.approx((sums / present)[mask].max(), rel=1e-12)
    at = np.rint(np.array(found.at_lps) / (4.0, 3.0, 2.5)).astype(int)[::-1]
    assert (sums / present)[tuple(at)] == pytest.approx(found.value, rel=1e-12)
    assert found.inside == pytest.approx(present[tuple(at)] / ball.sum())


def test_axes_of_a_box_are_its_diagonals_and_sides():
    mask = np.zeros((12, 12, 12), bool)
    mask[3:7, 2:5, 1:9] = True
    volume = a_volume(mask, (2.0, 3.0, 5.0))

    found = shape(volume, Voi.of_mask(mask))

    assert found.extent_mm == (16.0, 9.0, 20.0)
    # Outline points lie in the middle of voxel faces: the far corners are cut by half a voxel.
    assert found.in_plane_long_mm == pytest.approx(np.hypot(16, 6))
    across = np.array([-6, 16]) / np.hypot(16, 6)
    assert found.in_plane_short_mm == pytest.approx(2 * (np.array([-7, 4.5]) @ across))
    assert found.long_axis_mm == pytest.approx(np.linalg.norm([14, 6, 20]))


def test_a_round_body_is_round_and_one_voxel_still_has_axes():
    k, j, i = np.indices((41, 41, 41)) - 20
    ball = Voi.of_mask(k**2 + j**2 + i**2 <= 18**2)
    one = np.zeros((3, 3, 3), bool)
    one[0, 0, 0] = True

    round_body = shape(a_volume(np.zeros((41, 41, 41)), (1, 1, 1)), ball)
    voxel = shape(a_volume(one, (2, 3, 4)), Voi.of_mask(one))

    assert round_body.long_axis_mm == pytest.approx(37, abs=0.5)
    assert round_body.in_plane_short_mm == pytest.approx(37, abs=0.5)
    # Staircase surfaces of marching cubes are some 8 % larger than the sphere.
    assert 0.9 < round_body.sphericity < 1
    assert voxel.extent_mm == (2, 3, 4)
    assert (voxel.in_plane_long_mm, voxel.in_plane_short_mm) == (3, 2)


def test_the_same_region_on_the_ct_takes_the_voxels_whose_centres_lie_inside():
    pet = a_volume(np.zeros((6, 8, 8)), (4, 4, 4))
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    affine[:3, 3] = (-1.3, 0.2, -2.1)
    k, j, i = np.indices((9, 30, 30))
    ct = Volume((10 * k + j - i).astype(np.int16), affine, "HU", "CT")
    mask = np.random.default_rng(3).random((6, 8, 8)) > 0.7
    region = Voi.of_mask(mask)

    found = on_grid_of(region, pet, ct)

    nearest = np.rint(pet.index(ct.world(np.stack((i, j, k), -1)))).astype(int)
    valid = np.all((nearest >= 0) & (nearest < [8, 8, 6]), axis=-1)
    clipped = np.clip(nearest, 0, [7, 7, 5])
    truth = valid & mask[clipped[..., 2], clipped[..., 1], clipped[..., 0]]
    np.testing.assert_array_equal(found.whole(), truth)
    assert statistics(ct, found).mean == pytest.approx(ct.array[truth].mean())


def test_regions_that_cannot_be_measured_are_refused():
    volume = a_volume(np.ones((4, 4, 4)), frame_of_reference_uid="1.2")
    other = a_volume(np.ones((5, 4, 4)), frame_of_reference_uid="1.3")
    region = Voi.of_mask(np.eye(4, dtype=bool)[None] | np.zeros((4, 1, 1), bool))
    hole = volume.with_values(np.where(region.whole(), np.nan, 1), units="SUVbw")
    asked = {
        "empty_region": lambda: Voi.of_mask(np.zeros((4, 4, 4))),
        "other_grid": lambda: statistics(other, region),
        "not_finite": lambda: statistics(hole, region),
        "other_frame_of_reference": lambda: on_grid_of(region, volume, other),
        "unknown_peak_rule": lambda: peak(volume, region, rule="of the mountain"),
    }

    for key, ask in asked.items():
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.key == key
        assert refused.value.text_zh

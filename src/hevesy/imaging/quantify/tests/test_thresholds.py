import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import brentq

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.lesion import References
from hevesy.imaging.quantify.peak import peak
from hevesy.imaging.quantify.sphere_model import FWHM_PER_SIGMA, blurred_sphere
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.thresholds import RULES, segment, start_set
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused

GIVEN = References(liver=(2.0, 0.25), blood_pool=(1.6, 0.2), fwhm_mm=7.0)


# Where the centre of a sphere lies between voxel centres, in voxels: averaged over these, the grain
# of counting voxels is small.
OFFSETS = np.random.default_rng(0).uniform(-0.5, 0.5, (12, 3))


def a_sphere(
    diameter_mm, fwhm_mm=7.0, *, contrast=10.0, spacing_mm=2.0, background=1.0, offset=(0, 0, 0)
):
    """A blurred sphere in the middle of a volume: background * (1 + (contrast - 1) f)."""
    n = 2 * int((diameter_mm / 2 + 1.5 * fwhm_mm + 10) / spacing_mm) + 1
    z, y, x = ((np.arange(n) - n // 2 + away) * spacing_mm for away in offset)
    r = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    f = blurred_sphere(r, radius_mm=diameter_mm / 2, fwhm_mm=fwhm_mm)
    values = (background * (1 + (contrast - 1) * f)).astype(np.float32)
    return Volume(values, np.diag([*3 * [spacing_mm], 1.0]), "SUVbw", "PT")


def measured(rule, diameter_mm, **sphere):
    """Volume over the true one, mean and level of a rule on a sphere, averaged over offsets."""
    true_ml = 4 / 3 * np.pi * (diameter_mm / 2) ** 3 / 1000
    found = []
    for offset in OFFSETS:
        volume = a_sphere(diameter_mm, offset=offset, **sphere)
        lesion = segment(volume, whole(volume), rule, references=GIVEN)
        inside = statistics(volume, lesion.voi)
        found.append((inside.volume_ml / true_ml, inside.mean, lesion.level or 0.0))
    return np.mean(found, axis=0)


def whole(volume):
    return Voi.of_mask(np.ones(volume.array.shape, bool))


class Truth:
    """What a perfect measurement of a blurred sphere gives, by integration along the radius."""

    def __init__(self, diameter_mm, fwhm_mm, contrast):
        self.radius, self.contrast = diameter_mm / 2, contrast
        self.r = np.linspace(0, self.radius + 3 * fwhm_mm, 40_001)
        f = blurred_sphere(self.r, radius_mm=self.radius, fwhm_mm=fwhm_mm)
        self.image = 1 + (contrast - 1) * f
        self.max = self.image[0]

    def outline(self, level):
        return brentq(lambda r: np.interp(r, self.r, self.image) - level, 0, self.r[-1])

    def mean_within(self, radius):
        r = np.linspace(0, radius, 20_001)
        return np.trapezoid(np.interp(r, self.r, self.image) * r**2, r) * 3 / radius**3

    def recovery_max(self):
        return self.max / self.contrast

    def recovery_peak(self):
        return self.mean_within(10 * (3 / (4 * np.pi)) ** (1 / 3)) / self.contrast

    def recovery_a50(self):
        return self.mean_within(self.outline(0.5 * (self.max + 1))) / self.contrast

    def volume_41(self):
        return (self.outline(0.41 * self.max) / self.radius) ** 3

    def volume_a50(self):
        return (self.outline(0.5 * (self.max + 1)) / self.radius) ** 3


def test_the_blurred_sphere_is_the_sphere_convolved_with_a_gaussian():
    fwhm, radius, step = 7.0, 8.5, 0.5
    axis = np.arange(-40, 41) * step
    fine = (np.arange(5) - 2) / 5 * step
    sphere = np.zeros((81, 81, 81))
    for dz in fine:
        for dy in fine:
            for dx in fine:
                z, y, x = axis + dz, axis + dy, axis + dx
                sphere += z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 <= radius**2
    blurred = gaussian_filter(sphere / 125, fwhm / FWHM_PER_SIGMA / step, truncate=6)

    found = blurred_sphere(np.abs(axis), radius_mm=radius, fwhm_mm=fwhm)

    np.testing.assert_allclose(found[8:73], blurred[40, 40, 8:73], atol=2e-3)


@pytest.mark.parametrize(
    ("fwhm", "contrast", "diameter", "expected"),
    [
        # Quantification report, section 2: RCmax, RCpeak, RC A50, V41/V, V A50/V.
        (5, 10, 10, (0.878, 0.449, 0.635, 1.177, 0.665)),
        (5, 10, 22, (1.000, 0.994, 0.829, 1.127, 0.890)),
        (7, 10, 13, (0.830, 0.563, 0.599, 1.244, 0.673)),
        (7, 10, 37, (1.000, 1.000, 0.854, 1.121, 0.923)),
        (7, 4, 10, (0.686, 0.471, 0.544, 5.41, 0.826)),
        (7, 4, 17, (0.968, 0.832, 0.759, 1.67, 0.695)),
    ],
)
def test_the_closed_form_integrates_to_the_published_table(fwhm, contrast, diameter, expected):
    truth = Truth(diameter, fwhm, contrast)

    found = (
        truth.recovery_max(),
        truth.recovery_peak(),
        truth.recovery_a50(),
        truth.volume_41(),
        truth.volume_a50(),
    )

    np.testing.assert_allclose(found, expected, rtol=3.5e-3)


@pytest.mark.clause("6.16")
@pytest.mark.parametrize("diameter", [17, 22, 28, 37])
@pytest.mark.parametrize(("spacing", "tolerance"), [(2.0, 0.02), (4.0, 0.05)])
def test_nema_spheres_measure_as_the_closed_form_says(diameter, spacing, tolerance):
    volume, truth = a_sphere(diameter, spacing_mm=spacing), Truth(diameter, 7.0, 10.0)

    top = peak(volume, whole(volume)).value
    adapted, mean, level = measured("A50", diameter, spacing_mm=spacing)
    relative, _, _ = measured("P41", diameter, spacing_mm=spacing)

    assert volume.array.max() / 10 == pytest.approx(truth.recovery_max(), rel=tolerance)
    assert top / 10 == pytest.approx(truth.recovery_peak(), rel=tolerance)
    assert mean / 10 == pytest.approx(truth.recovery_a50(), rel=tolerance)
    # The shell around a hot sphere holds some of its blur, so that the level lies a little high.
    assert level == pytest.approx(0.5 * (truth.max + 1), rel=tolerance)
    assert adapted == pytest.approx((truth.outline(level) / truth.radius) ** 3, rel=tolerance)
    assert adapted == pytest.approx(truth.volume_a50(), rel=tolerance)
    assert relative == pytest.approx(truth.volume_41(), rel=tolerance)


def test_the_adapted_volume_knows_no_contrast_and_the_relative_one_no_scale():
    volumes = [a_sphere(22, contrast=contrast) for contrast in (4.0, 8.0, 20.0)]
    adapted = [segment(v, whole(v), "A50").voi.voxels for v in volumes]
    scaled = [a_sphere(22, background=background) for background in (0.4, 1.0, 2.0)]

    relative = [segment(v, whole(v), "P41").voi.voxels for v in scaled]

    # The background of a shell is a little above the true one.
    np.testing.assert_allclose(adapted, adapted[0], rtol=0.04)
    assert len(set(relative)) == 1


@pytest.mark.parametrize("diameter", [17, 22, 28])
def test_the_iterated_threshold_finds_the_true_volume_of_a_sphere(diameter):
    found, _, _ = measured("ITM", diameter, contrast=8.0)

    assert found == pytest.approx(1.0, rel=0.04)


@pytest.mark.parametrize("diameter", [22, 37])
def test_the_gradient_stops_where_the_blurred_edge_is_steepest(diameter):
    # The rule smooths by one voxel, 2 mm, on top of the scanner's blur.
    blur = np.hypot(5.0, 2.0 * FWHM_PER_SIGMA)
    r = np.linspace(1, diameter, 5_001)
    slope = np.gradient(blurred_sphere(r, radius_mm=diameter / 2, fwhm_mm=blur), r)
    steepest = (r[np.argmin(slope)] / (diameter / 2)) ** 3

    low, _, _ = measured("GRAD", diameter, fwhm_mm=5.0, contrast=5.0)
    high, _, _ = measured("GRAD", diameter, fwhm_mm=5.0, contrast=20.0)

    assert low == pytest.approx(steepest, rel=0.06)
    assert high == pytest.approx(low, rel=1e-3)


def test_every_rule_has_the_level_that_its_text_says():
    volume = a_sphere(28, contrast=9.0)
    top = float(volume.array.max())
    summit = peak(volume, whole(volume)).value

    found = {key: segment(volume, whole(volume), key, references=GIVEN) for key in RULES}

    background = found["A50"].values["background"]
    hot = volume.array[volume.array >= 0.7 * top].astype(float)
    levels = {
        "F2.5": 2.5,
        "F4.0": 4.0,
        "P41": 0.41 * top,
        "P50": 0.5 * top,
        "A50": 0.5 * (top + background),
        "A50P": 0.5 * (summit + background),
        "LIV": 1.5 * 2.0 + 2 * 0.25,
        "LIVm": 2.0,
        "LIV3": 2.0 + 3 * 0.25,
        "MBP": 2.0 * 1.6 + 2 * 0.2,
        "NESTLE": 0.15 * hot.mean() + background,
    }
    for key, level in levels.items():
        assert found[key].level == pytest.approx(level, rel=1e-6), key
        expected = volume.array >= np.float32(found[key].level)
        np.testing.assert_array_equal(found[key].voi.whole(), expected, err_msg=key)
        assert found[key].as_json()["rule"] == key
    assert {key for key, one in found.items() if not one.checked} == {"LIV", "MBP", "NESTLE"}


def test_majorities_are_between_the_rules_they_count():
    volume = a_sphere(17, contrast=7.0)
    masks = {
        key: segment(volume, whole(volume), key).voi.whole()
        for key in ("P41", "A50P", "F2.5", "F4.0", "MV2", "MV3", "P50")
    }

    votes = sum(masks[key].astype(int) for key in ("P41", "A50P", "F2.5", "F4.0"))

    np.testing.assert_array_equal(masks["MV2"], votes >= 2)
    np.testing.assert_array_equal(masks["MV3"], votes >= 3)
    assert masks["MV2"].sum() > masks["MV3"].sum()
    assert np.all(masks["P41"][masks["P50"]])


def test_the_background_is_a_shell_two_voxels_thick_one_voxel_away():
    array = np.full((15, 15, 15), 0.5, np.float32)
    array[7, 7, 7] = 10
    distance = np.max(np.abs(np.indices(array.shape) - 7), axis=0)
    array[distance == 1] = 0.9
    array[distance == 2] = 1.0
    array[distance == 3] = 1.5
    array[distance == 4] = 2.4
    array[7, 7, 9] = 2.51
    others = np.zeros(array.shape, bool)
    others[7, 7, 10] = True
    array[7, 7, 10] = 2.2
    volume = Volume(array, np.diag([2, 2, 2, 1.0]), "SUVbw", "PT")

    found = segment(volume, whole(volume), "A50", references=References(others=others))

    near, far = 5**3 - 3**3 - 1, 7**3 - 5**3 - 1
    assert found.values["background_voxels"] == near + far
    assert found.values["background"] == pytest.approx((near * 1.0 + far * 1.5) / (near + far))


def test_only_what_hangs_together_with_the_hottest_voxel_is_the_lesion():
    array = np.zeros((9, 9, 20), np.float32)
    array[4, 4, 3:7], array[4, 4, 8:11], array[5, 5, 7] = 6.0, 7.0, 0.1
    array[4, 4, 9] = 10.0
    volume = Volume(array, np.diag([2, 2, 2, 1.0]), "SUVbw", "PT")

    found = segment(volume, whole(volume), "P41")

    assert {tuple(index) for index in found.voi.index_kji} == {(4, 4, i) for i in (8, 9, 10)}


def test_the_start_set_keeps_what_is_large_enough():
    array = np.zeros((20, 20, 40), np.float32)
    array[2:17, 2:7, 2:7], array[2:17, 2:7, 12:17] = 4.0, 3.99
    array[2:16, 2:7, 22:27] = 9.0
    volume = Volume(array, np.diag([2, 2, 2, 1.0]), "SUVbw", "PT")

    found = start_set(volume)

    assert found.count.tolist() == [375]


def test_a_rule_that_lacks_what_it_compares_with_is_refused():
    volume = a_sphere(17, contrast=3.0, background=1.0)
    crowded = a_sphere(17, contrast=3.0, background=5.0)
    cold = volume.with_values(np.zeros_like(volume.array), units="SUVbw")
    asked = {
        "unknown_threshold_rule": (volume, "P42"),
        "no_liver_reference": (volume, "LIV"),
        "no_blood_pool_reference": (volume, "MBP"),
        "no_resolution": (volume, "ITM"),
        "nothing_above_threshold": (volume, "F4.0"),
        "no_background": (crowded, "A50"),
        "no_uptake": (cold, "P41"),
    }

    for key, (image, rule) in asked.items():
        with pytest.raises(Refused) as refused:
            segment(image, whole(image), rule)
        assert refused.value.key == key

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.earl import earl_verdict
from hevesy.imaging.quantify.harmonise import Harmonisation, harmonised, read_harmonisation
from hevesy.imaging.quantify.sphere_model import FWHM_PER_SIGMA, blurred_sphere
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.thresholds import segment
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused

SPHERES_MM = (37, 28, 22, 17, 13, 10)


def a_volume(array, spacing_mm):
    return Volume(array.astype(np.float32), np.diag([*spacing_mm, 1.0]), "SUVbw", "PT")


@pytest.mark.parametrize("spacing_mm", [(2.0, 3.0, 5.0), (4.07, 4.07, 3.0)])
@pytest.mark.parametrize("fwhm_mm", [1.5, 4.0, 6.5])
def test_a_point_gets_the_width_that_was_asked_for_along_every_axis(spacing_mm, fwhm_mm):
    array = np.zeros((31, 31, 31))
    array[15, 15, 15] = 1000
    volume = a_volume(array, spacing_mm)

    found = harmonised(volume, Harmonisation(fwhm_mm)).array.astype(float) / 1000

    for axis, step in zip((2, 1, 0), spacing_mm, strict=True):
        profile = found.sum(axis=tuple(other for other in range(3) if other != axis))
        away = (np.arange(31) - 15) * step
        width = FWHM_PER_SIGMA * np.sqrt((profile * away**2).sum())
        assert width == pytest.approx(fwhm_mm, rel=1e-3)


def test_the_half_height_of_a_point_on_fine_voxels_lies_where_it_should():
    array = np.zeros((61, 61, 61))
    array[30, 30, 30] = 1

    profile = harmonised(a_volume(array, (1, 1, 1)), Harmonisation(7.0)).array[30, 30, 30:]

    half = np.interp(-0.5 * profile[0], -profile, np.arange(31))
    assert 2 * half == pytest.approx(7.0, rel=0.01)


@settings(deadline=None, max_examples=15)
@given(st.floats(0.1, 12.0), st.integers(0, 1000))
def test_the_sum_is_kept_to_the_border_and_no_value_leaves_the_range(fwhm_mm, seed):
    array = np.random.default_rng(seed).gamma(1.0, size=(12, 14, 16))
    volume = a_volume(array, (3.0, 2.0, 4.0))

    found = harmonised(volume, Harmonisation(fwhm_mm)).array

    assert found.sum(dtype=float) == pytest.approx(volume.array.sum(dtype=float), rel=1e-5)
    assert found.min() >= volume.array.min() * (1 - 1e-6)
    assert found.max() <= volume.array.max() * (1 + 1e-6)


@pytest.mark.clause("6.16")
def test_sharp_images_of_the_nema_spheres_come_into_the_limits_of_earl():
    sharp, filtered = {}, {}
    by = Harmonisation(float(np.sqrt(8.0**2 - 5.0**2)))
    for diameter in SPHERES_MM:
        n = int(diameter / 2 + 26) // 2
        z, y, x = np.ogrid[-n : n + 1, -n : n + 1, -n : n + 1]
        r = 2.0 * np.sqrt(z**2 + y**2 + x**2)
        native, expected = (
            1 + 9 * blurred_sphere(r, radius_mm=diameter / 2, fwhm_mm=fwhm) for fwhm in (5.0, 8.0)
        )
        volume = a_volume(native, (2, 2, 2))
        copy = harmonised(volume, by)
        inner = (slice(8, -8),) * 3
        np.testing.assert_allclose(copy.array[inner], expected[inner], rtol=0.002)
        for one, recovery in ((volume, sharp), (copy, filtered)):
            lesion = segment(one, Voi.of_mask(np.ones(r.shape, bool)), "A50").voi
            found = statistics(one, lesion)
            recovery[diameter] = (found.mean / 10, found.max / 10)

    def passed(recovery):
        return [
            earl_verdict(
                {mm: pair[n] for mm, pair in recovery.items()},
                standard="standards_1",
                measure=measure,
            ).passed
            for n, measure in enumerate(("a50", "max"))
        ]

    assert passed(sharp) == [False, False]
    assert passed(filtered) == [True, True]


def test_a_width_is_stated_or_read_from_the_table_of_the_department(tmp_path):
    table = tmp_path / "site.toml"
    table.write_text("[gantry_2]\nfwhm_mm = 5.5\nsource = 'our phantom'\nchecked = true\n")

    assert read_harmonisation("6.25") == Harmonisation(6.25)
    assert read_harmonisation(f"{table}:gantry_2") == Harmonisation(5.5, "our phantom", True)
    for text, key in (
        ("0", "harmonise_width"),
        ("nan", "harmonise_width"),
        ("21", "harmonise_width"),
        ("wide", "harmonise_table"),
        (f"{table}:gantry_3", "harmonise_table"),
        (f"{tmp_path}/no.toml:x", "harmonise_table"),
    ):
        with pytest.raises(Refused) as refused:
            read_harmonisation(text)
        assert refused.value.key == key, text

"""Nothing above the rule is lost, and small foci below it are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from hevesy.imaging.geometry import Volume
from hevesy.imaging.segment.lesions.candidates import above_level, contrast_foci


def volume_of(array, spacing_mm=4.0):
    return Volume(
        np.asarray(array, dtype=np.float32), np.diag([spacing_mm] * 3 + [1.0]), "SUVbw", "PT"
    )


@pytest.mark.clause("6.16")
@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**31))
def test_candidates_together_are_exactly_what_is_above_the_level(seed):
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal((14, 20, 24)), rng.uniform(0.5, 2.5))
    volume = volume_of(2.5 + 4 * smooth / smooth.std())

    found = above_level(volume, 4.0)

    times = np.zeros(volume.array.shape, dtype=int)
    for one in found:
        times[one.voi.box] += one.voi.mask
    assert np.array_equal(times, (volume.array >= 4.0).astype(int))


@pytest.mark.clause("6.16")
@pytest.mark.parametrize("seed", range(50))
def test_every_inserted_lesion_above_the_level_is_a_candidate(seed):
    rng = np.random.default_rng(seed)
    array = 1 + 0.2 * rng.standard_normal((24, 24, 24))
    centres = rng.integers(1, 23, size=(6, 3))
    for centre in centres:
        array[tuple(centre)] = rng.uniform(4.0, 20.0)

    found = above_level(volume_of(array), 4.0)

    inside = np.zeros(array.shape, dtype=bool)
    for one in found:
        inside[one.voi.box] |= one.voi.mask
    assert inside[tuple(centres.T)].all()


def test_a_lesion_that_touches_a_hotter_organ_is_cut_off():
    k, j, i = np.ogrid[:20, :20, :40]
    organ = 20 * np.exp(-((k - 10) ** 2 + (j - 10) ** 2 + (i - 11) ** 2) / 30)
    lesion = 14 * np.exp(-((k - 10) ** 2 + (j - 10) ** 2 + (i - 25) ** 2) / 18)
    volume = volume_of(organ + lesion + 1)

    found = above_level(volume, 2.0)

    assert len(found) == 2
    whole_ml = sum(one.voi.voxels for one in found) * 0.064
    assert [one.component_ml for one in found] == pytest.approx([whole_ml] * 2)
    smaller = min(found, key=lambda one: volume.array[one.voi.box][one.voi.mask].max())
    assert smaller.voi.box[2].start > 15
    assert smaller.voi.whole()[10, 10, 25]


def test_a_small_focus_below_the_level_is_found_by_contrast_and_a_large_one_is_not():
    array = np.full((40, 40, 40), 0.5)
    array[10, 10, 10] = 110
    array = gaussian_filter(array, 1.3)
    assert 2 < array.max() < 4
    array[22:38, 22:38, 22:38] = 2.5
    volume = volume_of(array)

    found = contrast_foci(volume, volume, 4.0)

    assert [one.found_by for one in found] == ["contrast"]
    assert found[0].voi.whole()[10, 10, 10]


def test_what_is_above_the_level_is_no_focus():
    array = np.full((30, 30, 30), 0.5)
    array[10:12, 10:12, 10:12] = 9
    volume = volume_of(array)

    assert contrast_foci(volume, volume, 4.0) == []

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.segment.components import components_of
from hevesy.imaging.segment.split import split


def two_hills(valley, *, second=8.0):
    """Two Gaussian hills of heights 10 and `second` whose saddle lies at about `valley`."""
    k, j, i = np.indices((15, 15, 61))
    from_first, from_second = (np.hypot(np.hypot(k - 7, j - 7), i - at) for at in (16, 44))
    hills = 10 * np.exp(-((from_first / 6) ** 2)) + second * np.exp(-((from_second / 6) ** 2))
    bridge = np.where((np.hypot(k - 7, j - 7) < 4) & (i > 16) & (i < 44), valley, 0)
    return np.maximum(hills, bridge).astype(np.float32)


@pytest.mark.clause("6.16")
def test_a_merged_region_is_cut_where_the_valley_is_deep_enough():
    values = two_hills(4.0)
    mask = values >= 2

    parts = split(values, mask)

    assert parts.max() == 2
    assert parts[7, 7, 16] == 1 and parts[7, 7, 44] == 2
    assert len(components_of(mask, values)) == 1
    for part in (1, 2):
        assert len(components_of(parts == part, values)) == 1
    # 8 - 6 = 2 is less than a quarter of 10, and enough for a sixth.
    shallow = two_hills(6.0)
    assert split(shallow, shallow >= 2).max() == 1
    assert split(shallow, shallow >= 2, depth=1 / 6).max() == 2


@given(seed=st.integers(0, 1000), depth=st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_the_parts_conserve_volume_and_glycolysis(seed, depth):
    rng = np.random.default_rng(seed)
    values = rng.gamma(1, 2, (6, 9, 12)).astype(np.float32)
    mask = values >= 1.5

    parts = split(values, mask, depth=depth)

    np.testing.assert_array_equal(parts > 0, mask)
    sums = [values[parts == part].astype(float).sum() for part in range(1, parts.max() + 1)]
    assert sum(sums) == pytest.approx(values[mask].astype(float).sum(), rel=1e-12)
    tops = [values[parts == part].max() for part in range(1, parts.max() + 1)]
    assert tops == sorted(tops, reverse=True)


def test_separate_regions_stay_separate_and_an_even_one_stays_whole():
    values = np.full((5, 5, 11), 3.0, np.float32)
    mask = np.ones(values.shape, bool)

    assert split(values, mask).max() == 1
    mask[:, :, 5] = False
    parts = split(values, mask)
    assert parts.max() == 2 and parts[0, 0, 0] != parts[0, 0, 10]
    assert split(values, np.zeros_like(mask)).max() == 0
    with pytest.raises(ValueError, match="fraction"):
        split(values, mask, depth=1.5)

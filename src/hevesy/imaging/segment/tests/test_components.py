import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import Labeller, components_above, components_of

STRUCTURES = {6: 1, 18: 2, 26: 3}


def scipy_labels(mask, connectivity):
    structure = ndimage.generate_binary_structure(3, STRUCTURES[connectivity])
    return ndimage.label(mask, structure)[0]


def itk_labels(mask, *, full):
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    return SimpleITK.GetArrayFromImage(SimpleITK.ConnectedComponent(image, full))


def same_partition(one, other):
    """Whether two label volumes divide the voxels alike, whatever the numbers."""
    pairs = np.unique(np.stack((one.ravel(), other.ravel())), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1] == len(np.unique(pairs[1]))


def structured_volumes():
    """Shapes that catch a labeller: edges, spirals, diagonals, single slices, rows and columns."""
    k, j, i = np.indices((12, 13, 70))
    yield "checkerboard", (k + j + i) % 2
    yield "diagonal lines", (k - j == 0) & (j - i % 13 == 0)
    yield "shells", (np.hypot(np.hypot(k - 6, j - 6), i - 35).astype(int) % 2)
    yield "comb", (i % 2 == 0) | (j == 0)
    yield "late join", ((i % 4 == 0) | (k == 11)) & (j % 2 == 0)
    yield "one slice", np.random.default_rng(1).random((1, 40, 33)) > 0.5
    yield "one row", np.random.default_rng(2).random((30, 1, 33)) > 0.5
    yield "one column", np.random.default_rng(3).random((30, 40, 1)) > 0.5
    yield "all", np.ones((5, 4, 3))
    yield "none", np.zeros((5, 4, 3))
    yield "corners", np.isin(np.arange(27).reshape(3, 3, 3), (0, 2, 6, 8, 13, 18, 20, 24, 26))


@pytest.mark.clause("6.16")
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_structured_volumes_divide_as_scipy_and_itk_divide_them(connectivity):
    for name, shape in structured_volumes():
        volume = np.asarray(shape, dtype=np.float32)

        labels = components_above(volume, 0.5, connectivity=connectivity).label_volume()

        assert same_partition(labels, scipy_labels(volume > 0, connectivity)), name
        if connectivity != 18:
            assert same_partition(labels, itk_labels(volume > 0, full=connectivity == 26)), name


@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 70)),
    level=st.floats(0, 1),
    connectivity=st.sampled_from([6, 18, 26]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_any_noise_divides_as_scipy_divides_it(shape, level, connectivity, seed):
    volume = np.random.default_rng(seed).random(shape, dtype=np.float32)

    found = components_above(volume, level, connectivity=connectivity)

    labels = found.label_volume()
    assert same_partition(labels, scipy_labels(volume >= np.float32(level), connectivity))
    assert found.count.sum() == (labels > 0).sum()


def test_statistics_are_those_of_the_voxels_of_each_component():
    rng = np.random.default_rng(7)
    volume = rng.gamma(1.0, 1.5, (9, 17, 65)).astype(np.float32)

    found = components_above(volume, 3.0, connectivity=18)

    assert len(found) > 50
    labels = found.label_volume()
    for part, box in enumerate(ndimage.find_objects(labels)):
        inside = labels == part + 1
        truth = volume[inside].astype(np.float64)
        at = np.argwhere(inside)
        assert found.box(part) == box
        assert found.count[part] == truth.size
        assert found.sum[part] == pytest.approx(truth.sum(), rel=1e-12)
        assert found.std[part] == pytest.approx(truth.std(), abs=1e-12)
        assert (found.min[part], found.max[part]) == (truth.min(), truth.max())
        assert tuple(found.max_at[part]) == tuple(at[np.argmax(truth)])
        np.testing.assert_allclose(found.centroid[part], at.mean(axis=0), atol=1e-12)
        np.testing.assert_array_equal(np.stack(found.voxels_of(part), axis=1), at)
        mask, where = found.mask_of(part)
        np.testing.assert_array_equal(mask, inside[where])


def test_a_threshold_that_a_voxel_equals_includes_it_in_the_type_of_the_volume():
    volume = np.zeros((2, 2, 40), dtype=np.float32)
    volume[0, 0, 3] = volume[1, 1, 39] = 4.1

    assert components_above(volume, 4.1).count.tolist() == [1, 1]
    whole = (volume * 10).astype(np.int16)
    assert len(components_above(whole, 41)) == 2
    assert len(components_above(whole, 40.2)) == 2
    assert len(components_above(whole, 41.01)) == 0
    assert len(components_above(whole, 1e9)) == 0
    assert components_above(whole, -1e9).count.tolist() == [volume.size]


@pytest.mark.parametrize("columns", [1, 31, 32, 33, 97])
def test_one_hot_voxel_is_found_wherever_it_stands_in_its_row(columns):
    for at in range(columns):
        volume = np.full((1, 2, columns), 0.1, dtype=np.float32)
        volume[0, 1, at] = 0.3

        found = components_above(volume, 0.2)

        assert found.max_at.tolist() == [[0, 1, at]]


def test_not_a_number_belongs_nowhere_and_hides_nothing():
    volume = np.zeros((2, 3, 50), dtype=np.float32)
    volume[0, 0] = np.nan
    volume[0, 0, 20] = 5
    volume[1, 2, 49] = 7

    found = components_above(volume, 4)

    assert found.max.tolist() == [5, 7]
    assert len(components_above(volume, np.inf)) == 0
    with pytest.raises(Refused) as refused:
        components_above(volume, float("nan"))
    assert refused.value.key == "bad_threshold"


@given(seed=st.integers(0, 1000), low=st.floats(0, 3), more=st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_a_higher_threshold_and_a_lower_connectivity_only_divide(seed, low, more):
    labeller = Labeller(np.random.default_rng(seed).gamma(1, 1, (5, 9, 40)).astype(np.float32))

    wide, narrow = labeller.above(low), labeller.above(low + more)
    counts = [len(labeller.above(low, connectivity=c)) for c in (26, 18, 6)]

    assert wide.count.sum() >= narrow.count.sum()
    assert np.all(wide.label_volume()[narrow.label_volume() > 0] > 0)
    assert counts == sorted(counts)


def test_flipping_the_volume_flips_the_components():
    volume = np.random.default_rng(5).gamma(1, 1, (6, 8, 37)).astype(np.float32)
    plain = components_above(volume, 2.0)

    for axis in range(3):
        flipped = components_above(np.flip(volume, axis), 2.0)
        assert same_partition(np.flip(flipped.label_volume(), axis), plain.label_volume())
        assert sorted(flipped.max) == sorted(plain.max)


def test_components_of_a_mask_take_the_values_of_another_volume():
    rng = np.random.default_rng(11)
    mask = rng.random((4, 6, 50)) > 0.7
    values = rng.normal(40, 10, mask.shape).astype(np.float32)

    found = components_of(mask, values, connectivity=6)

    assert same_partition(found.label_volume(), scipy_labels(mask, 6))
    assert found.min.min() == values[mask].min()
    assert found.sum.sum() == pytest.approx(values[mask].astype(np.float64).sum(), rel=1e-12)


def test_a_selection_is_renumbered_in_order():
    volume = np.random.default_rng(3).gamma(1, 1.5, (5, 9, 40)).astype(np.float32)
    found = components_above(volume, 4.0, connectivity=6)

    kept = found.select(found.count >= 2)

    assert 0 < len(kept) < len(found)
    assert kept.count.tolist() == found.count[found.count >= 2].tolist()
    labels = kept.label_volume()
    np.testing.assert_array_equal(np.bincount(labels.ravel())[1:], kept.count)
    assert [volume[kept.voxels_of(n)].max() for n in range(len(kept))] == kept.max.tolist()
    assert len(found.select(np.zeros(len(found), dtype=bool))) == 0


def test_work_spread_over_threads_gives_the_same(monkeypatch):
    volume = np.random.default_rng(2).gamma(1, 1, (90, 100, 20)).astype(np.float32)
    together = {}

    for threads in ("1", "3"):
        monkeypatch.setenv("HEVESY_THREADS", threads)
        found = components_above(volume, 3.0)
        together[threads] = (found.label_volume(), found.mean, found.max_at)

    for one, other in zip(*together.values(), strict=True):
        np.testing.assert_array_equal(one, other)

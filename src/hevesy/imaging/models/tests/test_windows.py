"""Patches put together again: what a network says does not depend on how it was led."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hevesy.imaging.models.manifest import Windowing
from hevesy.imaging.models.windows import blended, profile, starts
from hevesy.imaging.refusal import Refused

sizes = st.tuples(*[st.integers(1, 20)] * 3)
patches = st.tuples(*[st.integers(1, 9)] * 3)
SHIFT = np.zeros((3, 3, 3))
SHIFT[1, 1, 0] = 1


def windowing(patch, overlap=0.5, mirror=()):
    return Windowing((4, 4, 4), patch, overlap, mirror, "none")


def correlation(kernel):
    """A network of one channel with zeros around its patch, as ONNX pads a convolution."""
    return lambda patch: ndimage.correlate(patch[0], kernel, mode="constant")[None]


@settings(max_examples=50)
@given(st.integers(1, 300), st.integers(1, 64), st.floats(0, 0.9))
def test_windows_cover_everything_with_the_overlap_that_was_asked_for(size, patch, overlap):
    begins = starts(size, patch, overlap)

    assert begins[0] == 0 and begins[-1] == max(size - patch, 0)
    # Rounding to whole voxels may take one from the overlap.
    assert all(0 < step <= max(patch * (1 - overlap), 1) + 1 for step in np.diff(begins))


def test_weights_are_a_gaussian_of_an_eighth_of_the_patch():
    weights = profile(17)

    assert weights[8] == 1
    assert weights[8 + 2] == pytest.approx(np.exp(-0.5 * (2 / (17 / 8)) ** 2))
    assert np.array_equal(weights, weights[::-1])


@settings(max_examples=25, deadline=None)
@given(sizes, patches, st.floats(0, 0.9), st.integers(0, 9))
def test_a_network_of_single_voxels_gives_the_same_with_any_patches(size, patch, overlap, seed):
    inputs = np.random.default_rng(seed).normal(size=(2, *size)).astype(np.float32)

    def network(own):
        assert own.shape == (2, *patch)
        return np.stack([own[0] - 2 * own[1], own[1]])

    answer = blended(network, inputs, windowing(patch, overlap, ("k", "i")), [0, 0])

    assert answer == pytest.approx(np.stack([inputs[0] - 2 * inputs[1], inputs[1]]), abs=1e-5)


def test_a_convolution_is_the_convolution_of_the_whole_inside():
    rng = np.random.default_rng(1)
    inputs = rng.random((1, 30, 40, 36), dtype=np.float32)
    kernel = rng.normal(size=(3, 3, 3))

    answer = blended(correlation(kernel), inputs, windowing((16, 16, 16)), [0.0])[0]
    whole = ndimage.correlate(inputs[0], kernel, mode="constant")

    # A patch is wrong in its outermost voxel, which weighs exp(-3.75^2 / 2 ...) beside its
    # neighbour's middle: below a hundredth of the signal at an overlap of a half.
    inner = (slice(1, -1),) * 3
    assert np.abs(answer - whole)[inner].max() < 0.01 * whole.std()


def test_a_volume_smaller_than_the_patch_is_surrounded_by_what_was_stated():
    inputs = np.zeros((1, 3, 3, 3), dtype=np.float32)
    seen = []

    def network(patch):
        seen.append(patch.copy())
        return patch

    answer = blended(network, inputs, windowing((5, 3, 7)), [-4.0])

    assert answer.shape == (1, 3, 3, 3) and not answer.any()
    (patch,) = seen
    assert patch.shape == (1, 5, 3, 7)
    assert np.count_nonzero(patch == -4) == 5 * 3 * 7 - 27
    assert np.array_equal(patch[0, 1:4, :, 2:5], inputs[0])


def test_flipped_inputs_are_flipped_back_and_averaged():
    inputs = np.zeros((1, 5, 5, 9), dtype=np.float32)
    inputs[0, 2, 2, 4] = 1

    plain = blended(correlation(SHIFT), inputs, windowing((5, 5, 9)), [0.0])[0]
    mirrored = blended(correlation(SHIFT), inputs, windowing((5, 5, 9), 0.5, ("i",)), [0.0])[0]

    assert plain[2, 2, 3:6].tolist() == [0, 0, 1]
    assert mirrored[2, 2, 3:6].tolist() == [0.5, 0, 0.5]


def test_progress_is_told_and_a_cancelled_run_ends():
    inputs = np.zeros((1, 5, 5, 20), dtype=np.float32)
    told = []

    blended(lambda p: p, inputs, windowing((5, 5, 10)), [0.0], progress=lambda f, _: told.append(f))
    assert told == pytest.approx([1 / 3, 2 / 3, 1])

    with pytest.raises(Refused) as refusal:
        blended(lambda p: p, inputs, windowing((5, 5, 10)), [0.0], cancelled=lambda: len(told) > 2)
    assert refusal.value.key == "cancelled"


def test_values_that_are_no_numbers_are_refused():
    inputs = np.zeros((1, 5, 5, 5), dtype=np.float32)

    with pytest.raises(Refused) as refusal:
        blended(lambda p: p + np.nan, inputs, windowing((5, 5, 5)), [0.0])

    assert refusal.value.key == "model_output_not_finite"

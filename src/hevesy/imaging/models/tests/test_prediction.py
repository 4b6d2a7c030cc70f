"""A model on an examination: the same numbers as numpy, scipy and the formula, in patient space."""

import json
import sys
from dataclasses import replace
from itertools import permutations, product

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper
from scipy import ndimage

from hevesy.imaging.geometry import Volume
from hevesy.imaging.models import predict, read_model
from hevesy.imaging.models.tests.folders import LESION, a_model, convolution, network
from hevesy.imaging.refusal import Refused

ONE = convolution(np.ones((1, 1, 1, 1, 1)), above=0.5)


def a_pet(shape=(12, 14, 10), spacing=4.0, seed=0):
    """Noise of SUV 0 to 1 with a block of 6, centred at the origin."""
    array = np.random.default_rng(seed).random(shape, dtype=np.float32)
    array[3:6, 4:7, 2:6] = 6
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing for n in reversed(shape)]
    return Volume(array, affine, "SUVbw", "PT", frame_of_reference_uid="1.2")


def stored(volume, order, flips):
    """The same patient stored otherwise: array axes in another order, some backwards."""
    affine = volume.ijk_to_lps.copy()
    array = volume.array
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, 2 - axis] * (array.shape[axis] - 1)
            affine[:3, 2 - axis] *= -1
    columns = [2 - axis for axis in order][::-1]
    affine[:3, :3] = affine[:3, columns]
    return replace(volume, array=np.ascontiguousarray(array.transpose(order)), ijk_to_lps=affine)


def ask(folder, net, pet, ct=None, *, model=None, **given):
    return predict(read_model(a_model(folder, net, **(model or {}))), pet, ct, **given)


def key_of(call):
    with pytest.raises(Refused) as refusal:
        call()
    return refusal.value.key


@pytest.mark.parametrize("shape", [(12, 14, 10), (40, 18, 33)])
def test_a_convolution_with_a_threshold_is_that_of_scipy_voxel_for_voxel(tmp_path, shape):
    pet = a_pet(shape)
    kernel = np.random.default_rng(3).random((3, 3, 3))
    sums = ndimage.correlate(pet.array.astype(float), kernel, mode="constant")
    # No sum near the threshold, so that neither rounding nor the seams of patches can decide.
    level = 3.0 * kernel.sum()
    pet = replace(pet, array=np.where(np.abs(sums - level) < 0.05 * level, 0, pet.array))
    sums = ndimage.correlate(pet.array.astype(float), kernel, mode="constant")
    assert np.abs(sums - level).min() > 0.01 * level

    told = ask(tmp_path / "m", convolution(kernel[None, None], above=level), pet)

    assert told.device == "cpu" and told.labels.array.any()
    assert np.array_equal(told.labels.array, sums > level)
    assert np.array_equal(told.labels.ijk_to_lps, pet.ijk_to_lps)


def test_letters_name_where_the_indices_of_the_network_grow(tmp_path):
    pet = a_pet()
    spot = np.zeros(pet.array.shape, dtype=np.float32)
    spot[6, 7, 5] = 1
    pet = replace(pet, array=spot)
    # The answer at i is the input at i - 1: the spot moves by one to where i grows.
    shift = np.zeros((1, 1, 3, 3, 3))
    shift[0, 0, 1, 1, 0] = 1
    net = convolution(shift)

    for letters, step in (
        ("LPH", (4, 0, 0)),
        ("RPH", (-4, 0, 0)),
        ("RAH", (-4, 0, 0)),
        ("AHL", (0, -4, 0)),
        ("FLP", (0, 0, -4)),
    ):
        told = ask(tmp_path / letters, net, pet, model={"orientation": letters})
        (at,) = np.argwhere(told.labels.array)
        moved = told.labels.world(at[::-1]) - pet.world((5, 7, 6))
        assert moved == pytest.approx(step)


def test_the_way_the_images_are_stored_changes_nothing_in_the_patient(tmp_path):
    pet = a_pet((22, 18, 20))
    ct = replace(a_pet((30, 40, 34), 2.5, seed=5), units="HU", modality="CT")
    kernel = np.random.default_rng(4).normal(size=(1, 2, 3, 3, 3))
    model = read_model(
        a_model(
            tmp_path / "m",
            convolution(kernel),
            spacing_mm=[5.0, 3.0, 4.5],
            orientation="PRF",
            channel=[{"modality": "PT", "scale": 1.0}, {"modality": "CT", "mean": 0.5, "sd": 2.0}],
        )
    )

    plain = predict(model, pet, ct, probabilities=True).probabilities["lesion"].array

    assert plain.std() > 0.1
    ways = list(product(permutations(range(3)), product((False, True), repeat=3)))
    for order, flips in ways[1::7]:
        turned = predict(
            model, stored(pet, order, flips), stored(ct, order[::-1], flips), probabilities=True
        )
        expected = stored(replace(pet, array=plain), order, flips)
        assert np.allclose(turned.labels.ijk_to_lps, expected.ijk_to_lps)
        assert turned.probabilities["lesion"].array == pytest.approx(expected.array, abs=1e-5)


@pytest.mark.parametrize("spacing", [2.0, 3.3, 9.0])
def test_a_ramp_survives_another_spacing_because_trilinear_is_exact_for_it(tmp_path, spacing):
    pet = a_pet((20, 22, 24))
    place = pet.world(np.stack(np.meshgrid(*map(np.arange, pet.shape_ijk), indexing="ij"), -1))
    ramp = (place @ [0.01, -0.004, 0.006] + 0.5).transpose(2, 1, 0).astype(np.float32)
    pet = replace(pet, array=ramp)
    net = convolution(np.ones((1, 1, 1, 1, 1)))

    told = ask(tmp_path / "m", net, pet, model={"spacing_mm": [spacing] * 3}, probabilities=True)

    inner = (slice(3, -3),) * 3
    found = told.probabilities["lesion"].array
    assert found[inner] == pytest.approx(ramp[inner], abs=1e-5)
    assert np.array_equal(told.labels.array[inner], (found >= 0.5)[inner])


def test_channels_are_clipped_and_scaled_as_the_formula_says_and_air_surrounds_the_ct(tmp_path):
    pet = a_pet((6, 6, 6))
    whole = a_pet((6, 6, 3))
    ct = replace(whole, array=whole.array * 400 - 300, units="HU", modality="CT")
    net = convolution(np.array([1.0, 10.0]).reshape(1, 2, 1, 1, 1))
    channels = [
        {"modality": "PT", "clip": [0.0, 3.0], "scale": 0.5},
        {"modality": "CT", "clip": [-900, 100], "mean": -100.0, "sd": 250.0},
    ]

    told = ask(tmp_path / "m", net, pet, ct, model={"channel": channels}, probabilities=True)

    # The CT covers half of the PET's width: its three columns lie between the PET's middle four.
    hu = np.full((6, 6, 6), -1000.0)
    half = np.concatenate([ct.array[..., :1], ct.array, ct.array[..., -1:]], axis=-1)
    hu[..., 1:5] = (half[..., :-1] + half[..., 1:]) / 2
    expected = np.minimum(pet.array, 3) / 2 + 10 * (np.clip(hu, -900, 100) + 100) / 250
    assert told.probabilities["lesion"].array == pytest.approx(expected, abs=1e-3)


def test_around_images_smaller_than_a_patch_there_is_air_and_no_uptake(tmp_path):
    pet = a_pet((6, 7, 8))
    ct = replace(a_pet((6, 7, 8), seed=2), units="HU", modality="CT")
    kernel = np.random.default_rng(6).normal(size=(1, 2, 3, 3, 3))
    channels = [
        {"modality": "PT", "mean": 2.0, "sd": 1.0},
        {"modality": "CT", "clip": [-800, 800], "mean": -100.0, "sd": 350.0},
    ]

    told = ask(
        tmp_path / "m",
        convolution(kernel),
        pet,
        ct,
        model={"channel": channels, "patch": [32, 32, 32]},
        probabilities=True,
    )

    expected = ndimage.correlate(pet.array - 2, kernel[0, 0], mode="constant", cval=-2)
    scaled = (np.clip(ct.array, -800, 800) + 100) / 350
    expected += ndimage.correlate(scaled, kernel[0, 1], mode="constant", cval=-2)
    assert told.probabilities["lesion"].array == pytest.approx(expected, abs=1e-4)


def test_a_ct_that_is_shorter_than_the_pet_is_told(tmp_path):
    pet = a_pet((20, 6, 6))
    net = convolution(np.ones((1, 2, 1, 1, 1)))
    both = {"channel": [{"modality": "CT", "scale": 1}, {"modality": "PT", "scale": 1}]}

    def told(slices, model=both, own=net):
        ct = replace(a_pet((slices, 6, 6)), units="HU", modality="CT")
        return [
            (one.key, one.values) for one in ask(tmp_path / "m", own, pet, ct, model=model).findings
        ]

    assert told(18) == []
    assert told(10) == [("ct_shorter_than_pet", {"missing_mm": pytest.approx(40)})]
    assert told(10, {}, ONE) == []


def test_softmax_and_sigmoid_give_the_probabilities_of_their_formulas(tmp_path):
    pet = a_pet((8, 8, 8))
    gains = np.array([0.0, 1.0, -1.0]).reshape(3, 1, 1, 1, 1)
    biases = np.array([2.0, 0.0, 2.6], dtype=np.float32)
    two = [LESION["label"][0], {"value": 2, "key": "other", "en": "other", "zh": "其他"}]
    logits = pet.array[None] * gains.reshape(3, 1, 1, 1) + biases.reshape(3, 1, 1, 1)

    soft = ask(
        tmp_path / "soft",
        convolution(gains, biases),
        pet,
        model={"activation": "softmax", "label": two},
        probabilities=True,
    )
    single = ask(
        tmp_path / "single",
        convolution(gains[1:], biases[1:]),
        pet,
        model={"activation": "sigmoid", "label": two},
        probabilities=True,
    )

    shares = np.exp(logits) / np.exp(logits).sum(axis=0)
    assert soft.probabilities["lesion"].array == pytest.approx(shares[1], abs=1e-6)
    assert soft.probabilities["other"].array == pytest.approx(shares[2], abs=1e-6)
    assert np.array_equal(soft.labels.array, shares.argmax(axis=0))
    assert set(np.unique(soft.labels.array)) == {0, 1, 2}
    each = 1 / (1 + np.exp(-logits[1:]))
    assert single.probabilities["other"].array == pytest.approx(each[1], abs=1e-6)
    likeliest = np.where(each.max(axis=0) >= 0.5, each.argmax(axis=0) + 1, 0)
    assert np.array_equal(single.labels.array, likeliest)


def test_the_answer_says_which_model_made_it(tmp_path):
    pet = a_pet()

    told = ask(tmp_path / "m", ONE, pet)
    said = json.loads(json.dumps(told.as_json(), allow_nan=False))

    assert (said["model"], said["model_version"], said["device"]) == ("probe", "3", "cpu")
    assert said["licence"] == "CC0-1.0" and said["regulatory_zh"] == "未经 CE/NMPA 评审"
    assert list(said["sha256"]) == ["net.onnx"]
    assert said["labels"][0]["volume_ml"] == pytest.approx((pet.array > 0.5).sum() * 0.064)
    assert told.probabilities == {}


def test_networks_that_do_not_fit_their_description_are_refused(tmp_path):
    pet = a_pet()
    two_outputs = convolution(np.ones((3, 1, 1, 1, 1)))
    two_inputs = convolution(np.ones((1, 2, 1, 1, 1)))
    fixed = network(helper.make_node("Identity", ["x"], ["y"]), shape=(16, 16, 12))
    pooled = network(helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2, 2]))
    root = network(
        helper.make_node("Sub", ["x", "t"], ["s"]),
        helper.make_node("Sqrt", ["s"], ["y"]),
        tensors=[("t", np.float32(100))],
    )
    unknown = onnx.ModelProto.FromString(ONE.SerializeToString())
    unknown.graph.node[0].op_type = "Nonsense"

    for key, net in (
        ("model_labels", two_outputs),
        ("model_channels", two_inputs),
        ("model_shape", fixed),
        ("model_shape", pooled),
        ("model_output_not_finite", root),
        ("model_unreadable", unknown),
        ("model_unreadable", b""),
    ):
        assert key_of(lambda net=net: ask(tmp_path / "m", net, pet)) == key


def test_images_that_do_not_fit_are_refused(tmp_path):
    pet = a_pet()
    ct = replace(pet, units="HU", modality="CT")
    channels = {"channel": [{"modality": "CT", "scale": 1}, {"modality": "PT", "scale": 1}]}
    broken = pet.array.copy()
    broken[0, 0, 0] = np.nan
    both = convolution(np.ones((1, 2, 1, 1, 1)))

    for key, images, model in (
        ("not_suv_by_body_weight", (replace(pet, units="BQML"),), {}),
        ("model_needs_ct", (pet,), channels),
        ("not_hounsfield", (pet, replace(ct, units="US")), channels),
        ("other_frame_of_reference", (pet, replace(ct, frame_of_reference_uid="9")), channels),
        ("not_finite", (replace(pet, array=broken),), {}),
        ("model_needs_memory", (pet,), {"least_memory_gb": 1e9}),
        ("model_grid_too_large", (replace(pet, ijk_to_lps=np.diag([300.0] * 3 + [1])),), {"spacing_mm": [0.2] * 3}),
    ):  # fmt: skip
        net = both if "channel" in model else ONE
        assert key_of(lambda n=net, i=images, m=model: ask(tmp_path / "m", n, *i, model=m)) == key


def test_the_device_is_one_that_is_there(tmp_path, monkeypatch):
    pet = a_pet()
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])

    assert ask(tmp_path / "m", ONE, pet, device="auto").device == "cpu"
    assert key_of(lambda: ask(tmp_path / "m", ONE, pet, device="cuda")) == "no_cuda"

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert key_of(lambda: ask(tmp_path / "m", ONE, pet)) == "onnxruntime_missing"


def test_a_gpu_is_taken_where_there_is_one_and_its_failure_is_told(tmp_path, monkeypatch):
    """No GPU here: a stand-in for the session says which providers it was given."""
    pet = a_pet()
    asked = []
    session = onnxruntime.InferenceSession

    def pretending(works):
        def start(read, options, providers):
            asked.append(providers)
            real = session(read, options, providers=["CPUExecutionProvider"])
            real.get_providers = lambda: providers if works else ["CPUExecutionProvider"]
            return real

        return start

    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    monkeypatch.setattr(onnxruntime, "InferenceSession", pretending(works=True))
    assert ask(tmp_path / "m", ONE, pet, device="auto").device == "cuda"
    assert ask(tmp_path / "m", ONE, pet, device="cpu").device == "cpu"
    assert asked == [offered, ["CPUExecutionProvider"]]

    monkeypatch.setattr(onnxruntime, "InferenceSession", pretending(works=False))
    fallen = ask(tmp_path / "m", ONE, pet, device="auto")
    assert fallen.device == "cpu"
    assert [one.key for one in fallen.findings] == ["cuda_not_started"]
    assert key_of(lambda: ask(tmp_path / "m", ONE, pet, device="cuda")) == "no_cuda"

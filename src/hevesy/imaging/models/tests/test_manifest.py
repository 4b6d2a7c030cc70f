"""model.toml and the weights: what is accepted, and what is refused by which name."""

import hashlib

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from hevesy.imaging.models import read_model
from hevesy.imaging.models.manifest import Channel, Label, Windowing
from hevesy.imaging.models.tests.folders import LESION, a_model, convolution, describe
from hevesy.imaging.models.weights import _FIELDS, read_onnx
from hevesy.imaging.refusal import Refused

NET = convolution(np.ones((1, 1, 1, 1, 1)))
ORGAN = {"value": 1, "key": "liver", "en": "liver", "zh": "肝脏", "physiological": True}


def refusal_of(call):
    with pytest.raises(Refused) as refusal:
        call()
    return refusal.value


def test_a_folder_is_read_as_it_is_written(tmp_path):
    folder = a_model(
        tmp_path / "m",
        NET,
        task="organ",
        mirror=["k", "i"],
        channel=[
            {"modality": "CT", "clip": [-1000, 1000], "mean": 10.0, "sd": 200},
            {"modality": "PT", "scale": 0.25},
        ],
        label=[{"value": 2, "key": "spleen", "en": "spleen", "zh": "脾脏"}, ORGAN],
    )

    model = read_model(folder)

    assert model.channels == (Channel("CT", (-1000, 1000), 10, 200), Channel("PT", None, 0, 4))
    assert model.labels == (
        Label(1, "liver", "liver", "肝脏", physiological=True),
        Label(2, "spleen", "spleen", "脾脏"),
    )
    assert model.windowing == Windowing((4, 4, 4), (16, 16, 16), 0.5, ("k", "i"), "none")
    assert model.regulatory_en == "not CE/NMPA evaluated"
    assert model.as_json()["sha256"] == {
        "net.onnx": hashlib.sha256(NET.SerializeToString()).hexdigest()
    }


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("model_key_missing", {"orientation": None}),
        ("model_key_missing", {"licence": None}),
        ("model_key_missing", {"channel": None}),
        ("model_key_unknown", {"patchs": [1, 1, 1]}),
        ("model_key_unknown", {"command": ["x"]}),
        ("model_key_unknown", {"channel": [{"modality": "PT", "scale": 1, "mean": 0}]}),
        ("model_key_unknown", {"label": [{**LESION["label"][0], "physiological": True}]}),
        ("model_value_bad", {"orientation": "LRH"}),
        ("model_value_bad", {"orientation": "RAS"}),
        ("model_value_bad", {"spacing_mm": [4, 4]}),
        ("model_value_bad", {"spacing_mm": [4, 4, 0.001]}),
        ("model_value_bad", {"overlap": 1.0}),
        ("model_value_bad", {"mirror": ["k", "k"]}),
        ("model_value_bad", {"patch": [16, 16, 0]}),
        ("model_value_bad", {"patch": [16, 16, 1.5]}),
        ("model_value_bad", {"activation": "relu"}),
        ("model_value_bad", {"least_memory_gb": "much"}),
        ("model_value_bad", {"channel": [{"modality": "MR", "scale": 1}]}),
        ("model_value_bad", {"channel": [{"modality": "PT", "mean": 0, "sd": 0}]}),
        ("model_value_bad", {"channel": [{"modality": "PT", "scale": 1, "clip": [5, 5]}]}),
        ("model_value_bad", {"label": [{"value": 2, "key": "a", "en": "a", "zh": "甲"}]}),
        ("model_value_bad", {"label": [{"value": 1, "key": "../a", "en": "a", "zh": "甲"}]}),
        ("model_value_bad", {"weights": {"net.onnx": "abc"}}),
        ("model_without_labels", {"label": None}),
        ("model_patch_too_large", {"patch": [100000, 100000, 100000]}),
        ("model_weights_missing", {"weights": {"other.onnx": "0" * 64}}),
        ("model_weights_outside", {"weights": {"../net.onnx": "0" * 64}}),
        ("model_weights_outside", {"weights": {"/etc/passwd": "0" * 64}}),
        ("model_weights_outside", {"weights": {"a/../../m/net.onnx": "0" * 64}}),
    ],
)
def test_what_is_wrong_in_the_description_is_refused_by_name(tmp_path, key, changes):
    folder = a_model(tmp_path / "m", NET, **changes)

    refused = refusal_of(lambda: read_model(folder))

    assert refused.key == key
    assert refused.text_zh


def test_a_link_out_of_the_folder_is_no_part_of_it(tmp_path):
    folder = a_model(tmp_path / "m", NET)
    (folder / "net.onnx").rename(tmp_path / "elsewhere.onnx")
    (folder / "net.onnx").symlink_to(tmp_path / "elsewhere.onnx")

    assert refusal_of(lambda: read_model(folder)).key == "model_weights_outside"


def test_what_is_no_description_is_refused(tmp_path):
    assert refusal_of(lambda: read_model(tmp_path)).key == "no_model"

    for content in (b"name = ", b"\xff\xfe", b"#" * (1 << 20) + b"#", b"a = " + b"[" * 99999):
        (tmp_path / "model.toml").write_bytes(content)
        assert refusal_of(lambda: read_model(tmp_path)).key == "model_toml_invalid"


def test_other_bytes_than_those_described_are_refused(tmp_path):
    folder = a_model(tmp_path / "m", NET)
    model = read_model(folder)
    changed = bytearray((folder / "net.onnx").read_bytes())
    changed[-1] ^= 1
    (folder / "net.onnx").write_bytes(bytes(changed))

    refused = refusal_of(lambda: read_onnx(model.paths[0], model.weights[0][1]))

    assert refused.key == "model_weights_changed"


def read(path, net):
    written = net if isinstance(net, bytes) else net.SerializeToString()
    path.write_bytes(written)
    return read_onnx(path, hashlib.sha256(written).hexdigest())


def test_weights_in_a_second_file_are_refused_wherever_they_hide(tmp_path):
    outside = numpy_helper.from_array(np.ones(4, np.float32), "w")
    onnx.external_data_helper.set_external_data(outside, "../secret", length=16)
    outside.ClearField("raw_data")
    hidden = helper.make_node("Constant", [], ["c"], value=outside)
    branch = helper.make_graph([hidden], "branch", [], [])
    plain = onnx.ModelProto.FromString(NET.SerializeToString())

    assert read(tmp_path / "a", NET) == NET.SerializeToString()
    for add in (
        lambda net: net.graph.initializer.append(outside),
        lambda net: net.graph.node.append(hidden),
        lambda net: net.graph.node.append(helper.make_node("If", ["x"], [], then_branch=branch)),
        lambda net: net.functions.add().node.append(hidden),
        lambda net: net.graph.sparse_initializer.add().values.CopyFrom(outside),
    ):
        net = onnx.ModelProto.FromString(plain.SerializeToString())
        add(net)
        refused = refusal_of(lambda net=net: read(tmp_path / "b", net))
        assert refused.key == "model_weights_external"


def test_every_way_to_a_tensor_in_the_format_is_looked_at():
    names = {
        "ModelProto": "model",
        "TrainingInfoProto": "training",
        "GraphProto": "graph",
        "FunctionProto": "function",
        "NodeProto": "node",
        "AttributeProto": "attribute",
        "SparseTensorProto": "sparse",
        "TensorProto": "tensor",
    }
    leads = {}
    for name, ours in names.items():
        if ours != "tensor":
            fields = getattr(onnx, name).DESCRIPTOR.fields
            leads[ours] = {
                field.number: names[field.message_type.name]
                for field in fields
                if field.message_type is not None and field.message_type.name in names
            }

    assert leads == _FIELDS


def test_bytes_that_are_no_network_are_refused(tmp_path):
    for content in (b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x0b", b"\x3a\x05ab"):
        refused = refusal_of(lambda content=content: read(tmp_path / "n", content))
        assert refused.key == "model_unreadable"


def test_nnu_net_needs_a_command_with_its_three_places(tmp_path):
    (tmp_path / "plans.json").write_text("{}")
    told = {
        key: value
        for key, value in LESION.items()
        if key not in ("spacing_mm", "patch", "activation", "channel")
    }
    told |= {
        "engine": "nnunetv2",
        "channel": [{"modality": "PT"}],
        "command": ["predict", "-i", "{input}", "-o", "{output}", "-device", "{device}"],
        "time_limit_s": 60,
        "weights": {"plans.json": hashlib.sha256(b"{}").hexdigest()},
    }

    describe(tmp_path, told)
    assert read_model(tmp_path).program.time_limit_s == 60
    describe(tmp_path, told | {"command": ["predict", "{input}", "{output}"]})
    assert refusal_of(lambda: read_model(tmp_path)).key == "model_value_bad"
    describe(tmp_path, told | {"spacing_mm": [4, 4, 4]})
    assert refusal_of(lambda: read_model(tmp_path)).key == "model_key_unknown"
    describe(tmp_path, told | {"channel": [{"modality": "PT", "scale": 2.0}]})
    assert refusal_of(lambda: read_model(tmp_path)).key == "model_key_unknown"

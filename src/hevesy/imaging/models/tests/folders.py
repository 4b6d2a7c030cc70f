"""Model folders for tests: small networks made with onnx.helper, and their model.toml."""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LESION = {
    "name": "probe",
    "version": "3",
    "task": "lesion",
    "engine": "onnx",
    "orientation": "LPH",
    "spacing_mm": [4.0, 4.0, 4.0],
    "patch": [16, 16, 16],
    "activation": "none",
    "licence": "CC0-1.0",
    "intended_use_en": "tests of this library",
    "intended_use_zh": "仅供本库测试",
    "least_memory_gb": 0.1,
    "channel": [{"modality": "PT", "scale": 1.0}],
    "label": [{"value": 1, "key": "lesion", "en": "lesion", "zh": "病灶"}],
}


def network(*nodes, tensors=(), channels=1, outputs=1, shape=("k", "j", "i")):
    """A network from "x" to "y", float32 [1, c, k, j, i]."""
    graph = helper.make_graph(
        list(nodes),
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs, *shape])],
        [numpy_helper.from_array(value, name) for name, value in tensors],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model)
    return model


def convolution(kernel, bias=0.0, above=None):
    """Correlation with kernels [o, c, 3, 3, 3]; 1 where it is above a threshold, if one is given."""
    kernel = np.asarray(kernel, dtype=np.float32)
    outputs, channels = kernel.shape[:2]
    biases = np.broadcast_to(np.float32(bias), (outputs,)).copy()
    tensors = [("w", kernel), ("b", biases)]
    nodes = [helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[kernel.shape[2] // 2] * 6)]
    if above is None:
        nodes.append(helper.make_node("Identity", ["c"], ["y"]))
    else:
        tensors.append(("t", np.float32(above)))
        nodes.append(helper.make_node("Greater", ["c", "t"], ["g"]))
        nodes.append(helper.make_node("Cast", ["g"], ["y"], to=TensorProto.FLOAT))
    return network(*nodes, tensors=tensors, channels=channels, outputs=outputs)


def a_model(folder, net, **changes):
    """Write a model folder; changes: keys of model.toml, None to leave one out."""
    folder.mkdir(parents=True, exist_ok=True)
    written = net if isinstance(net, bytes) else net.SerializeToString()
    (folder / "net.onnx").write_bytes(written)
    told = {
        **LESION,
        "weights": {"net.onnx": hashlib.sha256(written).hexdigest()},
        **changes,
    }
    describe(folder, told)
    return folder


def describe(folder, told):
    """Write model.toml; JSON writes texts, numbers and lists as TOML does."""
    plain, tables = [], []
    for key, value in told.items():
        if value is None:
            continue
        if isinstance(value, dict):
            tables.append(f"[{key}]\n" + _pairs(value))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            tables += [f"[[{key}]]\n" + _pairs(one) for one in value]
        else:
            plain.append(f"{key} = {json.dumps(value, ensure_ascii=False)}\n")
    (folder / "model.toml").write_text("".join(plain + tables), encoding="utf-8")


def _pairs(table):
    return "".join(
        f"{json.dumps(key)} = {json.dumps(value, ensure_ascii=False)}\n"
        for key, value in table.items()
    )

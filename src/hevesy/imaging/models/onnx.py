"""ONNX Runtime: one network, on the processor or on a GPU where there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.compiled import threads
from hevesy.imaging.device import Device, Place, no_cuda
from hevesy.imaging.geometry import Finding
from hevesy.imaging.models.manifest import Model
from hevesy.imaging.models.weights import read_onnx, unreadable
from hevesy.imaging.refusal import Refused

Floats = npt.NDArray[np.float32]
_CUDA: Final = "CUDAExecutionProvider"
_CPU: Final = "CPUExecutionProvider"
# A desk computer shares its processors with the reading of images.
_MOST_THREADS: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A loaded network; called with (channels, patch) it answers (outputs, patch), float32.

    device: where it truly runs, "cpu" or "cuda".
    """

    session: Any
    input_name: str
    output_name: str
    device: Place
    findings: tuple[Finding, ...]

    def __call__(self, patch: Floats) -> Floats:
        """Run one patch. Raises `Refused`: model_failed, model_shape."""
        try:
            (answer,) = self.session.run([self.output_name], {self.input_name: patch[None]})
        # The runtime has exceptions of its own without a common ancestor below Exception.
        except Exception as error:
            raise Refused(
                "model_failed",
                "The network stopped with an error; check that model.toml fits it.",
                "网络运行出错，请核对 model.toml 与网络是否相符。",
                str(error)[:300],
            ) from None
        if answer.ndim != 5 or answer.shape[0] != 1 or answer.shape[2:] != patch.shape[1:]:
            raise _shape(f"answers {list(answer.shape)} to {[1, *patch.shape]}")
        return np.asarray(answer[0], dtype=np.float32)


def load(model: Model, device: Device = "auto") -> Network:
    """Load the network of a model after its hash was checked.

    auto takes CUDA where the installed runtime offers it. Raises `Refused`: onnxruntime_missing,
    no_cuda, model_channels, model_shape, and those of `weights.read_onnx`.
    """
    try:
        import onnxruntime
    except ImportError:
        raise Refused(
            "onnxruntime_missing",
            "Networks need ONNX Runtime; install the extra `models` (pip install hevesy[models]).",
            "运行网络需要 ONNX Runtime，请安装附加组件 models（pip install hevesy[models]）。",
        ) from None
    offered = _CUDA in onnxruntime.get_available_providers()
    if device == "cuda" and not offered:
        raise no_cuda("ONNX Runtime offers no CUDA")
    assert model.windowing is not None
    (path,), ((_, digest),) = model.paths, model.weights
    read = read_onnx(path, digest)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(threads(), _MOST_THREADS)
    options.inter_op_num_threads = 1
    # Only fatal messages: the runtime writes to stderr, where progress belongs.
    options.log_severity_level = 4
    providers = [_CUDA, _CPU] if offered and device != "cpu" else [_CPU]
    try:
        session = onnxruntime.InferenceSession(read, options, providers=providers)
    except Exception as error:
        raise unreadable(str(error)) from None
    used: Place = "cuda" if session.get_providers()[0] == _CUDA else "cpu"
    if device == "cuda" and used == "cpu":
        raise no_cuda("CUDA could not be started")
    findings = []
    if used == "cpu" and len(providers) > 1:
        findings.append(
            Finding(
                "cuda_not_started",
                "The GPU could not be used; the model ran on the processor.",
                "无法使用 GPU，模型在处理器上运行。",
            )
        )
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        raise _shape(f"{len(inputs)} inputs, {inputs[0].type if inputs else 'none'}")
    _check(inputs[0].shape, len(model.channels), model.windowing.patch)
    return Network(session, inputs[0].name, outputs[0].name, used, tuple(findings))


def _check(shape: list[Any], channels: int, patch: tuple[int, int, int]) -> None:
    """Compare what the network fixes about its input; names instead of numbers are free."""
    if len(shape) != 5:
        raise _shape(f"input {shape}")
    if isinstance(shape[1], int) and shape[1] != channels:
        raise Refused(
            "model_channels",
            "model.toml lists another number of channels than the network takes; correct it.",
            "model.toml 所列通道数与网络输入不符，请更正。",
            f"{channels}, the network takes {shape[1]}",
        )
    fixed = zip((shape[0], *shape[2:]), (1, *patch), strict=True)
    if any(isinstance(own, int) and own != stated for own, stated in fixed):
        raise _shape(f"input {shape}, patch {list(patch)}")


def _shape(detail: str) -> Refused:
    return Refused(
        "model_shape",
        "The network does not take one image [1, channel, k, j, i] of float32 and answer with one"
        " of the same size; check the export and the patch in model.toml.",
        "网络的输入输出不是同尺寸的 [1, 通道, k, j, i] float32 图像，请核对导出方式及 model.toml 的 patch。",
        detail[:200],
    )

"""`predict`: the labels of a model on the grid of a PET."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.device import Device
from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.geometry.reslice import resliced
from hevesy.imaging.models import nnunet, onnx
from hevesy.imaging.models.grid import (
    Arrangement,
    back_on,
    channel_values,
    model_grid,
    outside_value,
)
from hevesy.imaging.models.manifest import Model
from hevesy.imaging.models.windows import Cancelled, Progress, blended
from hevesy.imaging.refusal import Refused

VERSION: Final = "hevesy-models/1"
_PRESENT: Final = 0.5
# A slice more or less at the ends is usual.
_SHORTER_MM: Final = 10.0
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a model says about one examination.

    labels: [k, j, i] on the grid of the PET, 0 or the value of a label; units "LABEL".
    probabilities: by label key on the same grid, where they were asked for. device: where it ran;
    of nnU-Net where it was told to run.
    """

    model: Model
    labels: Volume
    device: str
    probabilities: Mapping[str, Volume]
    findings: tuple[Finding, ...]
    version: str = VERSION

    def as_json(self) -> dict[str, Any]:
        """Plain mapping without the voxels."""
        counts = np.bincount(self.labels.array.reshape(-1), minlength=len(self.model.labels) + 1)
        return {
            **self.model.as_json(),
            "device": self.device,
            "labels": [
                {
                    "value": one.value,
                    "key": one.key,
                    "text_en": one.text_en,
                    "text_zh": one.text_zh,
                    "voxels": int(counts[one.value]),
                    "volume_ml": float(counts[one.value]) * self.labels.voxel_mm3 / 1000.0,
                }
                for one in self.model.labels
            ],
            "findings": [
                {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
                for one in self.findings
            ],
            "version": self.version,
        }


def predict(
    model: Model,
    pet: Volume,
    ct: Volume | None = None,
    *,
    device: Device = "auto",
    probabilities: bool = False,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Prediction:
    """Run a model on a PET in SUV by body weight and, where it wants one, a CT in HU.

    device: auto (a GPU where there is one), cpu, cuda. probabilities: keep them; only ONNX has
    them. progress: called with a fraction and a text. Raises `Refused`: not_suv_by_body_weight,
    model_needs_ct, not_hounsfield, other_frame_of_reference, not_finite, model_needs_memory,
    cancelled, and those of `onnx`, `nnunet`, `windows`, `grid` and `weights`.
    """
    _check(model, pet, ct)
    arrangement = Arrangement.of(pet, model.orientation)
    turned = arrangement.volume(pet)
    images = {"PT": turned}
    if ct is not None:
        images["CT"] = Arrangement.of(ct, model.orientation).volume(ct)
    findings = _uncovered(model, pet, ct)
    found: dict[int, Floats] = {}
    if model.program is not None:
        # What a CT shows finer than a PET would be lost on the grid of the PET.
        alone = all(one.modality == "CT" for one in model.channels)
        base = images["CT"] if alone else turned
        labels, ran = nnunet.run(
            model, images, base, device=device, progress=progress, cancelled=cancelled
        )
        if alone:
            labels = resliced(replace(base, array=labels, units="1"), turned, nearest=True).array
    else:
        network = onnx.load(model, device)
        ran, findings = network.device, (*findings, *network.findings)
        outputs, grid = _outputs(model, network, images, progress, cancelled)
        labels = np.zeros(turned.array.shape, dtype=np.uint16)
        best = np.zeros(turned.array.shape, dtype=np.float32)
        background = len(outputs) > len(model.labels)
        for value, given in enumerate(outputs, start=0 if background else 1):
            values = back_on(given, grid, turned)
            if value == 0:
                best[:] = values
                continue
            better = values > best
            if not background:
                better &= values >= _PRESENT
            labels[better] = value
            best[better] = values[better]
            if probabilities:
                found[value] = values
    return Prediction(
        model=model,
        labels=_placed(arrangement.undone(labels), pet, "LABEL"),
        device=ran,
        probabilities=MappingProxyType(
            {
                one.key: _placed(arrangement.undone(found[one.value]), pet, "1")
                for one in model.labels
                if one.value in found
            }
        ),
        findings=findings,
    )


def _check(model: Model, pet: Volume, ct: Volume | None) -> None:
    if pet.units != "SUVbw":
        raise Refused(
            "not_suv_by_body_weight",
            "Models take PET in SUV by body weight; convert the images first.",
            "模型需要按体重计算的 SUV 图像，请先换算。",
            pet.units,
        )
    if ct is None and any(one.modality == "CT" for one in model.channels):
        raise Refused(
            "model_needs_ct",
            "The model needs the CT of the examination; add it.",
            "该模型需要同次检查的 CT，请提供。",
        )
    if ct is not None and ct.units != "HU":
        raise Refused(
            "not_hounsfield", "The CT is not in Hounsfield units.", "CT 图像单位不是 HU。", ct.units
        )
    uids = {one.frame_of_reference_uid for one in (pet, ct) if one is not None}
    if len(uids - {""}) > 1:
        raise Refused(
            "other_frame_of_reference",
            "The two images have different frames of reference; register them first.",
            "两组图像的参考坐标系不同，请先配准。",
        )
    available_gb = _memory_gb()
    if model.least_memory_gb > available_gb:
        raise _memory(f"{model.least_memory_gb:g} GB of {available_gb:.1f} GB")


def _uncovered(model: Model, pet: Volume, ct: Volume | None) -> tuple[Finding, ...]:
    """What to say where the CT is shorter than the PET; narrower it is on most scanners."""
    if ct is None or all(one.modality == "PT" for one in model.channels):
        return ()
    own, other = (one.corners_lps()[:, 2] for one in (pet, ct))
    missing_mm = max(float(other.min() - own.min()), 0.0) + max(float(own.max() - other.max()), 0.0)
    if missing_mm <= _SHORTER_MM:
        return ()
    return (
        Finding(
            "ct_shorter_than_pet",
            f"The CT leaves {missing_mm:.0f} mm of the PET's length uncovered; there the model saw"
            " air.",
            f"CT 比 PET 短 {missing_mm:.0f} mm，模型在该范围内只见到空气。",
            {"missing_mm": missing_mm},
        ),
    )


def _outputs(
    model: Model,
    network: onnx.Network,
    images: Mapping[str, Volume],
    progress: Progress | None,
    cancelled: Cancelled | None,
) -> tuple[Floats, Volume]:
    """What the network says on its own grid, [o, k, j, i], and that grid."""
    assert model.windowing is not None
    pet = images["PT"]
    grid = model_grid(pet, model.windowing.spacing_mm)
    size = [max(n, p) for n, p in zip(grid.array.shape, model.windowing.patch, strict=True)]
    volumes = len(model.channels) + len(model.labels) + 1
    needed_gb = 4e-9 * (volumes * float(np.prod(size)) + 4.0 * pet.array.size)
    if needed_gb > _memory_gb():
        raise _memory(f"about {needed_gb:.1f} GB for the images at its spacing")
    inputs = np.empty((len(model.channels), *grid.array.shape), dtype=np.float32)
    for own, channel in zip(inputs, model.channels, strict=True):
        own[:] = channel_values(channel, images[channel.modality], grid)
    outputs = blended(
        network,
        inputs,
        model.windowing,
        [outside_value(one) for one in model.channels],
        progress=progress,
        cancelled=cancelled,
    )
    allowed = {
        "softmax": (len(model.labels) + 1,),
        "sigmoid": (len(model.labels),),
        "none": (len(model.labels), len(model.labels) + 1),
    }[model.windowing.activation]
    if len(outputs) not in allowed:
        raise Refused(
            "model_labels",
            "The network answers with another number of channels than model.toml has labels;"
            " softmax counts the background as one more.",
            "网络输出通道数与 model.toml 的标签数不符；softmax 需另计背景一个通道。",
            f"{len(outputs)} channels, {len(model.labels)} labels",
        )
    for layer in _layers(outputs):
        _activate(layer, model.windowing.activation)
    return outputs, grid


def _layers(outputs: Floats) -> Iterator[Floats]:
    """Slice by slice, so that no second copy of all channels is made."""
    for k in range(outputs.shape[1]):
        yield outputs[:, k]


def _activate(layer: Floats, activation: str) -> None:
    if activation == "none":
        return
    if activation == "softmax":
        layer -= layer.max(axis=0)
        np.exp(layer, out=layer)
        layer /= layer.sum(axis=0)
        return
    # 1 / (1 + exp(-x)), without overflow.
    np.tanh(layer / 2.0, out=layer)
    layer += 1.0
    layer /= 2.0


def _placed(array: npt.NDArray[Any], pet: Volume, units: str) -> Volume:
    return replace(
        pet,
        array=np.ascontiguousarray(array),
        units=units,
        modality="SEG",
        description="",
        findings=(),
    )


def _memory_gb() -> float:
    """Memory of the machine; endless where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _memory(detail: str) -> Refused:
    return Refused(
        "model_needs_memory",
        "The model needs more memory than this machine has; run it on a larger one.",
        "该模型所需内存超过本机内存，请在更大的机器上运行。",
        detail,
    )

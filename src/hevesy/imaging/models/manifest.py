"""`model.toml`: what a network is, what it expects and what its numbers mean.

Read strictly: a key that is missing, unknown, of another type or out of its range is refused by
name, because a wrong clip or orientation gives a confident wrong answer. docs/imaging/models.md
lists the keys.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from hevesy.imaging.models.table import Table, bad, missing
from hevesy.imaging.models.weights import checked_paths
from hevesy.imaging.refusal import Refused

Task = Literal["lesion", "organ"]
Engine = Literal["onnx", "nnunetv2"]
Activation = Literal["softmax", "sigmoid", "none"]
Axis = Literal["k", "j", "i"]

FILE: Final = "model.toml"
NOT_EVALUATED: Final = ("not CE/NMPA evaluated", "未经 CE/NMPA 评审")
_MOST_TOML_BYTES: Final = 1 << 20
# 320 voxels cubed; networks in use take 96 to 192 cubed.
_MOST_PATCH_VOXELS: Final = 320**3
_MOST_LABELS: Final = 1000
_PAIRS: Final = ("LR", "PA", "HF")
_KEY: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Channel:
    """One input of the network: CT in HU or PET (PT) in SUV by body weight.

    The network sees (clipped value - mean) / sd; mean 0 and sd 1 leave the value as it is.
    """

    modality: Literal["CT", "PT"]
    clip: tuple[float, float] | None = None
    mean: float = 0.0
    sd: float = 1.0


@dataclass(frozen=True, slots=True)
class Label:
    """One structure; value: in the label map, from 1 without gaps.

    physiological: uptake in this organ is expected, so that what lies in it is not suggested as a
    lesion.
    """

    value: int
    key: str
    text_en: str
    text_zh: str
    physiological: bool = False


@dataclass(frozen=True, slots=True)
class Windowing:
    """How an ONNX network is led over a volume; only for that engine.

    spacing_mm: along i, j, k of the model's grid. patch: (k, j, i) voxels. overlap: share of a
    patch that the next one repeats, at least. mirror: axes along which flipped inputs are averaged.
    """

    spacing_mm: tuple[float, float, float]
    patch: tuple[int, int, int]
    overlap: float
    mirror: tuple[Axis, ...]
    activation: Activation


@dataclass(frozen=True, slots=True)
class Program:
    """A program that predicts; only for nnU-Net. Arguments hold {input}, {output} and {device}."""

    command: tuple[str, ...]
    time_limit_s: float


@dataclass(frozen=True, slots=True)
class Model:
    """One model folder, its `model.toml` checked; the hashes of its weights are not yet.

    orientation: three letters of DICOM Patient Orientation, towards where the indices i, j, k of
    the network's arrays grow: "LPH" is how axial slices are stored. weights: (file, SHA-256).
    """

    folder: Path
    name: str
    version: str
    task: Task
    engine: Engine
    orientation: str
    channels: tuple[Channel, ...]
    labels: tuple[Label, ...]
    weights: tuple[tuple[str, str], ...]
    licence: str
    intended_use_en: str
    intended_use_zh: str
    regulatory_en: str
    regulatory_zh: str
    least_memory_gb: float
    windowing: Windowing | None = None
    program: Program | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the weights. Raises `Refused` where one is missing or not in the folder."""
        return checked_paths(self.folder, [name for name, _ in self.weights])

    def as_json(self) -> dict[str, Any]:
        """What a result must say about the model that made it."""
        return {
            "model": self.name,
            "model_version": self.version,
            "task": self.task,
            "engine": self.engine,
            "sha256": dict(self.weights),
            "licence": self.licence,
            "intended_use_en": self.intended_use_en,
            "intended_use_zh": self.intended_use_zh,
            "regulatory_en": self.regulatory_en,
            "regulatory_zh": self.regulatory_zh,
        }


def read_model(folder: str | Path) -> Model:
    """Read `model.toml` of a folder.

    Raises `Refused`: no_model, model_toml_invalid, model_key_missing, model_key_unknown,
    model_value_bad, model_without_labels, model_patch_too_large, model_weights_outside,
    model_weights_missing, model_needs_memory.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise Refused(
            "no_model",
            f"The folder holds no {FILE}; name the folder of a model.",
            f"该文件夹中没有 {FILE}，请指定模型文件夹。",
            folder.name,
        )
    try:
        if path.stat().st_size > _MOST_TOML_BYTES:
            raise ValueError("more than 1 MiB")
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Refused(
            "model_toml_invalid",
            f"{FILE} is no valid TOML; correct it.",
            f"{FILE} 不是有效的 TOML，请更正。",
            str(error)[:200],
        ) from None
    model = _model(folder, Table(told))
    checked_paths(folder, [name for name, _ in model.weights])
    return model


def _model(folder: Path, told: Table) -> Model:
    engine = cast("Engine", told.one_of("engine", ("onnx", "nnunetv2")))
    task = cast("Task", told.one_of("task", ("lesion", "organ")))
    onnx = engine == "onnx"
    model = Model(
        folder=folder,
        name=told.text("name"),
        version=told.text("version"),
        task=task,
        engine=engine,
        orientation=_orientation(told.text("orientation")),
        channels=tuple(_channel(one, onnx=onnx) for one in told.tables("channel")),
        labels=_labels(told, task),
        weights=_weights(told),
        licence=told.text("licence"),
        intended_use_en=told.text("intended_use_en"),
        intended_use_zh=told.text("intended_use_zh"),
        regulatory_en=told.text("regulatory_en", NOT_EVALUATED[0]),
        regulatory_zh=told.text("regulatory_zh", NOT_EVALUATED[1]),
        least_memory_gb=told.number("least_memory_gb", above=0.0),
        windowing=_windowing(told) if onnx else None,
        program=None if onnx else _program(told),
    )
    told.done()
    if not model.channels:
        raise missing("channel")
    if onnx and len(model.weights) != 1:
        raise bad("weights", "an ONNX model has one file")
    return model


def _orientation(letters: str) -> str:
    if len(letters) != 3 or {_pair(one) for one in letters} != {0, 1, 2}:
        raise bad("orientation", letters)
    return letters


def _pair(letter: str) -> int:
    return next((n for n, pair in enumerate(_PAIRS) if letter in pair), -1)


def _channel(told: Table, *, onnx: bool) -> Channel:
    modality = cast("Literal['CT', 'PT']", told.one_of("modality", ("CT", "PT")))
    if not onnx:
        # nnU-Net scales by its own plan; a second clip here would go unnoticed.
        told.done()
        return Channel(modality)
    clip = None
    if told.has("clip"):
        low, high = told.numbers("clip", 2)
        if not low < high:
            raise bad("clip", f"{low:g} to {high:g}")
        clip = (low, high)
    if told.has("scale"):
        mean, sd = 0.0, 1.0 / told.number("scale", above=0.0)
    else:
        mean, sd = told.number("mean"), told.number("sd", above=0.0)
    told.done()
    if not math.isfinite(sd):
        raise bad("scale", "too small")
    return Channel(modality, clip, mean, sd)


def _labels(told: Table, task: Task) -> tuple[Label, ...]:
    labels = []
    for one in told.tables("label"):
        key = one.text("key")
        if not _KEY.fullmatch(key):
            raise bad("label.key", key)
        organ = one.flag("physiological", False) if task == "organ" else False
        labels.append(Label(one.whole("value"), key, one.text("en"), one.text("zh"), organ))
        one.done()
    if not 1 <= len(labels) <= _MOST_LABELS:
        raise Refused(
            "model_without_labels",
            f"The model names no labels, or more than {_MOST_LABELS}; list what its values mean.",
            f"模型未列出标签或多于 {_MOST_LABELS} 个，请列明各数值的含义。",
            str(len(labels)),
        )
    labels.sort(key=lambda label: label.value)
    if [label.value for label in labels] != list(range(1, len(labels) + 1)):
        raise bad("label.value", "values run from 1 without gaps")
    if len({label.key for label in labels}) != len(labels):
        raise bad("label.key", "a key appears twice")
    return tuple(labels)


def _weights(told: Table) -> tuple[tuple[str, str], ...]:
    files: Mapping[str, Any] = told.mapping("weights")
    if not files:
        raise missing("weights")
    for name, digest in files.items():
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise bad("weights", f"{name}: no SHA-256 in lower case")
    return tuple(sorted(files.items()))


def _windowing(told: Table) -> Windowing:
    spacing = told.numbers("spacing_mm", 3)
    if not all(0.2 <= one <= 50.0 for one in spacing):
        raise bad("spacing_mm", "0.2 to 50 mm")
    patch = told.wholes("patch", 3)
    if min(patch) < 1:
        raise bad("patch", str(patch))
    if math.prod(patch) > _MOST_PATCH_VOXELS:
        raise Refused(
            "model_patch_too_large",
            "The patch of the model is larger than any network in use; correct model.toml.",
            "模型的图块尺寸过大，请更正 model.toml。",
            str(patch),
        )
    overlap = told.number("overlap", 0.5)
    if not 0.0 <= overlap <= 0.9:
        raise bad("overlap", f"{overlap:g}: 0 to 0.9")
    mirror = told.texts("mirror", ())
    if len(set(mirror)) != len(mirror) or not set(mirror) <= {"k", "j", "i"}:
        raise bad("mirror", str(mirror))
    return Windowing(
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        patch=(patch[0], patch[1], patch[2]),
        overlap=overlap,
        mirror=cast("tuple[Axis, ...]", mirror),
        activation=cast("Activation", told.one_of("activation", ("softmax", "sigmoid", "none"))),
    )


def _program(told: Table) -> Program:
    command = told.texts("command")
    for name in ("{input}", "{output}", "{device}"):
        if not any(name in one for one in command):
            raise bad("command", f"no {name}")
    return Program(command, told.number("time_limit_s", above=0.0))

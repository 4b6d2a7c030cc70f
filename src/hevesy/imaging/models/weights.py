"""Weights: files of the model's own folder, with the hash that `model.toml` states.

ONNX can point to further files (external data), also outside the folder and unseen by the hash;
such a network is refused. The bytes that are hashed are the bytes that are run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from hevesy.imaging.refusal import Refused

_MOST_BYTES: Final = 2 * 1024**3
_TENSOR: Final = "tensor"
# Fields of onnx.proto that lead to tensors: message, field number, message found there. Public in
# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_FIELDS: Final = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: _TENSOR, 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: _TENSOR, 6: "graph", 10: _TENSOR, 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: _TENSOR, 2: _TENSOR},
}
_EXTERNAL_DATA: Final = 13
_DATA_LOCATION: Final = 14
_DEEPEST: Final = 64


def checked_paths(folder: Path, names: Sequence[str]) -> tuple[Path, ...]:
    """Paths of files that lie within the folder, links followed.

    Raises `Refused`: model_weights_outside, model_weights_missing.
    """
    home = folder.resolve()
    paths = []
    for name in names:
        stated = PurePosixPath(name)
        path = (home / name).resolve()
        if (
            stated.is_absolute()
            or ".." in stated.parts
            or "\\" in name
            or not path.is_relative_to(home)
        ):
            raise Refused(
                "model_weights_outside",
                "A file of the model lies outside its folder; put the weights into the folder.",
                "模型文件位于其文件夹之外，请将权重放入该文件夹。",
                name[:200],
            )
        if not path.is_file():
            raise Refused(
                "model_weights_missing",
                "A file that model.toml names is not in the folder; copy the model again.",
                "model.toml 所列的文件不在文件夹中，请重新复制模型。",
                name[:200],
            )
        paths.append(path)
    return tuple(paths)


def check_hashes(paths: Iterable[Path], digests: Iterable[str]) -> None:
    """Raise `Refused` (model_weights_changed) where a file is not the one that was described."""
    for path, digest in zip(paths, digests, strict=True):
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            raise _changed(path)


def read_onnx(path: Path, digest: str) -> bytes:
    """The bytes of an ONNX file after its hash and for external data were checked.

    Raises `Refused`: model_weights_too_large, model_weights_changed, model_weights_external,
    model_unreadable.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise Refused(
            "model_weights_too_large",
            "The weights are larger than 2 GiB, the limit of one ONNX file.",
            "权重超过 2 GiB，即单个 ONNX 文件的上限。",
        )
    read = path.read_bytes()
    if hashlib.sha256(read).hexdigest() != digest:
        raise _changed(path)
    try:
        external = _external(memoryview(read), "model", 0)
    except (ValueError, IndexError, RecursionError) as error:
        raise unreadable(str(error)) from None
    if external:
        raise Refused(
            "model_weights_external",
            "The network keeps weights in a second file, which its hash does not cover; save it as"
            " one file.",
            "该网络的部分权重存放在另一文件中，不受校验和保护，请保存为单个文件。",
        )
    return read


def unreadable(detail: str) -> Refused:
    """The refusal of a file that is no network."""
    return Refused(
        "model_unreadable",
        "The network cannot be read; export it again as ONNX.",
        "无法读取该网络，请重新导出为 ONNX。",
        detail[:200],
    )


def _changed(path: Path) -> Refused:
    return Refused(
        "model_weights_changed",
        "The weights are not those that model.toml describes (SHA-256 differs); get the model again"
        " from where it came.",
        "权重与 model.toml 所述不符（SHA-256 不同），请重新获取该模型。",
        path.name,
    )


def _external(message: memoryview, kind: str, depth: int) -> bool:
    """Whether any tensor of a message keeps its values elsewhere."""
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if kind == _TENSOR:
        return any(
            number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0)
            for number, value in _fields(message)
        )
    inner = _FIELDS[kind]
    return any(
        _external(value, inner[number], depth + 1)
        for number, value in _fields(message)
        if number in inner and isinstance(value, memoryview)
    )


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field number and value (number or bytes) by the wire format of protocol buffers."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        value: int | memoryview
        if wire == 0:
            value, at = _varint(message, at)
        elif wire == 2:
            size, at = _varint(message, at)
            value, at = message[at : at + size], at + size
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = message[at : at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > len(message):
            raise ValueError("cut off")
        yield number, value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")

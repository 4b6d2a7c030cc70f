"""Networks of a department, run without any framework for training.

A model is a folder with `model.toml` and its weights. None comes with Hevesy, nothing needs one,
and what one says is a suggestion beside what the rules found.

- `manifest`: `model.toml`, read strictly. `weights`: whose bytes they are.
- `grid`: images as the network expects them. `windows`: a large volume in overlapping patches.
- `onnx`: ONNX Runtime. `nnunet`: nnU-Net v2 as a program of its own.
- `prediction`: `predict`, labels on the grid of the PET. `lesions`: its place in the lesion table.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hevesy.imaging.models.manifest import Model as Model
    from hevesy.imaging.models.manifest import read_model as read_model
    from hevesy.imaging.models.prediction import Prediction as Prediction
    from hevesy.imaging.models.prediction import predict as predict

__all__ = ["Model", "Prediction", "predict", "read_model"]

_HOMES = {
    "Model": "manifest",
    "Prediction": "prediction",
    "predict": "prediction",
    "read_model": "manifest",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

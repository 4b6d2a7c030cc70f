"""Where a computation runs: on the processor, or on a GPU where there is one.

A GPU is never required. What has a path for it is written once over a module of arrays: NumPy's
names, which CuPy (the extra `cuda`) answers to as well, so that tests run the very code of the GPU
with NumPy. On the processor the compiled kernels run instead; they are quicker there.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hevesy.imaging.refusal import Refused

Device = Literal["auto", "cpu", "cuda"]
Place = Literal["cpu", "cuda"]
DEVICES: Final = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """Arrays of one place, by modules of the same names.

    xp: `numpy` or `cupy`. ndimage, sparse: those of `scipy` or of `cupyx.scipy`.
    """

    place: Place
    xp: Any
    ndimage: Any
    sparse: Any

    def put(self, values: npt.ArrayLike) -> Any:
        """The values as an array of this place."""
        return self.xp.asarray(values)

    def fetch(self, values: Any) -> npt.NDArray[Any]:
        """An array of this place as one of NumPy."""
        return np.asarray(values.get() if self.place == "cuda" else values)


def processor() -> Arrays:
    """NumPy and SciPy."""
    return Arrays("cpu", np, import_module("scipy.ndimage"), import_module("scipy.sparse"))


def gpu() -> Arrays:
    """CuPy on the first GPU. Raises `Refused` no_cuda: not installed, or it sees no GPU."""
    try:
        cupy = import_module("cupy")
        ndimage = import_module("cupyx.scipy.ndimage")
        sparse = import_module("cupyx.scipy.sparse")
    except ImportError:
        raise no_cuda("CuPy is not installed (pip install hevesy[cuda])") from None
    # The driver may be missing, old or without a card: CuPy has an exception of its own for each.
    try:
        cards = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise no_cuda(str(error)[:200]) from None
    if cards < 1:
        raise no_cuda("CuPy sees no GPU")
    return Arrays("cuda", cupy, ndimage, sparse)


def gpu_if(device: Device) -> Arrays | None:
    """Where to run what has a path for a GPU; None for the processor and its compiled kernels.

    auto takes a GPU where there is one, and the processor without a word where there is none.
    Raises `Refused` no_cuda where cuda is asked for and absent.
    """
    if device == "cpu":
        return None
    try:
        return gpu()
    except Refused:
        if device == "cuda":
            raise
        return None


def on_processor_only(device: Device) -> None:
    """Raise `Refused` no_cuda_path if a GPU is asked of what has no path for one."""
    if device == "cuda":
        raise Refused(
            "no_cuda_path",
            "This method runs on the processor only; choose the device auto or cpu.",
            "该方法只能在处理器上运行，请将设备选为 auto 或 cpu。",
        )


def no_cuda(detail: str) -> Refused:
    """The refusal of a GPU that is not there."""
    return Refused(
        "no_cuda",
        "There is no GPU that can be used; choose the device auto or cpu.",
        "没有可用的 GPU，请将设备选为 auto 或 cpu。",
        detail,
    )

"""A volume in overlapping patches, put together again with weights that fall towards their edges.

A network sees nothing beyond its patch, so that its answer is worst at the edge. Windows are spaced
evenly; each is weighted by a Gaussian of an eighth of the patch (Isensee et al., doi
10.1038/s41592-020-01008-z, online methods). What is blended is the network's output before any
activation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations, product
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.models.manifest import Windowing
from hevesy.imaging.refusal import Refused

Floats = npt.NDArray[np.float32]
Network = Callable[[Floats], Floats]
Progress = Callable[[float, str], None]
Cancelled = Callable[[], bool]
_SIGMA: Final = 1.0 / 8.0


def starts(size: int, patch: int, overlap: float) -> list[int]:
    """First voxels of evenly spaced windows that cover `size`, at least `overlap` in common."""
    if size <= patch:
        return [0]
    step = max(patch * (1.0 - overlap), 1.0)
    count = math.ceil((size - patch) / step - 1e-9) + 1
    return [round(n * (size - patch) / (count - 1)) for n in range(count)]


def profile(patch: int) -> Floats:
    """Weights along one axis, 1 in the middle."""
    away = (np.arange(patch) - (patch - 1) / 2.0) / (patch * _SIGMA)
    weights: Floats = np.exp(-0.5 * away**2).astype(np.float32)
    return weights


def blended(
    network: Network,
    inputs: Floats,
    windowing: Windowing,
    outside: Sequence[float],
    *,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> Floats:
    """Outputs [o, k, j, i] of a network over inputs [c, k, j, i].

    network: (c, patch) to (o, patch), float32. outside: value of each input beyond the volume,
    with which one smaller than a patch is surrounded. Raises `Refused`: model_output_not_finite,
    cancelled, and what the network raises.
    """
    size = inputs.shape[1:]
    padded, before = _padded(inputs, windowing.patch, outside)
    axes = [
        starts(n, p, windowing.overlap)
        for n, p in zip(padded.shape[1:], windowing.patch, strict=True)
    ]
    weights = [profile(p) for p in windowing.patch]
    weight = weights[0][:, None, None] * weights[1][:, None] * weights[2]
    places = list(product(*axes))
    total: Floats | None = None
    for number, corner in enumerate(places):
        if cancelled is not None and cancelled():
            raise Refused(
                "cancelled",
                "The computation was cancelled.",
                "计算已取消。",
            )
        box = tuple(
            slice(start, start + p) for start, p in zip(corner, windowing.patch, strict=True)
        )
        answer = _mirrored(network, padded[(slice(None), *box)], windowing.mirror)
        if not np.all(np.isfinite(answer)):
            raise Refused(
                "model_output_not_finite",
                "The network answers with values that are no numbers; do not use this model.",
                "网络输出了无效数值，请勿使用该模型。",
                f"window {number + 1} of {len(places)}",
            )
        if total is None:
            total = np.zeros((answer.shape[0], *padded.shape[1:]), dtype=np.float32)
        total[(slice(None), *box)] += answer * weight
        if progress is not None:
            progress((number + 1) / len(places), f"window {number + 1} of {len(places)}")
    assert total is not None
    # The windows are a product of the axes', and so is the sum of their weights.
    for axis, (own, begins) in enumerate(zip(weights, axes, strict=True)):
        along = np.zeros(padded.shape[1 + axis], dtype=np.float32)
        for start in begins:
            along[start : start + len(own)] += own
        total /= along.reshape([-1 if n == axis else 1 for n in range(3)])
    inner = tuple(slice(b, b + n) for b, n in zip(before, size, strict=True))
    return total[(slice(None), *inner)]


def _padded(
    inputs: Floats, patch: Sequence[int], outside: Sequence[float]
) -> tuple[Floats, list[int]]:
    lacking = [max(p - n, 0) for n, p in zip(inputs.shape[1:], patch, strict=True)]
    before = [lack // 2 for lack in lacking]
    if not any(lacking):
        return inputs, before
    size = [n + lack for n, lack in zip(inputs.shape[1:], lacking, strict=True)]
    padded = np.empty((len(inputs), *size), dtype=np.float32)
    padded[:] = np.array(outside, dtype=np.float32)[:, None, None, None]
    inner = tuple(slice(b, b + n) for b, n in zip(before, inputs.shape[1:], strict=True))
    padded[(slice(None), *inner)] = inputs
    return padded, before


def _mirrored(network: Network, patch: Floats, mirror: Sequence[str]) -> Floats:
    """Mean over all combinations of flipped axes, each answer flipped back."""
    axes = [1 + "kji".index(one) for one in mirror]
    flips = [some for count in range(len(axes) + 1) for some in combinations(axes, count)]
    total = network(np.ascontiguousarray(patch))
    for some in flips[1:]:
        answer = network(np.ascontiguousarray(np.flip(patch, some)))
        total = total + np.flip(answer, some)
    return total / np.float32(len(flips)) if len(flips) > 1 else total

"""Images as a network expects them, and its answer back on the grid of the PET.

The network's axes are the PET's own, reordered and flipped (never turned) to the stated
orientation, so that how slices are stored changes nothing. Its grid has the stated spacing, the
middle of the PET, and covers it whole. Values are trilinear between voxel centres, as everywhere in
this library; nothing is smoothed before a coarser grid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.geometry.reslice import AIR_HU, resliced
from hevesy.imaging.models.manifest import Channel
from hevesy.imaging.refusal import Refused

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
_AXES: Final = {"L": (0, 1), "R": (0, -1), "P": (1, 1), "A": (1, -1), "H": (2, 1), "F": (2, -1)}
_MOST_VOXELS: Final = 2**31


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How stored axes become those of an orientation: new axis n (of i, j, k) is old axis order[n],
    backwards where flipped[n]."""

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, volume: Volume, letters: str) -> Arrangement:
        """For a volume and three letters, such as "LPH"; oblique axes count as the nearest."""
        axes = volume.ijk_to_lps[:3, :3] / np.array(volume.spacing_mm)
        # patient[n]: the axis of the patient that voxel axis n follows best, each taken once.
        patient = max(
            permutations(range(3)), key=lambda p: sum(abs(axes[p[n], n]) for n in range(3))
        )
        order, flipped = [], []
        for letter in letters:
            axis, sign = _AXES[letter]
            old = patient.index(axis)
            order.append(old)
            flipped.append(bool(np.sign(axes[axis, old]) != sign))
        return cls((order[0], order[1], order[2]), (flipped[0], flipped[1], flipped[2]))

    def applied(self, array: Array) -> Array:
        """A stored array [k, j, i] in the new order; a view."""
        turned = array.transpose([2 - self.order[2 - axis] for axis in range(3)])
        return turned[self._steps()]

    def undone(self, array: Array) -> Array:
        """An array of the new order as it would be stored; a view."""
        turned = array[self._steps()]
        back = [2 - self.order[2 - axis] for axis in range(3)]
        return turned.transpose([back.index(axis) for axis in range(3)])

    def volume(self, stored: Volume) -> Volume:
        """A volume with its axes in the new order; the same values at the same places."""
        old = stored.ijk_to_lps
        affine = np.eye(4)
        affine[:3, 3] = old[:3, 3]
        for new, (axis, backwards) in enumerate(zip(self.order, self.flipped, strict=True)):
            step = old[:3, axis]
            affine[:3, new] = -step if backwards else step
            if backwards:
                affine[:3, 3] += step * (stored.shape_ijk[axis] - 1)
        return replace(
            stored, array=self.applied(stored.array), ijk_to_lps=affine, slices=(), headers=()
        )

    def _steps(self) -> tuple[slice, slice, slice]:
        k, j, i = (slice(None, None, -1 if one else 1) for one in reversed(self.flipped))
        return k, j, i


def model_grid(pet: Volume, spacing_mm: tuple[float, float, float]) -> Volume:
    """The grid of a network over a PET whose axes are already in its order; values are empty.

    Raises `Refused` (model_grid_too_large).
    """
    own = np.array(pet.spacing_mm)
    wanted = np.array(spacing_mm)
    # A thousandth of a voxel more is rounding of headers, no missing tissue.
    size = np.maximum(np.ceil(np.array(pet.shape_ijk) * own / wanted - 1e-3), 1).astype(np.int64)
    if int(np.prod(size)) > _MOST_VOXELS:
        raise Refused(
            "model_grid_too_large",
            "At the model's spacing the images have more voxels than can be computed; check"
            " spacing_mm in model.toml.",
            "按模型的体素间距，图像体素数过多，请核对 model.toml 中的 spacing_mm。",
            " x ".join(map(str, size)),
        )
    affine = np.eye(4)
    affine[:3, :3] = pet.ijk_to_lps[:3, :3] / own * wanted
    affine[:3, 3] = pet.centre_lps - affine[:3, :3] @ ((size - 1) / 2.0)
    empty = np.broadcast_to(np.float32(0.0), tuple(int(one) for one in size[::-1]))
    return replace(pet, array=empty, ijk_to_lps=affine)


def channel_values(channel: Channel, source: Volume, grid: Volume) -> Floats:
    """One input [k, j, i] on the grid: clipped and scaled. Raises `Refused` (not_finite)."""
    values = resliced(source, grid).array.copy()
    if not np.all(np.isfinite(values)):
        raise Refused(
            "not_finite",
            "The images hold voxels without a finite value; check them.",
            "图像中存在无有效数值的体素，请检查图像。",
            channel.modality,
        )
    return _scaled(values, channel)


def outside_value(channel: Channel) -> float:
    """What the network sees where there is no image: air, or no uptake."""
    beyond = AIR_HU if channel.modality == "CT" else 0.0
    return float(_scaled(np.array([beyond], dtype=np.float32), channel)[0])


def _scaled(values: Floats, channel: Channel) -> Floats:
    if channel.clip is not None:
        np.clip(values, *channel.clip, out=values)
    values -= np.float32(channel.mean)
    values /= np.float32(channel.sd)
    return values


def back_on(values: Floats, grid: Volume, pet: Volume) -> Floats:
    """One output [k, j, i] of the grid on a PET whose axes are in the same order."""
    if values.shape == pet.array.shape and np.allclose(
        grid.ijk_to_lps, pet.ijk_to_lps, rtol=0, atol=1e-6
    ):
        return values
    answer: Floats = resliced(replace(grid, array=values, units="1"), pet).array
    return answer

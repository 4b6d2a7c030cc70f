"""A volume of interest: which voxels of a volume are measured.

A voxel belongs if its centre lies inside what was drawn; how a contour or a segmentation becomes
voxels is the business of who makes the mask. Several separate parts are one volume of interest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.components import Box, Components

Mask = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Voi:
    """Voxels on the grid of one volume.

    mask: bool over the bounding box. box: its place in the array [k, j, i]. shape: of the whole
    array.
    """

    mask: Mask
    box: Box
    shape: tuple[int, int, int]

    @classmethod
    def of_mask(cls, mask: npt.ArrayLike) -> Self:
        """From a mask [k, j, i] over the whole volume. Raises `Refused` if it is empty."""
        whole = np.asarray(mask, dtype=np.bool_)
        if whole.ndim != 3:
            raise ValueError(f"a mask has three dimensions, not {whole.ndim}")
        edges = []
        for axis in range(3):
            others = tuple(other for other in range(3) if other != axis)
            found = np.flatnonzero(whole.any(axis=others))
            if not found.size:
                raise empty_region()
            edges.append(slice(int(found[0]), int(found[-1]) + 1))
        box = (edges[0], edges[1], edges[2])
        k, j, i = whole.shape
        return cls(whole[box].copy(), box, (k, j, i))

    @classmethod
    def of_component(cls, components: Components, number: int) -> Self:
        """From one component of a labelled volume."""
        mask, box = components.mask_of(number)
        return cls(mask, box, components.shape)

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.mask))

    @property
    def index_kji(self) -> npt.NDArray[np.int64]:
        """(n, 3) indices in the whole array, in raster order."""
        return np.asarray(np.argwhere(self.mask) + np.array([part.start for part in self.box]))

    def whole(self) -> Mask:
        """The mask over the whole volume, [k, j, i]."""
        mask = np.zeros(self.shape, dtype=np.bool_)
        mask[self.box] = self.mask
        return mask

    def values(self, volume: Volume) -> npt.NDArray[np.float64]:
        """The voxel values in raster order.

        Raises `Refused` if the volume has another grid or a value is not a finite number.
        """
        self.check(volume)
        values = volume.array[self.box][self.mask].astype(np.float64)
        if not np.all(np.isfinite(values)):
            raise Refused(
                "not_finite",
                "The region holds voxels without a finite value; check the image.",
                "区域内存在无有效数值的体素，请检查图像。",
                f"{np.count_nonzero(~np.isfinite(values))} voxels",
            )
        return values

    def check(self, volume: Volume) -> None:
        """Raise `Refused` if this region belongs to a volume of another shape, or is empty."""
        if volume.array.shape != self.shape:
            raise Refused(
                "other_grid",
                "The region was drawn on an image of another size; draw or resample it on this"
                " image.",
                "该区域属于另一尺寸的图像，请在本图像上重新勾画或重采样。",
                f"{self.shape} on {volume.array.shape}",
            )
        if not self.mask.any():
            raise empty_region()

    def grown(self, voxels: int) -> Box:
        """The bounding box grown by so many voxels on every side, inside the volume."""
        sides = [
            slice(max(part.start - voxels, 0), min(part.stop + voxels, size))
            for part, size in zip(self.box, self.shape, strict=True)
        ]
        return sides[0], sides[1], sides[2]


def empty_region() -> Refused:
    """The refusal of a region without voxels."""
    return Refused(
        "empty_region",
        "The region holds no voxel; enlarge it or lower the threshold.",
        "区域内没有体素，请扩大区域或降低阈值。",
    )


def on_grid_of(voi: Voi, source: Volume, target: Volume) -> Voi:
    """The same region on another volume: its voxels whose centres lie in a voxel of the region.

    Raises `Refused` if the two volumes name different frames of reference, or none of the
    target's voxel centres lies inside.
    """
    voi.check(source)
    if (
        source.frame_of_reference_uid
        and target.frame_of_reference_uid
        and source.frame_of_reference_uid != target.frame_of_reference_uid
    ):
        raise Refused(
            "other_frame_of_reference",
            "The two images have different frames of reference; register them first.",
            "两组图像的参考坐标系不同，请先配准。",
        )
    low = np.array([part.start for part in voi.box[::-1]]) - 0.5
    high = np.array([part.stop for part in voi.box[::-1]]) - 0.5
    corners = np.array(np.meshgrid(*zip(low, high, strict=True), indexing="ij")).reshape(3, 8).T
    reach = target.index(source.world(corners))
    size = np.array(target.shape_ijk)
    first = np.clip(np.floor(reach.min(axis=0)), 0, size).astype(int)
    stop = np.clip(np.ceil(reach.max(axis=0)) + 1, 0, size).astype(int)
    if np.any(first >= stop):
        raise empty_region()
    whole = np.zeros(target.array.shape, dtype=np.bool_)
    mask = voi.whole()
    i, j = np.meshgrid(np.arange(first[0], stop[0]), np.arange(first[1], stop[1]))
    for k in range(first[2], stop[2]):
        places = target.world(np.stack((i, j, np.full_like(i, k)), axis=-1))
        # Halves go up: a centre on the border of two voxels belongs to the later one.
        nearest = np.floor(source.index(places) + 0.5).astype(int)
        inside = np.all((nearest >= 0) & (nearest < np.array(source.shape_ijk)), axis=-1)
        near = nearest[inside]
        layer = np.zeros(i.shape, dtype=np.bool_)
        layer[inside] = mask[near[:, 2], near[:, 1], near[:, 0]]
        whole[k, first[1] : stop[1], first[0] : stop[0]] = layer
    return Voi.of_mask(whole)

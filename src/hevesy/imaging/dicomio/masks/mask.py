"""One mask, and how masks of another grid come onto the grid of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding, Volume
from hevesy.imaging.refusal import Refused

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Mask:
    """One segment on the grid of a volume.

    number: segment, ROI or label number of the file. name: its label there ("" in NIfTI).
    array: [k, j, i] of the volume's shape; pages of it that hold no voxel take no memory.
    """

    number: int
    name: str
    array: Bools
    findings: tuple[Finding, ...] = ()

    @property
    def voxels(self) -> int:
        """Number of voxels inside."""
        return int(np.count_nonzero(self.array))

    def as_json(self) -> dict[str, Any]:
        """What can be said about it without its voxels."""
        return {
            "number": self.number,
            "name": self.name,
            "voxels": self.voxels,
            "findings": [
                {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
                for one in self.findings
            ],
        }


def check_frame_of_reference(stated: str, volume: Volume) -> tuple[Finding, ...]:
    """Refuse coordinates of another frame of reference; name a doubt where one is not stated."""
    if stated and volume.frame_of_reference_uid and stated != volume.frame_of_reference_uid:
        raise Refused(
            "wrong_frame_of_reference",
            "The segmentation belongs to another frame of reference than the images; choose the"
            " images it was drawn on, or register first.",
            "分割结果与图像的参考坐标系不同，请选择勾画时所用的图像，或先进行配准。",
        )
    if stated and volume.frame_of_reference_uid:
        return ()
    return (
        Finding(
            "frame_of_reference_unstated",
            "No common frame of reference is stated; the segmentation is placed by its coordinates"
            " alone. Check its place by eye.",
            "未注明共同的参考坐标系，分割结果仅按坐标放置，请目视核对位置。",
        ),
    )


def slice_normal(volume: Volume) -> Floats:
    """Unit vector row x column of the slices."""
    normal = np.cross(volume.ijk_to_lps[:3, 0], volume.ijk_to_lps[:3, 1])
    return np.asarray(normal / np.linalg.norm(normal), dtype=np.float64)


def slice_origins(volume: Volume) -> Floats:
    """Where the first voxel of each slice truly lies, (slices, 3) in mm.

    The affine of a volume assumes even spacing; whole-body PET overlaps its beds unevenly, and
    whoever drew contours drew them at the true positions.
    """
    count = volume.array.shape[0]
    index = np.zeros((count, 3))
    index[:, 2] = np.arange(count)
    origins = volume.world(index)
    if len(volume.slices) == count:
        normal = slice_normal(volume)
        true = np.array([one.offset_mm for one in volume.slices])
        origins += (true - (origins - origins[0]) @ normal)[:, None] * normal
    return origins


def onto_grid(volume: Volume, inside: Bools, ijk_to_lps: Floats) -> tuple[Bools, list[Finding]]:
    """A mask [k, j, i] of another grid on the grid of the volume, by the nearest voxel centre.

    A voxel of the volume that lies within half a voxel of the other grid's outer centres takes
    part; farther out is outside. Findings: `mask_resampled` with both volumes, and
    `mask_beyond_volume`.
    """
    answer = np.zeros(volume.array.shape, dtype=np.bool_)
    box = _box(inside)
    if box is None:
        return answer, []
    to_source = np.linalg.inv(ijk_to_lps)
    origins = slice_origins(volume)
    (k0, k1), (j0, j1), (i0, i1) = _target_box(volume, box, ijk_to_lps)
    i = np.arange(i0, i1)[None, :]
    j = np.arange(j0, j1)[:, None]
    step_i, step_j = (to_source[:3, :3] @ volume.ijk_to_lps[:3, axis] for axis in (0, 1))
    for k in range(k0, k1):
        start = to_source[:3, :3] @ origins[k] + to_source[:3, 3]
        # The millionth decides ties between two centres the same way whatever the rounding.
        at = [
            np.floor(start[a] + i * step_i[a] + j * step_j[a] + 0.5 + 1e-6).astype(np.intp)
            for a in range(3)
        ]
        within = np.ones((j1 - j0, i1 - i0), dtype=np.bool_)
        for a, size in zip(range(3), inside.shape[::-1], strict=True):
            within &= (at[a] >= 0) & (at[a] < size)
        si, sj, sk = (np.broadcast_to(one, within.shape)[within] for one in at)
        answer[k, j0:j1, i0:i1][within] = inside[sk, sj, si]
    return answer, _what_changed(volume, inside, answer, ijk_to_lps)


def _box(inside: Bools) -> tuple[tuple[int, int], ...] | None:
    edges = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(inside.any(axis=others))
        if not len(used):
            return None
        edges.append((int(used[0]), int(used[-1]) + 1))
    return tuple(edges)


def _target_box(
    volume: Volume, box: tuple[tuple[int, int], ...], ijk_to_lps: Floats
) -> list[tuple[int, int]]:
    kji = np.array(np.meshgrid(*((a - 0.5, b - 0.5) for a, b in box), indexing="ij"))
    ijk = kji.reshape(3, 8).T[:, ::-1]
    corners = volume.index(ijk @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3])
    # Two voxels of margin: true slice positions may lie off the even affine.
    low = np.floor(corners.min(axis=0)).astype(int) - 2
    high = np.ceil(corners.max(axis=0)).astype(int) + 3
    size = volume.shape_ijk
    return [(max(0, low[a]), min(size[a], high[a])) for a in (2, 1, 0)]


def _what_changed(
    volume: Volume, inside: Bools, answer: Bools, ijk_to_lps: Floats
) -> list[Finding]:
    before_ml = np.count_nonzero(inside) * abs(np.linalg.det(ijk_to_lps[:3, :3])) / 1000.0
    after_ml = np.count_nonzero(answer) * volume.voxel_mm3 / 1000.0
    findings = [
        Finding(
            "mask_resampled",
            f"The segmentation has another grid than the images; each voxel takes the nearest voxel"
            f" of the segmentation: {before_ml:.3f} ml became {after_ml:.3f} ml.",
            f"分割与图像网格不同，按最近体素中心取值：体积由 {before_ml:.3f} ml"
            f" 变为 {after_ml:.3f} ml。",
            {"before_ml": float(before_ml), "after_ml": float(after_ml)},
        )
    ]
    ijk = np.argwhere(inside)[:, ::-1]
    place = volume.index(ijk @ ijk_to_lps[:3, :3].T + ijk_to_lps[:3, 3])
    outside = np.any((place < -0.5) | (place > np.array(volume.shape_ijk) - 0.5), axis=1)
    return findings + beyond(int(np.count_nonzero(outside)))


def beyond(voxels: int) -> list[Finding]:
    """The finding that part of a segment lies outside the images; none for zero voxels."""
    if not voxels:
        return []
    return [
        Finding(
            "mask_beyond_volume",
            f"{voxels} voxels of the segment lie outside the images and are cut off.",
            f"该分割有 {voxels} 个体素位于图像范围之外，已被截去。",
            {"voxels": voxels},
        )
    ]

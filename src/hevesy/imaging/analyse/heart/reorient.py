"""Transaxial heart volumes to short-axis slices, by two points that a person sets."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]
_BEYOND_MM = 30.0
_HALF_WIDTH_MM = 75.0


def short_axis(
    volume: Volume, *, apex_lps: npt.ArrayLike, base_lps: npt.ArrayLike, voxel_mm: float
) -> Volume:
    """Slices [k, j, i] across the long axis: k from apex to base, j to the inferior wall, i lateral.

    apex_lps, base_lps: apex and middle of the valve plane, mm. The slices reach 30 mm beyond both
    points and 75 mm to each side; trilinear, 0 outside the volume. j is the patient's downward
    direction made perpendicular to the axis. Raises `Refused` (`bad_axis`) for points nearer than
    30 mm, farther than 200 mm, or one above the other.
    """
    apex, base = np.asarray(apex_lps, dtype=np.float64), np.asarray(base_lps, dtype=np.float64)
    length = float(np.linalg.norm(base - apex))
    if apex.shape != (3,) or base.shape != (3,) or not 30 <= length <= 200 or voxel_mm <= 0:
        raise _bad_axis(f"{length:.0f} mm between apex and base")
    along = (base - apex) / length
    down = np.array((0.0, 0.0, -1.0))
    down -= (down @ along) * along
    if np.linalg.norm(down) < 0.2:
        raise _bad_axis("the axis runs along the patient")
    down /= np.linalg.norm(down)
    lateral = np.cross(down, along)
    across = 2 * int(_HALF_WIDTH_MM / voxel_mm) + 1
    slices = int((length + 2 * _BEYOND_MM) / voxel_mm) + 1
    affine = np.eye(4)
    for column, direction in enumerate((lateral, down, along)):
        affine[:3, column] = direction * voxel_mm
    middle = (across - 1) / 2 * voxel_mm
    affine[:3, 3] = apex - _BEYOND_MM * along - middle * (lateral + down)
    k, j, i = np.indices((slices, across, across), dtype=np.float64)
    lps = np.stack((i, j, k), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    return Volume(
        volume.sample(lps),
        affine,
        volume.units,
        volume.modality,
        frame_of_reference_uid=volume.frame_of_reference_uid,
        study_instance_uid=volume.study_instance_uid,
        description="short axis",
    )


def _bad_axis(detail: str) -> Refused:
    return Refused(
        "bad_axis",
        "Apex and base must lie 30 to 200 mm apart along the heart: set both points again.",
        "心尖与心底两点须沿心脏长轴相距30至200 mm，请重新设置。",
        detail,
    )

"""The heart along its own axes: short-axis slices from a transaxial volume."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.reconstruct.words import refused

Floats = npt.NDArray[np.float64]

# Closer than this to the patient's long axis, "up" in the short-axis plane has no meaning.
_UPRIGHT: Final = 0.98
_ACROSS_MM: Final = 150.0
_BEYOND_MM: Final = 30.0


def short_axis_directions(*, base_lps: npt.ArrayLike, apex_lps: npt.ArrayLike) -> Floats:
    """Unit vectors of i, j and k as the columns of a 3x3 matrix, from two points on the axis in mm.

    k runs from apex to base, i within the patient's transaxial plane from septum to lateral wall,
    j from anterior to inferior wall: anterior on top and the septum on the left of the image, apex
    first, as Cerqueira et al., Circulation 105 (2002) 539 lay down. Raises `Refused` bad_setting
    for points within 10 mm of each other or an axis along the patient.
    """
    base, apex = (np.asarray(point, dtype=np.float64) for point in (base_lps, apex_lps))
    towards_apex = apex - base
    length = float(np.linalg.norm(towards_apex))
    if not np.isfinite(length) or length < 10.0:
        raise refused("bad_setting", f"base and apex {length:.1f} mm apart")
    towards_apex /= length
    if abs(towards_apex[2]) > _UPRIGHT:
        raise refused("bad_setting", "long axis of the heart along the patient")
    lateral = np.cross((0.0, 0.0, 1.0), towards_apex)
    lateral /= np.linalg.norm(lateral)
    inferior = np.cross(lateral, towards_apex)
    return np.stack([lateral, inferior, -towards_apex], axis=1)


def short_axis(
    volume: Volume,
    *,
    base_lps: npt.ArrayLike,
    apex_lps: npt.ArrayLike,
    size: int | None = None,
    slices: int | None = None,
    spacing_mm: float | None = None,
) -> Volume:
    """Short-axis slices, apex first, about the middle of base and apex.

    size: of the square slices, by default 150 mm; slices: by default 30 mm beyond both points;
    spacing_mm: of voxels in all directions, that of the volume's columns if left out. Values are
    interpolated trilinearly and 0 outside the volume; they stay where they are in the patient, so
    that regions and fusion keep working. Gates of one study are reoriented by the same points.
    """
    directions = short_axis_directions(base_lps=base_lps, apex_lps=apex_lps)
    base, apex = (np.asarray(point, dtype=np.float64) for point in (base_lps, apex_lps))
    step = volume.spacing_mm[0] if spacing_mm is None else spacing_mm
    if step > 0:
        size = int(_ACROSS_MM / step) + 1 if size is None else size
        length = float(np.linalg.norm(base - apex)) + 2 * _BEYOND_MM
        slices = int(length / step) + 1 if slices is None else slices
    if not step > 0 or size is None or slices is None or size < 2 or slices < 2:
        raise refused("bad_setting", f"{size} x {size} x {slices} of {step} mm")
    middle = (base + apex) / 2.0
    affine = np.eye(4)
    affine[:3, :3] = directions * step
    half = (np.array([size, size, slices], dtype=np.float64) - 1.0) / 2.0
    affine[:3, 3] = middle - affine[:3, :3] @ half
    empty = np.zeros((slices, size, size), dtype=np.float32)
    turned = replace(volume, array=empty, ijk_to_lps=affine, slices=(), headers=volume.headers[:1])
    k, j, i = np.indices(empty.shape)
    values = volume.sample(turned.world(np.stack([i, j, k], axis=-1)))
    return turned.with_values(values, units=volume.units)

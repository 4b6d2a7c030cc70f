"""A sampled scalar field in patient space.

Voxel arrays are indexed [k, j, i]: slice, row, column. `ijk_to_lps` takes the voxel index
(i, j, k, 1) of a voxel *centre* to DICOM patient coordinates in mm (LPS: x grows to the patient's
left, y to the back, z to the head).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry.sampling import trilinear

Floats = npt.NDArray[np.float64]
Voxels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know about how a volume came to be; nothing was hidden by it.

    key: stable name, such as "uneven_spacing". values: plain numbers and texts for programs.
    """

    key: str
    text_en: str
    text_zh: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SliceSource:
    """Where one slice of the array came from.

    offset_mm: true distance along the slice normal from the first slice, as the headers state it;
    the affine of the volume assumes even spacing, findings name the difference. frame is 0-based;
    `sop_instance_uid` is empty for a slice that was missing and is filled.
    """

    sop_instance_uid: str
    frame: int
    offset_mm: float
    rescale_slope: float = 1.0
    rescale_intercept: float = 0.0


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels with their place in the patient, their meaning and their origin.

    array: [k, j, i], real-world values in `units` (int16 where that loses nothing, else float32).
    ijk_to_lps: 4x4 float64. units: "BQML", "HU", "CNTS", "SUVbw", … headers: one mapping per
    slice with what quantification needs (see `hevesy.imaging.dicomio.headers`), or one for all.
    """

    array: Voxels
    ijk_to_lps: Floats
    units: str
    modality: str
    frame_of_reference_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    description: str = ""
    findings: tuple[Finding, ...] = ()
    slices: tuple[SliceSource, ...] = ()
    headers: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim != 3:
            raise ValueError(f"a volume has three dimensions, not {self.array.ndim}")
        affine = np.array(self.ijk_to_lps, dtype=np.float64)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise ValueError("ijk_to_lps must be a finite 4x4 matrix")
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise ValueError("ijk_to_lps must be invertible")
        affine.setflags(write=False)
        view = self.array.view()
        view.setflags(write=False)
        object.__setattr__(self, "ijk_to_lps", affine)
        object.__setattr__(self, "array", view)

    @property
    def shape_ijk(self) -> tuple[int, int, int]:
        """Number of columns, rows and slices."""
        k, j, i = self.array.shape
        return i, j, k

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along i, j and k."""
        lengths = np.linalg.norm(self.ijk_to_lps[:3, :3], axis=0)
        return float(lengths[0]), float(lengths[1]), float(lengths[2])

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel."""
        return float(abs(np.linalg.det(self.ijk_to_lps[:3, :3])))

    @property
    def lps_to_ijk(self) -> Floats:
        """Inverse of `ijk_to_lps`."""
        return np.asarray(np.linalg.inv(self.ijk_to_lps), dtype=np.float64)

    @property
    def centre_lps(self) -> Floats:
        """Centre of the whole box, (3,) in mm."""
        middle = (np.array(self.shape_ijk, dtype=np.float64) - 1.0) / 2.0
        return self.world(middle)

    @property
    def value_range(self) -> tuple[float, float]:
        """Smallest and largest voxel value."""
        return float(self.array.min()), float(self.array.max())

    def world(self, ijk: npt.ArrayLike) -> Floats:
        """Patient coordinates in mm of voxel indices (…, 3), which may be fractional."""
        index = np.asarray(ijk, dtype=np.float64)
        return index @ self.ijk_to_lps[:3, :3].T + self.ijk_to_lps[:3, 3]

    def index(self, lps: npt.ArrayLike) -> Floats:
        """Fractional voxel indices (i, j, k) of points (…, 3) in mm."""
        inverse = self.lps_to_ijk
        return np.asarray(lps, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3]

    def corners_lps(self) -> Floats:
        """The eight outer corners of the box, half a voxel beyond the outer centres, (8, 3)."""
        i, j, k = self.shape_ijk
        low_high = ((-0.5, i - 0.5), (-0.5, j - 0.5), (-0.5, k - 0.5))
        corners = np.array(np.meshgrid(*low_high, indexing="ij")).reshape(3, 8).T
        return self.world(corners)

    def sample(self, lps: npt.ArrayLike, *, outside: float = 0.0) -> npt.NDArray[np.float32]:
        """Values at points (…, 3) in mm, trilinear between voxel centres.

        Up to half a voxel beyond the outer centres the edge value continues; farther out the
        answer is `outside`.
        """
        return trilinear(self.array, self.index(lps), outside=outside)

    def sample_plane(
        self,
        *,
        centre_lps: npt.ArrayLike,
        axis_u: npt.ArrayLike,
        axis_v: npt.ArrayLike,
        shape: tuple[int, int],
        spacing_mm: float,
        outside: float = 0.0,
    ) -> npt.NDArray[np.float32]:
        """A plane of values, (rows, columns); u runs along columns, v down the rows.

        axis_u and axis_v are unit vectors in patient space; any oblique plane will do.
        """
        rows, columns = shape
        u = np.asarray(axis_u, dtype=np.float64)
        v = np.asarray(axis_v, dtype=np.float64)
        across = (np.arange(columns) - (columns - 1) / 2.0) * spacing_mm
        down = (np.arange(rows) - (rows - 1) / 2.0) * spacing_mm
        points = (
            np.asarray(centre_lps, dtype=np.float64)
            + across[None, :, None] * u
            + down[:, None, None] * v
        )
        return self.sample(points, outside=outside)

    def binned(self, factors_ijk: tuple[int, int, int]) -> Self:
        """A coarser volume: each voxel the mean of a block of factors (i, j, k) voxels.

        An incomplete block at the far end is dropped unless it is the only one along its axis; a
        factor above the size of an axis is lowered to it.
        """
        shape = self.shape_ijk
        fi, fj, fk = (min(max(int(f), 1), n) for f, n in zip(factors_ijk, shape, strict=True))
        ni, nj, nk = shape[0] // fi, shape[1] // fj, shape[2] // fk
        # Slice by slice: the mean of a whole CT at once would need a float copy of it.
        blocks = np.empty((nk, nj, ni), dtype=np.float32)
        for k in range(nk):
            slab = self.array[k * fk : (k + 1) * fk, : nj * fj, : ni * fi]
            blocks[k] = slab.reshape(fk, nj, fj, ni, fi).mean(axis=(0, 2, 4), dtype=np.float64)
        affine = self.ijk_to_lps.copy()
        affine[:3, :3] *= (fi, fj, fk)
        affine[:3, 3] = self.world(((fi - 1) / 2.0, (fj - 1) / 2.0, (fk - 1) / 2.0))
        return replace(self, array=blocks, ijk_to_lps=affine, slices=(), headers=self.headers[:1])

    def with_values(self, array: Voxels, *, units: str) -> Self:
        """The same place and origin with other voxel values."""
        if array.shape != self.array.shape:
            raise ValueError("the new values must have the shape of the volume")
        return replace(self, array=array, units=units)

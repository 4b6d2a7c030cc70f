"""What a projector needs to know of an acquisition: counts of one window and one gate, and places.

Counts are held as [view, u, z]: u along the detector's columns, z from feet to head, contiguous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Volume
from hevesy.imaging.nuclides import NUCLIDES
from hevesy.imaging.reconstruct.projections import TomoStudy
from hevesy.imaging.reconstruct.words import refused

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Acquisition:
    """Projections of one window and gate on a regular detector grid.

    counts: float32 [view, u, z]. angles_deg: per view, 0 at the patient's back, 90 at the left.
    radii_mm: axis to collimator, NaN if unknown. weights: relative exposure of each view (time and
    decay), 1 at the start of the first view. axis_u: per view, the column of the axis of rotation.
    pixel_mm: of columns and of image pixels across; slice_mm: along z. centre_lps: middle of the
    image in the patient, (3,) mm. seconds: counting time of one view, 0 if unknown.
    """

    counts: Singles
    angles_deg: Floats
    radii_mm: Floats
    weights: Floats
    axis_u: Floats
    pixel_mm: float
    slice_mm: float
    centre_lps: Floats
    seconds: float = 0.0

    def __post_init__(self) -> None:
        views = len(self.counts)
        for name in ("angles_deg", "radii_mm", "weights", "axis_u"):
            if getattr(self, name).shape != (views,):
                raise ValueError(f"{name} needs one number per view")
        if self.counts.ndim != 3 or self.counts.dtype != np.float32:
            raise ValueError("counts are float32 [view, u, z]")

    @property
    def size(self) -> int:
        """Width of the square image across, in pixels."""
        return int(self.counts.shape[1])

    @property
    def slices(self) -> int:
        """Number of slices of the image."""
        return int(self.counts.shape[2])

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape [y, x, z] of an image."""
        return self.size, self.size, self.slices

    def with_counts(self, counts: Singles) -> Acquisition:
        """The same places with other counts."""
        return replace(self, counts=np.ascontiguousarray(counts, dtype=np.float32))

    def ijk_to_lps(self) -> Floats:
        """Affine of the volume [k, j, i] that `as_array` gives: i left, j back, k up."""
        affine = np.diag([self.pixel_mm, self.pixel_mm, self.slice_mm, 1.0])
        middle = np.array([self.size - 1, self.size - 1, self.slices - 1]) / 2.0
        affine[:3, 3] = self.centre_lps - affine[:3, :3] @ middle
        return affine

    def sampled(self, volume: Volume, *, outside: float) -> Singles:
        """Values of a volume at the image's voxel centres, [y, x, z].

        A volume of finer voxels is averaged down to about the image's first.
        """
        voxel = np.array([self.pixel_mm, self.pixel_mm, self.slice_mm])
        factors = np.maximum(np.rint(voxel / np.array(volume.spacing_mm)), 1).astype(int)
        coarse = volume.binned((int(factors[0]), int(factors[1]), int(factors[2])))
        affine = self.ijk_to_lps()
        j, i = np.mgrid[: self.size, : self.size]
        values = np.empty(self.image_shape, dtype=np.float32)
        for k in range(self.slices):
            index = np.stack([i, j, np.full_like(i, k)], axis=-1)
            points = index @ affine[:3, :3].T + affine[:3, 3]
            values[:, :, k] = coarse.sample(points, outside=outside)
        return values


def as_array(image: Singles) -> Singles:
    """An image [y, x, z] as the voxels [k, j, i] of a volume."""
    return np.ascontiguousarray(image.transpose(2, 0, 1))


def acquisition(
    study: TomoStudy, *, window: int, gate: int | None = None, decay: bool = True
) -> Acquisition:
    """One energy window (from 0) of a study; one gate (from 0), or the sum of all.

    decay: weigh views by the decay of the radionuclide since the first view began, averaged over
    each view; where half-life or frame duration are unknown, views weigh the same.
    """
    if not 0 <= window < len(study.windows):
        raise refused("no_such_window", str(window))
    chosen = study.counts[window]
    counts = chosen.sum(axis=0) if gate is None else chosen[gate]
    durations = np.array([view.duration_s for view in study.views])
    weights = np.ones(len(durations))
    if durations.min() > 0:
        weights = durations / durations[0]
        if decay and study.nuclide in NUCLIDES:
            weights = weights * decay_of_views(
                np.array([view.started_s for view in study.views]),
                durations,
                NUCLIDES[study.nuclide].half_life_s,
            )
    columns = counts.shape[2]
    return Acquisition(
        counts=np.ascontiguousarray(counts[:, ::-1, :].transpose(0, 2, 1), dtype=np.float32),
        angles_deg=np.array([view.angle_deg for view in study.views]),
        radii_mm=np.array(
            [math.nan if view.radius_mm is None else view.radius_mm for view in study.views]
        ),
        weights=weights,
        axis_u=np.full(len(durations), (columns - 1) / 2.0),
        pixel_mm=study.column_mm,
        slice_mm=study.row_mm,
        centre_lps=study.centre_lps,
        seconds=float(durations[0]),
    )


def decay_of_views(started_s: Floats, durations_s: Floats, half_life_s: float) -> Floats:
    """Mean activity during each view relative to time 0: 2^(-t/T) (1 - 2^(-d/T)) T / (d ln 2)."""
    rate = math.log(2.0) / half_life_s
    return np.asarray(
        np.exp(-rate * started_s) * -np.expm1(-rate * durations_s) / (rate * durations_s)
    )

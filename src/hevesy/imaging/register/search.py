"""One search: mutual information of two prepared volumes, climbed from several starts.

What makes it dependable: several starts along the body, coarse to fine, the best kept at each
level, and a fixed seed, so that the same volumes give the same answer to the last bit.

Matrices here go from fixed to moving points, 4x4 in LPS mm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.ndimage import binary_dilation, map_coordinates
from scipy.spatial.transform import Rotation

from hevesy.imaging.register.matrices import Matrix
from hevesy.imaging.register.metric import (
    BINS,
    add_slopes,
    fill_joint,
    fixed_bins,
    information,
    moving_scale,
)
from hevesy.imaging.register.prepare import Mask, Prepared

Step = Callable[[str], None]

# With 0.6 the step shrinks away on the narrow ridge along the body, millimetres short of the top.
_RELAXATION: Final = 0.8
# Twelve parameters have more and narrower ridges than six: shorter steps that shorten less, and more of them.
_AFFINE_STEP: Final = 0.5
_AFFINE_RELAXATION: Final = 0.95
_AFFINE_PATIENCE: Final = 3
# The edge of the body is its best landmark: the metric sees this much of the air around it.
_RIM_MM: Final = 16.0
# Of fewer samples no histogram is made.
_LEAST_SEEN: Final = 1.0 / 16.0


class NothingInCommon(Exception):
    """At this place the two volumes hardly overlap: nothing can be compared."""


@dataclass(frozen=True, slots=True)
class Level:
    """spacing_mm: of the copies. share: of the voxels compared. step_mm, least_mm: first, last step."""

    spacing_mm: float
    share: float
    step_mm: float
    least_mm: float
    iterations: int


@dataclass(frozen=True, slots=True)
class Found:
    """Where a search ended: 4x4 fixed to moving, and the mutual information there (nat)."""

    fixed_to_moving: Matrix
    mutual_information: float


class Images:
    """The two sides of a search at one spacing."""

    def __init__(self, fixed: Prepared, moving: Prepared, *, where: Mask | None = None) -> None:
        """where: part of the fixed grid to be compared; else the body and its rim."""
        self.fixed, self.moving = fixed, moving
        self.index = np.argwhere(compared(fixed, where)).astype(np.float32)
        inside = self._fixed_at(self.index)
        self.fixed_range = float(inside.min()), float(inside.max())
        self.moving_scale = moving_scale(moving.values)
        self.centre = self._points(self.index).mean(axis=0)

    def climbed(self, start: Matrix, level: Level, *, seed: int, affine: bool = False) -> Found:
        """Climb by steps that shorten at every turn; raises `NothingInCommon`.

        A turn of the body counts as the distance by which it moves the samples, root mean square.
        """
        samples = _Samples(self, level.share, seed)
        step, before = level.step_mm, np.zeros(12 if affine else 6)
        iterations = level.iterations
        if affine:
            step, iterations = step * _AFFINE_STEP, iterations * _AFFINE_PATIENCE
        matrix, best = start, Found(start, -np.inf)
        for _ in range(iterations):
            here, slopes = samples.climb(matrix)
            if here > best.mutual_information:
                best = Found(matrix, here)
            uphill = _uphill(slopes, matrix, samples.radius_mm, affine=affine)
            length = float(np.linalg.norm(uphill))
            if float(uphill @ before) < 0.0:
                step *= _AFFINE_RELAXATION if affine else _RELAXATION
            if step < level.least_mm or length == 0.0:
                break
            before = uphill
            way = uphill * (step / length)
            matrix = _advanced(matrix, way, samples.radius_mm, self.centre, affine=affine)
        return best

    def mutual_information(self, fixed_to_moving: Matrix) -> float:
        """Mutual information (nat) at one place, from all voxels; raises `NothingInCommon`."""
        return _Samples(self, 1.0, None).value(fixed_to_moving)[0]

    def drawn(self, share: float, seed: int | None) -> tuple[Any, Any]:
        """Points (n, 3) from the centre in mm, and their fixed bins; without seed, voxel centres.

        Points lie anywhere in their voxels: on its centres two equal grids would lock.
        """
        index = self.index
        if seed is not None:
            rng = np.random.default_rng(seed)
            index = index[rng.random(len(index)) < share]
            index = index + rng.random(index.shape, dtype=np.float32) - np.float32(0.5)
        points = (self._points(index) - self.centre).astype(np.float32)
        return points, fixed_bins(self._fixed_at(index), *self.fixed_range)

    def _fixed_at(self, index: Any) -> Any:
        return map_coordinates(self.fixed.values, index.T, order=1, mode="nearest", prefilter=False)

    def _points(self, index: Any) -> Matrix:
        return np.asarray(index[:, ::-1] * self.fixed.spacing_mm + self.fixed.origin_mm)


def compared(fixed: Prepared, where: Mask | None) -> Mask:
    """The voxels that the metric sees: the body (or a part of it) and its rim."""
    rim = max(1, round(_RIM_MM / fixed.spacing_mm))
    mask = fixed.body if where is None else where
    return np.asarray(binary_dilation(mask, iterations=rim) & fixed.seen)


class _Samples:
    """Samples of the fixed image, and what the moving image shows at them."""

    def __init__(self, images: Images, share: float, seed: int | None) -> None:
        self.images = images
        self.points, self.bins = images.drawn(share, seed)
        self.looked = np.empty((len(self.points), 4), dtype=np.float32)
        self.radius_mm = float(np.sqrt((self.points.astype(np.float64) ** 2).sum(axis=1).mean()))

    def value(self, fixed_to_moving: Matrix) -> tuple[float, Matrix, int]:
        """Mutual information, its logarithms, and how many samples were seen."""
        moving, centre = self.images.moving, self.images.centre
        to_index = fixed_to_moving[:3].copy()
        to_index[:, 3] += to_index[:, :3] @ centre - moving.origin_mm
        counts = np.zeros((BINS, BINS))
        number = fill_joint(
            self.points,
            self.bins,
            to_index / moving.spacing_mm,
            moving.values,
            moving.seen,
            *self.images.moving_scale,
            counts,
            self.looked,
        )
        if number <= _LEAST_SEEN * len(self.points):
            raise NothingInCommon
        return *information(counts), number

    def climb(self, fixed_to_moving: Matrix) -> tuple[float, Matrix]:
        """Mutual information and its slopes (3, 4) by the numbers of the map, per mm."""
        here, beside, number = self.value(fixed_to_moving)
        slopes = np.zeros((3, 4))
        add_slopes(self.points, self.bins, self.looked, beside, slopes)
        return here, slopes / (number * self.images.moving.spacing_mm)


def best_of(
    images: Images, starts: Sequence[Matrix], level: Level, *, seed: int, tell: Step
) -> list[Found]:
    """Climb from every start; the ends that could be compared, the best first."""
    ends = []
    for number, start in enumerate(starts, start=1):
        tell(f"{level.spacing_mm:g} mm, start {number} of {len(starts)}")
        try:
            ends.append(images.climbed(start, level, seed=seed + number))
        except NothingInCommon:
            continue
    return sorted(ends, key=lambda end: -end.mutual_information)


def _uphill(slopes: Matrix, matrix: Matrix, radius_mm: float, *, affine: bool) -> Matrix:
    """Slope by shift and by turn (or by all numbers of the linear part), all per mm of movement."""
    if affine:
        return np.concatenate((slopes[:, 3], slopes[:, :3].ravel() / radius_mm))
    turn = slopes[:, :3] @ matrix[:3, :3].T
    turning = np.array((turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]))
    return np.concatenate((slopes[:, 3], turning / radius_mm))


def _advanced(
    matrix: Matrix, way: Matrix, radius_mm: float, centre: Matrix, *, affine: bool
) -> Matrix:
    """The matrix after a step, turned about the centre of the samples."""
    middle = matrix[:3, :3] @ centre + matrix[:3, 3] + way[:3]
    after = np.eye(4)
    if affine:
        after[:3, :3] = matrix[:3, :3] + way[3:].reshape(3, 3) / radius_mm
    else:
        after[:3, :3] = Rotation.from_rotvec(way[3:] / radius_mm).as_matrix() @ matrix[:3, :3]
    after[:3, 3] = middle - after[:3, :3] @ centre
    return after

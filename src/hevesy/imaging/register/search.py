"""One search: mutual information of two prepared volumes, climbed from several starts.

Mutual information after Mattes (2003) and the optimiser are SimpleITK's. Here stands what makes
the search dependable: several starts along the body, coarse to fine, the best kept at each level,
and a fixed seed so that the same volumes give the same answer.

Matrices here go the way of SimpleITK, from fixed to moving points, 4x4 in LPS mm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813
from scipy.ndimage import binary_dilation

from hevesy.imaging.register.prepare import Mask, Matrix, Prepared

Step = Callable[[str], None]

BINS: Final = 32
# With 0.6 the step shrinks away on the narrow ridge along the body, millimetres short of the top.
_RELAXATION: Final = 0.8
# Twelve parameters from a rigid answer: a full step shrinks the patient by a third, and once there
# mutual information holds it. Measured on bodies scaled by 3 to 4 %: 20 to 47 mm off with the full
# step, 1 mm with these.
_AFFINE_STEP: Final = 0.375
_AFFINE_RELAXATION: Final = 0.95
# The edge of the body is its best landmark: the metric sees this much of the air around it.
_RIM_MM: Final = 16.0


@dataclass(frozen=True, slots=True)
class Level:
    """spacing_mm: of the copies. share: of the voxels compared. step_mm, least_mm: optimiser."""

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
    """The two sides of a search at one spacing, as SimpleITK wants them."""

    def __init__(self, fixed: Prepared, moving: Prepared, *, where: Mask | None = None) -> None:
        """where: part of the fixed grid to be compared; else the body and its rim."""
        mask = fixed.body if where is None else where
        rim = max(1, round(_RIM_MM / fixed.spacing_mm))
        mask = binary_dilation(mask, iterations=rim) & fixed.seen
        # Only the box of the mask: SimpleITK draws its samples from the whole image.
        box = tuple(slice(int(a.min()), int(a.max()) + 1) for a in np.nonzero(mask))
        origin = fixed.origin_mm + np.array([s.start for s in box[::-1]]) * fixed.spacing_mm
        self.fixed = _image(fixed.values[box], origin, fixed.spacing_mm)
        self.fixed_mask = _image(mask[box].astype(np.uint8), origin, fixed.spacing_mm)
        self.moving = _image(moving.values, moving.origin_mm, moving.spacing_mm)
        self.moving_mask = (
            None
            if moving.seen.all()
            else _image(moving.seen.astype(np.uint8), moving.origin_mm, moving.spacing_mm)
        )
        self.centre = [float(x) for x in fixed.points(mask).mean(axis=0)]

    def climbed(self, start: Matrix, level: Level, *, seed: int, affine: bool = False) -> Found:
        """Climb from a start; raises `RuntimeError` where nothing can be compared."""
        method = self.method(share=level.share, seed=seed)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=level.step_mm * (_AFFINE_STEP if affine else 1.0),
            minStep=level.least_mm,
            numberOfIterations=level.iterations,
            relaxationFactor=_AFFINE_RELAXATION if affine else _RELAXATION,
        )
        method.SetOptimizerScalesFromPhysicalShift()
        transform = _as_affine(start, self.centre) if affine else _as_rigid(start, self.centre)
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(self.fixed, self.moving)
        return Found(as_matrix(transform), -float(method.GetMetricValue()))

    def mutual_information(self, fixed_to_moving: Matrix) -> float:
        """Mutual information (nat) at one place, from all voxels."""
        method = self.method(share=1.0, seed=1)
        method.SetInitialTransform(self.affine(fixed_to_moving))
        return -float(method.MetricEvaluate(self.fixed, self.moving))

    def affine(self, fixed_to_moving: Matrix) -> Any:
        """The matrix as SimpleITK's affine transform."""
        return _as_affine(fixed_to_moving, self.centre)

    def method(self, *, share: float, seed: int) -> Any:
        """SimpleITK's registration method, without transform and optimiser."""
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=BINS)
        if share < 1.0:
            method.SetMetricSamplingStrategy(method.RANDOM)
            method.SetMetricSamplingPercentage(share, seed)
        else:
            method.SetMetricSamplingStrategy(method.NONE)
        method.SetMetricFixedMask(self.fixed_mask)
        if self.moving_mask is not None:
            method.SetMetricMovingMask(self.moving_mask)
        method.SetInterpolator(sitk.sitkLinear)
        return method


def best_of(
    images: Images, starts: Sequence[Matrix], level: Level, *, seed: int, tell: Step
) -> list[Found]:
    """Climb from every start; the ends that could be compared, the best first."""
    ends = []
    for number, start in enumerate(starts, start=1):
        tell(f"{level.spacing_mm:g} mm, start {number} of {len(starts)}")
        try:
            ends.append(images.climbed(start, level, seed=seed + number))
        except RuntimeError:
            # SimpleITK's word for a start with too little in common.
            continue
    return sorted(ends, key=lambda end: -end.mutual_information)


def as_matrix(transform: Any) -> Matrix:
    """4x4 of a SimpleITK rigid or affine transform."""
    linear = np.array(transform.GetMatrix()).reshape(3, 3)
    centre = np.array(transform.GetCenter())
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = np.array(transform.GetTranslation()) + centre - linear @ centre
    return matrix


def _as_rigid(matrix: Matrix, centre: list[float]) -> Any:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(centre)
    # The product of many rotations is one only to rounding; SimpleITK compares to 1e-6.
    transform.SetMatrix(matrix[:3, :3].ravel().tolist(), 1e-4)
    return _translated(transform, matrix, centre)


def _as_affine(matrix: Matrix, centre: list[float]) -> Any:
    transform = sitk.AffineTransform(3)
    transform.SetCenter(centre)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    return _translated(transform, matrix, centre)


def _translated(transform: Any, matrix: Matrix, centre: list[float]) -> Any:
    middle = np.array(centre)
    shift = matrix[:3, 3] - middle + matrix[:3, :3] @ middle
    transform.SetTranslation(shift.tolist())
    return transform


def _image(array: npt.NDArray[Any], origin: Matrix, spacing_mm: float) -> Any:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([spacing_mm] * 3)
    image.SetOrigin([float(x) for x in origin])
    return image

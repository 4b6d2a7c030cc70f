"""A smooth deformation on top of a rigid answer: other breath, other arms. For display alone.

It bends what it shows: volumes and SUV are never measured through it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813

from hevesy.imaging.register.metric import BINS
from hevesy.imaging.register.prepare import Mask, Prepared
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import DEFORMABLE, Deformation, Gate, Registration
from hevesy.imaging.register.search import compared

_KNOTS_MM: Final = 60.0
_GRID_MM: Final = 12.0
_ITERATIONS: Final = 15
_SHARE: Final = 0.3
_LEAST_JACOBIAN: Final = 0.3


def deformed(rigid: Registration, pair: tuple[Prepared, Prepared], where: Mask) -> Registration:
    """Add a cubic B-spline of 60 mm knots to a rigid registration, at the spacing of `pair`."""
    mask = compared(pair[0], where)
    # Only the box of the mask: SimpleITK draws its samples from the whole image.
    box = tuple(slice(int(a.min()), int(a.max()) + 1) for a in np.nonzero(mask))
    origin = pair[0].origin_mm + np.array([s.start for s in box[::-1]]) * pair[0].spacing_mm
    fixed, moving = (
        _image(pair[0].values[box], origin, pair[0]),
        _image(pair[1].values, pair[1].origin_mm, pair[1]),
    )
    size = fixed.GetSize()
    knots = [max(1, round(n * pair[0].spacing_mm / _KNOTS_MM)) for n in size]
    bend = sitk.BSplineTransformInitializer(fixed, knots)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(numberOfHistogramBins=BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(_SHARE, 42)
    method.SetMetricFixedMask(_image(mask[box].astype(np.uint8), origin, pair[0]))
    if not pair[1].seen.all():
        method.SetMetricMovingMask(
            _image(pair[1].seen.astype(np.uint8), pair[1].origin_mm, pair[1])
        )
    method.SetInterpolator(sitk.sitkLinear)
    start = sitk.AffineTransform(
        rigid.fixed_to_moving[:3, :3].ravel().tolist(), rigid.fixed_to_moving[:3, 3].tolist()
    )
    method.SetMovingInitialTransform(start)
    method.SetInitialTransform(bend, inPlace=True)
    method.SetOptimizerAsLBFGSB(gradientConvergenceTolerance=1e-5, numberOfIterations=_ITERATIONS)
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:
        # SimpleITK's word for too little in common.
        raise refused("no_match") from error
    field = sitk.TransformToDisplacementField(
        bend,
        sitk.sitkVectorFloat64,
        [int(np.ceil(n * pair[0].spacing_mm / _GRID_MM)) + 1 for n in size],
        fixed.GetOrigin(),
        [_GRID_MM] * 3,
        np.eye(3).ravel().tolist(),
    )
    offset = sitk.GetArrayFromImage(field).astype(np.float32)
    x, y, z = fixed.GetOrigin()
    folds = _least_jacobian(offset)
    gate = Gate(
        "folding", folds >= _LEAST_JACOBIAN, folds, _LEAST_JACOBIAN, "1",
        f"The deformation shrinks a place to {folds:.2f} of its volume; at least"
        f" {_LEAST_JACOBIAN:g} is asked.",
        f"形变最小体积比为 {folds:.2f}，要求不小于 {_LEAST_JACOBIAN:g}。",
    )  # fmt: skip
    return replace(
        rigid,
        method=DEFORMABLE,
        gates=(*rigid.gates, gate),
        mutual_information_nat=-float(method.GetMetricValue()),
        deformation=Deformation(offset, (x, y, z), _GRID_MM),
    )


def _least_jacobian(offset: np.ndarray) -> float:
    """Smallest local volume ratio of x + offset(x), from central differences."""
    slopes = np.stack([np.gradient(offset, _GRID_MM, axis=axis) for axis in (2, 1, 0)], axis=-1)
    return float(np.linalg.det(np.eye(3) + slopes.astype(np.float64)).min())


def _image(array: npt.NDArray[Any], origin_mm: npt.NDArray[np.float64], like: Prepared) -> Any:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([like.spacing_mm] * 3)
    image.SetOrigin([float(x) for x in origin_mm])
    return image

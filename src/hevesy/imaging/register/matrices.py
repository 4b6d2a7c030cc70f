"""4x4 matrices in LPS mm: what they do to points, whether they are rigid, how two of them differ."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.linalg import polar
from scipy.spatial.transform import Rotation

Matrix = npt.NDArray[np.float64]

_RIGID_TOLERANCE: Final = 1e-4


def moved(matrix: Matrix, points_lps: npt.ArrayLike) -> Matrix:
    """Points (…, 3) in mm after the matrix."""
    points = np.asarray(points_lps, dtype=np.float64)
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def is_rigid(matrix: npt.ArrayLike) -> bool:
    """Whether a 4x4 is a rotation with a shift: no mirror, no scale, no shear (within 1e-4)."""
    values = np.asarray(matrix, dtype=np.float64)
    if values.shape != (4, 4) or not np.all(np.isfinite(values)):
        return False
    linear = values[:3, :3]
    return bool(
        np.allclose(values[3], (0, 0, 0, 1), atol=1e-9)
        and np.allclose(linear @ linear.T, np.eye(3), atol=_RIGID_TOLERANCE)
        and np.linalg.det(linear) > 0
    )


def inverse(matrix: Matrix) -> Matrix:
    """The way back."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def midway(one: Matrix, other: Matrix, *, about_lps: Matrix) -> Matrix:
    """The rigid matrix half way between two rigid ones, as seen from the point `about_lps`."""
    pair = Rotation.from_matrix(np.stack((one[:3, :3], other[:3, :3])))
    middle = np.eye(4)
    middle[:3, :3] = pair.mean().as_matrix()
    goal = (moved(one, about_lps) + moved(other, about_lps)) / 2.0
    middle[:3, 3] = goal - middle[:3, :3] @ about_lps
    return middle


def rotation_degrees(matrix: Matrix) -> float:
    """Angle of the rotation of a rigid matrix, 0 to 180."""
    return float(np.rad2deg(Rotation.from_matrix(matrix[:3, :3]).magnitude()))


def stretch(matrix: Matrix) -> tuple[float, float]:
    """Of an affine matrix A = R S (polar decomposition): the largest |scale - 1| along the axes of
    the patient, and the largest shear (off-diagonal term of S), both without unit.
    """
    _, pure = polar(matrix[:3, :3])
    scale = np.diag(pure)
    return float(np.abs(scale - 1.0).max()), float(np.abs(pure - np.diag(scale)).max())

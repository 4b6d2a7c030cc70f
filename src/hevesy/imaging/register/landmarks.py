"""Registration by pairs of points that a person placed."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.register.matrices import Matrix, moved
from hevesy.imaging.register.refusal import refused
from hevesy.imaging.register.result import LANDMARKS, Gate, Registration

LEAST_PAIRS: Final = 3
# A triangle that is flatter than this cannot hold a rotation against a hand's few mm.
_LEAST_SPREAD_MM: Final = 2.0
_LEAST_SPREAD: Final = 0.02
_MOST_FRE_MM: Final = 10.0
# A mirror must fit this much better than any rotation before it is called a mirror.
_MIRROR_RATIO: Final = 0.5
_MIRROR_MM: Final = 5.0
SOURCE: Final = "Kabsch 1976, Acta Cryst A32:922; Arun, Huang and Blostein 1987, PAMI 9:698"


def register_landmarks(fixed_lps: npt.ArrayLike, moving_lps: npt.ArrayLike) -> Registration:
    """The rigid motion that brings moving points nearest to fixed ones, in closed form.

    fixed_lps, moving_lps: (n, 3) in mm, n >= 3, row by row the same place of the patient. FRE is
    the root mean square of what remains at the landmarks; the error elsewhere (TRE) is not seen by
    it and may be larger. Raises `RegistrationRefused` for fewer than three pairs, points on a
    line, and pairs whose sides are exchanged. Kabsch (1976), Horn (1987).
    """
    fixed, moving = _points(fixed_lps), _points(moving_lps)
    if fixed.shape != moving.shape:
        raise refused("unpaired_landmarks", f"{fixed.shape} and {moving.shape}")
    if len(fixed) < LEAST_PAIRS:
        raise refused("too_few_landmarks", f"{len(fixed)} pairs")
    spreads = [_check_spread(points) for points in (fixed, moving)]
    from_mean, to_mean = moving.mean(axis=0), fixed.mean(axis=0)
    u, _, vt = np.linalg.svd((moving - from_mean).T @ (fixed - to_mean))
    sign = float(np.sign(np.linalg.det(u) * np.linalg.det(vt)))
    rotation = vt.T @ np.diag((1.0, 1.0, sign)) @ u.T
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = to_mean - rotation @ from_mean
    residuals = np.linalg.norm(moved(matrix, moving) - fixed, axis=1)
    fre_mm = float(np.sqrt(np.mean(residuals**2)))
    if sign < 0 and fre_mm > _MIRROR_MM and min(spreads) > _LEAST_SPREAD_MM:
        mirror = (moving - from_mean) @ (vt.T @ u.T).T + to_mean
        mirror_mm = float(np.sqrt(np.mean(np.sum((mirror - fixed) ** 2, axis=1))))
        if mirror_mm < _MIRROR_RATIO * fre_mm:
            raise refused("mirrored_landmarks", f"FRE {fre_mm:.1f} mm, mirrored {mirror_mm:.1f} mm")
    gate = Gate(
        "fre", fre_mm <= _MOST_FRE_MM, fre_mm, _MOST_FRE_MM, "mm",
        f"What remains at the landmarks is {fre_mm:.1f} mm (root mean square); at most"
        f" {_MOST_FRE_MM:g} mm is believed.",
        f"标志点残差（均方根）为 {fre_mm:.1f} mm，可信上限为 {_MOST_FRE_MM:g} mm。",
    )  # fmt: skip
    return Registration(
        matrix,
        LANDMARKS,
        gates=(gate,),
        fre_mm=fre_mm,
        residuals_mm=tuple(float(r) for r in residuals),
        source=SOURCE,
    )


def _points(values: npt.ArrayLike) -> Matrix:
    try:
        points = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise refused("unpaired_landmarks") from error
    if points.size == 0:
        points = points.reshape(0, 3)
    if points.ndim != 2 or points.shape[1] != 3 or not np.all(np.isfinite(points)):
        raise refused("unpaired_landmarks", f"shape {points.shape}")
    return points


def _check_spread(points: Matrix) -> float:
    """Root mean square distance from the best plane, mm; refuses points on a line."""
    first, second, third = np.linalg.svd(
        points - points.mean(axis=0), compute_uv=False, full_matrices=False
    ) / np.sqrt(len(points))
    if second < max(_LEAST_SPREAD_MM, _LEAST_SPREAD * first):
        raise refused("collinear_landmarks", f"spread {first:.2f} and {second:.2f} mm")
    return float(third)

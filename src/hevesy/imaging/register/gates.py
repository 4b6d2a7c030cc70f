"""The conditions under which an automatic registration calls itself accepted."""

from __future__ import annotations

from typing import Final

import numpy as np

from hevesy.imaging.register.matrices import Matrix, inverse, moved, stretch
from hevesy.imaging.register.prepare import Mask, Prepared
from hevesy.imaging.register.result import Gate
from hevesy.imaging.register.search import Images, NothingInCommon

LEAST_OVERLAP: Final = 0.40
MOST_INCONSISTENCY_MM: Final = 3.0
LEAST_PEAK: Final = 1.10
MOST_SCALE: Final = 0.05
MOST_SHEAR: Final = 0.05


def overlap(fixed: Prepared, moving: Prepared, fixed_to_moving: Matrix, where: Mask) -> float:
    """Share of the smaller body (or of the region `where`, if smaller) that lies in the other."""
    points = fixed.points(where)
    common = fixed.holds(points, where) & moving.holds(moved(fixed_to_moving, points), moving.body)
    smaller = min(len(points), int(moving.body.sum()))
    return float(common.sum()) / max(smaller, 1)


def inconsistency_mm(points_lps: Matrix, forward: Matrix, backward: Matrix) -> float:
    """Largest distance between a point and itself after there (forward) and back (backward)."""
    there_and_back = moved(backward, moved(forward, points_lps))
    return float(np.linalg.norm(there_and_back - points_lps, axis=1).max())


def rival(images: Images, fixed_to_moving: Matrix, *, beside_mm: float) -> float:
    """The largest mutual information of six places beside the answer, in nat; never 0."""
    beside = [1e-6]
    for axis in range(3):
        for sign in (-1.0, 1.0):
            shifted = fixed_to_moving.copy()
            shifted[axis, 3] += sign * beside_mm
            try:
                beside.append(images.mutual_information(shifted))
            except NothingInCommon:
                # Beside the answer nothing can be compared: no rival there.
                continue
    return max(beside)


def overlap_gate(value: float) -> Gate:
    """At least 40 % of the smaller body is seen by both."""
    return Gate(
        "overlap", value >= LEAST_OVERLAP, value, LEAST_OVERLAP, "1",
        f"{value:.0%} of the smaller body lies in the other; at least {LEAST_OVERLAP:.0%} is asked.",
        f"较小人体范围中有 {value:.0%} 与另一容积重叠，要求至少 {LEAST_OVERLAP:.0%}。",
    )  # fmt: skip


def peak_gate(value: float, beside_mm: float) -> Gate:
    """The answer stands out from its neighbourhood."""
    return Gate(
        "mutual_information_gain", value >= LEAST_PEAK, value, LEAST_PEAK, "1",
        f"Mutual information is {value:.2f} times that of any place {beside_mm:g} mm beside;"
        f" at least {LEAST_PEAK:.2f} is asked.",
        f"互信息为旁移 {beside_mm:g} mm 处最大值的 {value:.2f} 倍，要求至少 {LEAST_PEAK:.2f} 倍。",
    )  # fmt: skip


def consistency_gate(value_mm: float) -> Gate:
    """The search from the other side ends at the same place."""
    return Gate(
        "consistency", value_mm < MOST_INCONSISTENCY_MM, value_mm, MOST_INCONSISTENCY_MM, "mm",
        f"Registered there and back, the body comes back within {value_mm:.1f} mm; less than"
        f" {MOST_INCONSISTENCY_MM:g} mm is asked.",
        f"正反两次配准后人体各点最大偏差 {value_mm:.1f} mm，要求小于 {MOST_INCONSISTENCY_MM:g} mm。",
    )  # fmt: skip


def affine_gates(fixed_to_moving: Matrix) -> tuple[Gate, Gate]:
    """A CT shows sizes truly: what scales or shears by over 5 % did not find the patient."""
    scale, shear = stretch(inverse(fixed_to_moving))
    return (
        Gate(
            "affine_scale", scale <= MOST_SCALE, scale, MOST_SCALE, "1",
            f"The affine matrix scales by {scale:.1%}; at most {MOST_SCALE:.0%} is believed.",
            f"仿射矩阵缩放 {scale:.1%}，可信上限为 {MOST_SCALE:.0%}。",
        ),
        Gate(
            "affine_shear", shear <= MOST_SHEAR, shear, MOST_SHEAR, "1",
            f"The affine matrix shears by {shear:.3f}; at most {MOST_SHEAR:g} is believed.",
            f"仿射矩阵剪切 {shear:.3f}，可信上限为 {MOST_SHEAR:g}。",
        ),
    )  # fmt: skip

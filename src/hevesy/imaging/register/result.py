"""The answer of a registration: a matrix, how good it is by its own account, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.register.matrices import Matrix, is_rigid, rotation_degrees

VERSION: Final = "hevesy-register/2"
RIGID, AFFINE, DEFORMABLE, LANDMARKS = METHODS = ("rigid", "affine", "deformable", "landmarks")
HARDWARE: Final = "hardware aligned"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of trust. value and limit are in `unit` ("1" for fractions)."""

    key: str
    passed: bool
    value: float
    limit: float
    unit: str
    text_en: str
    text_zh: str

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "key": self.key,
            "passed": self.passed,
            "value": self.value,
            "limit": self.limit,
            "unit": self.unit,
            "text_en": self.text_en,
            "text_zh": self.text_zh,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Deformation:
    """For display alone: where each point of the fixed volume finds its value in the moving one.

    offset_mm: [k, j, i, 3] in LPS, to be added to a point of the fixed frame *before*
    `fixed_to_moving` of the registration; between grid points linear, outside zero. Grid points
    are at origin_mm + spacing_mm * (i, j, k).
    """

    offset_mm: npt.NDArray[np.float32]
    origin_mm: tuple[float, float, float]
    spacing_mm: float


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """Where the moving volume lies on the fixed one. Nothing is resampled: the answer is a matrix.

    moving_to_fixed: 4x4 in LPS mm; a point of the moving volume times it is the same point of the
    patient in the frame of the fixed volume. accepted: every gate passed; if not, show "check
    alignment". Either way a person looks before it is used. mutual_information_nat,
    consistency_mm, overlap, fre_mm: None where the method has none. deformation: set for
    "deformable" alone, and never for measurements.
    """

    moving_to_fixed: Matrix
    method: str
    gates: tuple[Gate, ...] = ()
    mutual_information_nat: float | None = None
    consistency_mm: float | None = None
    overlap: float | None = None
    fre_mm: float | None = None
    residuals_mm: tuple[float, ...] = ()
    deformation: Deformation | None = None
    fixed_frame_of_reference_uid: str = ""
    moving_frame_of_reference_uid: str = ""
    source: str = ""
    units: str = "mm"
    version: str = VERSION

    @property
    def accepted(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def label(self) -> str:
        """What to write beside the fused picture."""
        if self.method == HARDWARE:
            return HARDWARE
        if not self.accepted:
            return "check alignment"
        return (
            "deformable, for display" if self.method == DEFORMABLE else f"aligned ({self.method})"
        )

    @property
    def fixed_to_moving(self) -> Matrix:
        """The way back: what a renderer of the fixed grid needs."""
        return np.asarray(np.linalg.inv(self.moving_to_fixed), dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Plain values; keys carry units. The deformation is told by its size alone."""
        rigid = is_rigid(self.moving_to_fixed)
        return {
            "method": self.method,
            "label": self.label,
            "accepted": self.accepted,
            "reasons": [gate.as_json() for gate in self.gates if not gate.passed],
            "gates": [gate.as_json() for gate in self.gates],
            "moving_to_fixed_lps_mm": self.moving_to_fixed.tolist(),
            "rotation_degrees": rotation_degrees(self.moving_to_fixed) if rigid else None,
            "mutual_information_nat": self.mutual_information_nat,
            "consistency_mm": self.consistency_mm,
            "overlap": self.overlap,
            "fre_mm": self.fre_mm,
            "residuals_mm": list(self.residuals_mm),
            "largest_deformation_mm": None
            if self.deformation is None
            else float(np.linalg.norm(self.deformation.offset_mm, axis=-1).max()),
            "fixed_frame_of_reference_uid": self.fixed_frame_of_reference_uid,
            "moving_frame_of_reference_uid": self.moving_frame_of_reference_uid,
            "units": self.units,
            "source": self.source,
            "version": self.version,
        }

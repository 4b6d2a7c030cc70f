"""Names of directions in the patient, and the three standard planes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))


def direction_letters(direction_lps: npt.ArrayLike, *, most: int = 3) -> str:
    """Letters for a direction as DICOM Patient Orientation writes them: "L", "RA", "HPL".

    The largest component comes first; components below 5 % of the length are left out. H and F
    are head and feet, A and P anterior and posterior, L and R the *patient's* left and right.
    """
    vector = np.asarray(direction_lps, dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if length == 0:
        return ""
    order = np.argsort(-np.abs(vector), kind="stable")
    return "".join(
        _LETTERS[axis][0 if vector[axis] > 0 else 1]
        for axis in order
        if abs(vector[axis]) > 0.05 * length
    )[:most]


@dataclass(frozen=True, slots=True)
class Plane:
    """A viewing plane: u runs to the right of the picture, v down it; unit vectors in LPS."""

    name: str
    axis_u: tuple[float, float, float]
    axis_v: tuple[float, float, float]

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector away from the viewer."""
        return np.cross(self.axis_u, self.axis_v)


# Radiological convention: the patient's right on the left of the picture, axial seen from the feet.
AXIAL = Plane("axial", (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
CORONAL = Plane("coronal", (1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
SAGITTAL = Plane("sagittal", (0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
PLANES = {plane.name: plane for plane in (AXIAL, CORONAL, SAGITTAL)}


def acquisition_plane(ijk_to_lps: npt.ArrayLike) -> str:
    """Name of the standard plane nearest to the slices: "axial", "coronal" or "sagittal"."""
    affine = np.asarray(ijk_to_lps, dtype=np.float64)
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(normal)))]

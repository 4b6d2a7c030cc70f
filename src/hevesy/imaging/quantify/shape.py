"""Axes, surface and roundness of a volume of interest, from the outline of its voxels.

The outline is the set of points halfway between a voxel of the region and a neighbour outside it:
the corners of the surface that marching cubes draws at one half, which IBSI measures. A region
at the edge of the volume is closed there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist, squareform

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.voi import Voi

VERSION: Final = "hevesy-shape/1"
METHOD: Final = (
    "outline halfway between voxels inside and outside; long axis: largest distance in 3D;"
    " in-plane: largest distance within one slice and the extent across it in that slice;"
    " surface and mesh volume: marching cubes at one half"
)
SOURCE: Final = (
    "IBSI reference manual (Zwanenburg et al., Radiology 2020), 3.1 morphological features: mesh"
    " volume, surface, sphericity, maximum 3D diameter; longest diameter in a slice after RECIST 1.1"
    " (Eisenhauer et al., Eur J Cancer 2009)"
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes in mm; the mesh volume is an extra, the volume of record counts voxels.

    long_axis_mm: maximum 3D diameter. in_plane_long_mm, in_plane_short_mm: in the slice where the
    first is largest (slice index `in_plane_slice`), the second perpendicular to it.
    extent_mm: along the patient's left-right, front-back, head-foot axes (length, width, height).
    """

    long_axis_mm: float
    in_plane_long_mm: float
    in_plane_short_mm: float
    in_plane_slice: int
    extent_mm: tuple[float, float, float]
    surface_mm2: float
    mesh_ml: float
    sphericity: float
    method: str = METHOD
    version: str = VERSION
    source: str = SOURCE

    def as_json(self) -> dict[str, Any]:
        """Plain mapping."""
        return {
            "long_axis_mm": self.long_axis_mm,
            "in_plane_long_mm": self.in_plane_long_mm,
            "in_plane_short_mm": self.in_plane_short_mm,
            "in_plane_slice": self.in_plane_slice,
            "extent_left_right_mm": self.extent_mm[0],
            "extent_front_back_mm": self.extent_mm[1],
            "extent_head_foot_mm": self.extent_mm[2],
            "surface_mm2": self.surface_mm2,
            "mesh_ml": self.mesh_ml,
            "sphericity": self.sphericity,
            "method": self.method,
            "version": self.version,
            "source": self.source,
        }


def shape(volume: Volume, voi: Voi) -> Shape:
    """Measure the form of a region. Raises `Refused` if it is empty or on another grid."""
    voi.check(volume)
    affine = volume.ijk_to_lps[:3, :3]
    outline = _outline(voi.mask)
    places = outline @ affine.T
    extent = np.ptp(places, axis=0)
    plane, long, short = _in_plane(outline, affine)
    surface, mesh = _mesh(voi.mask, affine)
    return Shape(
        long_axis_mm=_largest_distance(places)[0],
        in_plane_long_mm=long,
        in_plane_short_mm=short,
        in_plane_slice=voi.box[0].start + plane,
        extent_mm=(float(extent[0]), float(extent[1]), float(extent[2])),
        surface_mm2=surface,
        mesh_ml=mesh / 1000.0,
        sphericity=float((36.0 * np.pi * mesh**2) ** (1.0 / 3.0) / surface),
    )


def _outline(mask: npt.NDArray[np.bool_]) -> Floats:
    """Points (n, 3) as (i, j, k) in voxels from the first corner of the box."""
    padded = np.pad(mask, 1)
    points = []
    for axis in range(3):
        at = np.argwhere(np.diff(padded, axis=axis)) - 1.0
        at[:, axis] += 0.5
        points.append(at)
    # The mask's own voxels start at 1 in the padded array, hence the -1 above.
    return np.concatenate(points)[:, ::-1]


def _in_plane(outline: Floats, affine: Floats) -> tuple[int, float, float]:
    """Slice (from the box's first), largest distance in it, and the extent across that."""
    best = (0, 0.0, 0.0)
    normal = np.cross(affine[:, 0], affine[:, 1])
    for plane in np.unique(outline[:, 2]):
        if plane != np.rint(plane):
            continue
        places = outline[outline[:, 2] == plane] @ affine.T
        if not len(places):
            continue
        long, one, other = _largest_distance(places, flat=affine[:, :2])
        if long > best[1] + 1e-9:
            across = np.cross(normal, other - one)
            across /= np.linalg.norm(across)
            best = (int(plane), long, float(np.ptp(places @ across)))
    return best


def _largest_distance(
    places: Floats, *, flat: Floats | None = None
) -> tuple[float, Floats, Floats]:
    """The two points farthest apart; `flat`: two directions (3, 2) if all lie in one plane."""
    spread = places if flat is None else places @ flat
    # Only corners of the hull can be farthest apart; points on a line have none, and are few.
    with suppress(QhullError):
        places = places[ConvexHull(spread).vertices]
    apart = squareform(pdist(places))
    one, other = np.unravel_index(int(np.argmax(apart)), apart.shape)
    return float(apart[one, other]), places[one], places[other]


def _mesh(mask: npt.NDArray[np.bool_], affine: Floats) -> tuple[float, float]:
    """Surface in mm2 and enclosed volume in mm3 of the marching-cubes mesh."""
    from skimage.measure import marching_cubes

    corners, faces, _, _ = marching_cubes(np.pad(mask, 1).astype(np.float32), 0.5)
    places = corners[:, ::-1].astype(np.float64) @ affine.T
    a, b, c = (places[faces[:, n]] for n in range(3))
    normals = np.cross(b - a, c - a)
    surface = float(np.linalg.norm(normals, axis=1).sum() / 2.0)
    middle = places.mean(axis=0)
    enclosed = abs(float(np.sum((a - middle) * normals) / 6.0))
    return surface, enclosed

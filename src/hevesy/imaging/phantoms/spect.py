"""Projections of ellipsoids as a parallel-hole camera sees them: truth for tests of reconstruction.

Nothing is shared with the model that reconstructs: bodies are analytic instead of voxels, rays are
traced through them instead of rotating an image, attenuation and emission are integrated exactly
between the surfaces a ray crosses, and the collimator is a bundle of tilted rays, each attenuated
along its own path, instead of a blur.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.compiled import in_parts, kernel

Floats = npt.NDArray[np.float64]
Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """A body with axes along the patient's, mm from the axis of rotation and the middle slice.

    Where bodies overlap, activities and attenuations add: a lesion of contrast 8 in a background
    of 1 has activity 7. activity: counts per mm3 and view. mu_per_mm: linear attenuation.
    """

    centre_mm: Vector
    semi_axes_mm: Vector
    activity: float = 0.0
    mu_per_mm: float = 0.0

    @property
    def volume_mm3(self) -> float:
        """4/3 pi a b c."""
        a, b, c = self.semi_axes_mm
        return 4.0 / 3.0 * math.pi * a * b * c


def sphere(centre_mm: Vector, diameter_mm: float, *, activity: float) -> Ellipsoid:
    """A sphere that emits and does not attenuate more than what it lies in."""
    radius = diameter_mm / 2.0
    return Ellipsoid(centre_mm, (radius, radius, radius), activity=activity)


@dataclass(frozen=True, slots=True)
class Camera:
    """A detector grid and its collimator.

    columns, rows: of the image; column_mm, row_mm: their spacing. hole_mm, length_mm,
    intrinsic_mm: of the collimator and crystal, 0 hole for perfect resolution. rays: per axis of
    the bundle through a hole; points: per axis within a pixel.
    """

    columns: int
    rows: int
    column_mm: float
    row_mm: float
    hole_mm: float = 0.0
    length_mm: float = 25.0
    intrinsic_mm: float = 0.0
    rays: int = 3
    points: int = 2


def project(
    bodies: Sequence[Ellipsoid],
    camera: Camera,
    *,
    angles_deg: Sequence[float] | Floats,
    radii_mm: Sequence[float] | Floats | float,
    axis_offset_mm: float = 0.0,
) -> npt.NDArray[np.float64]:
    """Expected counts [view, row, column]; row 0 at the head, columns as the detector sees them.

    angles_deg: 0 with the detector at the patient's back, 90 at the patient's left. radii_mm: axis
    to collimator face. axis_offset_mm: where the axis falls, from the middle of the image along
    increasing columns (a camera out of alignment).
    """
    angles = np.asarray(angles_deg, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radii_mm, dtype=np.float64), angles.shape)
    table = np.array(
        [[*b.centre_mm, *b.semi_axes_mm, b.activity, b.mu_per_mm] for b in bodies], dtype=np.float64
    )
    tilts, shares = _bundle(camera)
    points = camera.points
    counts = np.empty((len(angles), camera.rows, camera.columns))

    def work(start: int, stop: int) -> None:
        for view in range(start, stop):
            fine = np.zeros((camera.rows * points, camera.columns * points))
            at, look, right = _stand(float(angles[view]), float(radii[view]))
            origin = at - right * axis_offset_mm
            steps = np.array([camera.column_mm / points, camera.row_mm / points])
            _trace(table, origin, look, right, steps, tilts, shares, camera.length_mm, fine)
            if camera.intrinsic_mm > 0:
                sigma = camera.intrinsic_mm / 2.3548200450309493
                fine = gaussian_filter(fine, (sigma / steps[1], sigma / steps[0]), mode="constant")
            blocks = fine.reshape(camera.rows, points, camera.columns, points)
            counts[view] = blocks.sum(axis=(1, 3))

    in_parts(work, len(angles))
    return counts


def _stand(angle_deg: float, radius_mm: float) -> tuple[Floats, Floats, Floats]:
    """Where the middle of the detector stands, where it looks, and its right hand then."""
    back, left = np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])
    a = math.radians(angle_deg)
    out = math.cos(a) * back + math.sin(a) * left
    head = np.array([0.0, 0.0, 1.0])
    return out * radius_mm, -out, np.cross(-out, head)


def _bundle(camera: Camera) -> tuple[Floats, Floats]:
    """Lateral offsets at the collimator's face of the rays through one hole, and their shares.

    Gauss-Hermite nodes of a Gaussian whose FWHM at the face is that of the hole.
    """
    if camera.hole_mm <= 0:
        return np.zeros((1, 2)), np.ones(1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(camera.rays)
    offsets = nodes * camera.hole_mm / 2.3548200450309493
    share = weights / weights.sum()
    u, z = np.meshgrid(offsets, offsets, indexing="ij")
    return np.stack([u.ravel(), z.ravel()], axis=1), np.outer(share, share).ravel()


@kernel
def _trace(
    bodies: Floats,
    origin: Floats,
    look: Floats,
    right: Floats,
    steps: Floats,
    tilts: Floats,
    shares: Floats,
    length_mm: float,
    fine: Floats,
) -> None:
    """Add to every point of the detector what its bundle of rays collects."""
    rows, columns = fine.shape
    count = bodies.shape[0]
    enter, leave = np.empty(count), np.empty(count)
    cuts = np.empty(2 * count)
    area = steps[0] * steps[1]
    for row in range(rows):
        z = ((rows - 1) / 2.0 - row) * steps[1]
        for column in range(columns):
            across = (column - (columns - 1) / 2.0) * steps[0]
            total = 0.0
            for ray in range(len(shares)):
                # A ray pivots at the back of its hole: its offset grows as (length + depth).
                grow_u, grow_z = tilts[ray, 0] / length_mm, tilts[ray, 1] / length_mm
                px = origin[0] + right[0] * (across + tilts[ray, 0])
                py = origin[1] + right[1] * (across + tilts[ray, 0])
                pz = z + tilts[ray, 1]
                dx = look[0] + right[0] * grow_u
                dy = look[1] + right[1] * grow_u
                dz = grow_z
                stretch = math.sqrt(dx * dx + dy * dy + dz * dz)
                found = 0
                for body in range(count):
                    ax = (px - bodies[body, 0]) / bodies[body, 3]
                    ay = (py - bodies[body, 1]) / bodies[body, 4]
                    az = (pz - bodies[body, 2]) / bodies[body, 5]
                    bx, by, bz = dx / bodies[body, 3], dy / bodies[body, 4], dz / bodies[body, 5]
                    p = bx * bx + by * by + bz * bz
                    q = ax * bx + ay * by + az * bz
                    root = q * q - p * (ax * ax + ay * ay + az * az - 1.0)
                    if root <= 0.0:
                        enter[body] = leave[body] = -1.0
                        continue
                    root = math.sqrt(root)
                    enter[body] = max((-q - root) / p, 0.0)
                    leave[body] = max((-q + root) / p, 0.0)
                    cuts[found] = enter[body]
                    cuts[found + 1] = leave[body]
                    found += 2
                # By insertion: a handful of cuts, and numba's own sort takes seconds to compile.
                for place in range(1, found):
                    moved, left = cuts[place], place - 1
                    while left >= 0 and cuts[left] > moved:
                        cuts[left + 1] = cuts[left]
                        left -= 1
                    cuts[left + 1] = moved
                passed = 1.0
                for cut in range(found - 1):
                    near, far = cuts[cut], cuts[cut + 1]
                    if far <= near:
                        continue
                    middle = 0.5 * (near + far)
                    activity = mu = 0.0
                    for body in range(count):
                        if enter[body] < middle < leave[body]:
                            activity += bodies[body, 6]
                            mu += bodies[body, 7]
                    # The share of a ray is per depth, not per length of its slanted path.
                    depth, thick = far - near, mu * (far - near) * stretch
                    if thick > 1e-9:
                        total += (
                            shares[ray] * passed * activity * depth * -math.expm1(-thick) / thick
                        )
                        passed *= math.exp(-thick)
                    else:
                        total += shares[ray] * passed * activity * depth
            fine[row, column] += total * area


def sampled(
    bodies: Sequence[Ellipsoid],
    *,
    shape_kji: tuple[int, int, int],
    spacing_mm: Vector,
    what: str = "activity",
    points: int = 3,
) -> npt.NDArray[np.float32]:
    """Truth on a grid [k, j, i] about the origin: activity per mm3, or "mu_per_mm".

    Each voxel is the mean of `points` cubed places in it; i to the left, j to the back, k up.
    """
    offsets = (np.arange(points) + 0.5) / points - 0.5
    axes = [
        ((np.arange(n) - (n - 1) / 2.0)[:, None] + offsets) * step
        for n, step in zip(shape_kji, reversed(spacing_mm), strict=True)
    ]
    z, y, x = (axis.ravel() for axis in axes)
    values = np.zeros((z.size, y.size, x.size), dtype=np.float32)
    for body in bodies:
        (cx, cy, cz), (a, b, c) = body.centre_mm, body.semi_axes_mm
        inside = (
            ((z - cz) / c)[:, None, None] ** 2
            + ((y - cy) / b)[None, :, None] ** 2
            + ((x - cx) / a)[None, None, :] ** 2
        ) <= 1.0
        values += np.float32(getattr(body, what)) * inside
    k, j, i = shape_kji
    blocks = values.reshape(k, points, j, points, i, points)
    return np.asarray(blocks.mean(axis=(1, 3, 5)), dtype=np.float32)


def torso(*, activity: float = 1.0, lesion: float = 7.0) -> list[Ellipsoid]:
    """A chest of water, warm, with a hot lesion to the left, in front and towards the head.

    Lungs, spine and arms are left out: every asymmetry is the lesion's. Water at 140.5 keV.
    """
    return [
        Ellipsoid((0.0, 0.0, 0.0), (150.0, 105.0, 160.0), activity, 0.0154),
        sphere((60.0, -40.0, 45.0), 50.0, activity=lesion * activity),
    ]

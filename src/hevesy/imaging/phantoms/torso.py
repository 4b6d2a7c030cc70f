"""A generated torso, seen by a PET scanner and, in another pose, by a CT and an MR of other machines.

The anatomy is analytic: ten labels (body, lungs, liver, heart, spleen, kidneys, spine, ribs, fat,
lesions) whose sizes and places vary with the seed. Another machine sees the same body moved by a
known rigid motion, so that the true answer of a registration is known exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from hevesy.imaging.compiled import in_parts
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.organs import smooth_noise
from hevesy.imaging.phantoms.shapes import Axis, Field, Point

Matrix = npt.NDArray[np.float64]
_SIGMA_PER_FWHM: Final = 1 / 2.354820045
_PET_FWHM_MM: Final = 6.0

# Label, CT number in HU, uptake as SUV, brightness of a T1-weighted MR in its own units.
_TISSUES: Final = {
    "air": (-1000.0, 0.0, 0.0),
    "fat": (-100.0, 0.25, 900.0),
    "body": (45.0, 0.7, 420.0),
    "lungs": (-820.0, 0.45, 40.0),
    "liver": (60.0, 2.3, 560.0),
    "heart": (42.0, 3.2, 240.0),
    "spleen": (50.0, 1.9, 340.0),
    "kidneys": (35.0, 4.5, 380.0),
    "spine": (230.0, 1.5, 520.0),
    "discs": (80.0, 0.8, 300.0),
    "ribs": (420.0, 0.9, 160.0),
    "lesions": (45.0, 8.0, 320.0),
}
_LABEL: Final = {name: n for n, name in enumerate(_TISSUES)}
_LOOKS: Final = np.array(list(_TISSUES.values()), dtype=np.float32)

# Centre and radii in mm: x to the left, y to the back, z to the head, 0 at the diaphragm.
_ORGANS: Final = {
    "right lung": ("lungs", (-76.0, 5.0, 85.0), (56.0, 72.0, 112.0)),
    "left lung": ("lungs", (78.0, 8.0, 87.0), (50.0, 70.0, 108.0)),
    "heart": ("heart", (28.0, -36.0, 42.0), (47.0, 41.0, 48.0)),
    "liver": ("liver", (-62.0, -6.0, -55.0), (84.0, 74.0, 60.0)),
    "spleen": ("spleen", (98.0, 42.0, -42.0), (28.0, 34.0, 46.0)),
    "right kidney": ("kidneys", (-58.0, 52.0, -122.0), (28.0, 25.0, 50.0)),
    "left kidney": ("kidneys", (62.0, 52.0, -110.0), (28.0, 25.0, 51.0)),
    "lesion of the lung": ("lesions", (-72.0, -22.0, 112.0), (10.0, 10.0, 10.0)),
    "lesion of the liver": ("lesions", (-92.0, 0.0, -60.0), (12.0, 12.0, 12.0)),
    "lesion of the abdomen": ("lesions", (32.0, -18.0, -150.0), (9.0, 9.0, 9.0)),
}


@dataclass(frozen=True, slots=True)
class Torso:
    """One patient: organs (label, centre, radii) and 12 anatomical points, in the PET's frame."""

    seed: int
    organs: tuple[tuple[str, Point, Point], ...]
    targets_lps: Matrix

    def pet(self, *, coarser: float = 1.0) -> Volume:
        """PET in SUVbw, 4.07 x 4.07 x 4 mm, 6 mm FWHM, noise that grows with the uptake."""
        rng = np.random.default_rng((self.seed, 1))
        spacing = np.array((4.07, 4.07, 4.0)) * coarser
        # Eight samples a voxel: a scanner averages over the voxel.
        fine = self._painted(spacing / 2.0, (520.0, 400.0, 480.0), np.eye(4), even=True)
        suv = _LOOKS[fine.array, 1]
        k, j, i = (n // 2 for n in suv.shape)
        suv = suv.reshape(k, 2, j, 2, i, 2).mean(axis=(1, 3, 5), dtype=np.float32)
        suv = gaussian_filter(suv, (_PET_FWHM_MM * _SIGMA_PER_FWHM / spacing)[::-1])
        noise = smooth_noise(rng, suv.shape, 0.75)
        suv = np.maximum(suv + noise * (0.012 + 0.12 * np.sqrt(suv)), 0)
        affine = fine.ijk_to_lps.copy()
        affine[:3, 3] = fine.world((0.5, 0.5, 0.5))
        affine[:3, :3] *= 2.0
        return Volume(suv, affine, "SUVbw", "PT", description=f"torso {self.seed}, PET")

    def ct(self, pose: Matrix | None = None, *, coarser: float = 1.0, own: bool = False) -> Volume:
        """CT in HU, 1.3 x 1.3 x 2.5 mm (own: 1.37 x 1.37 x 3 mm), of the body moved by `pose`."""
        rng = np.random.default_rng((self.seed, 2 + own))
        spacing = np.array((1.37, 1.37, 3.0) if own else (1.3, 1.3, 2.5)) * coarser
        seen = self._painted(spacing, (500.0, 400.0, 430.0), _pose(pose))
        hu = gaussian_filter(_LOOKS[seen.array, 0], (0.4, 0.6, 0.6))
        hu += smooth_noise(rng, hu.shape, (0.4, 0.7, 0.7)) * np.float32(14.0)
        stored = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
        return Volume(stored, seen.ijk_to_lps, "HU", "CT", description=f"torso {self.seed}, CT")

    def mr(self, pose: Matrix | None = None, *, coarser: float = 1.0) -> Volume:
        """T1-weighted MR, 1.7 x 1.7 x 3.5 mm, uneven by about 30 % across the coil, of the body
        moved by `pose`.
        """
        rng = np.random.default_rng((self.seed, 4))
        spacing = np.array((1.7, 1.7, 3.5)) * coarser
        seen = self._painted(spacing, (450.0, 360.0, 400.0), _pose(pose))
        signal = gaussian_filter(_LOOKS[seen.array, 2], (0.4, 0.6, 0.6))
        signal *= _bias(rng, signal.shape)
        # The magnitude of a complex signal: Rician noise.
        real, imaginary = (
            rng.standard_normal(signal.shape, dtype=np.float32) * 18.0 for _ in range(2)
        )
        stored = np.rint(np.hypot(signal + real, imaginary)).astype(np.int16)
        return Volume(stored, seen.ijk_to_lps, "US", "MR", description=f"torso {self.seed}, MR")

    def _painted(
        self,
        spacing: Matrix,
        extent: tuple[float, float, float],
        pose: Matrix,
        *,
        even: bool = False,
    ) -> Volume:
        """Labels on an axial grid around the origin: each voxel the tissue at its centre."""
        i, j, k = (max(2, round(e / s)) // 2 * 2 if even else round(e / s)
                   for e, s in zip(extent, spacing, strict=True))  # fmt: skip
        affine = np.diag((*spacing, 1.0))
        affine[:3, 3] = -(np.array((i, j, k)) - 1) / 2.0 * spacing
        to_body = np.linalg.inv(pose) @ affine
        labels = np.empty((k, j, i), dtype=np.uint8)
        columns, rows = np.arange(i, dtype=np.float32), np.arange(j, dtype=np.float32)[:, None]

        def paint(start: int, stop: int) -> None:
            for plane in range(start, stop):
                x, y, z = (
                    (row[0] * columns + (row[1] * rows + (row[2] * plane + row[3]))).astype(
                        np.float32
                    )
                    for row in to_body[:3]
                )
                labels[plane] = self._labels(x, y, z)

        in_parts(paint, k)
        return Volume(labels, affine, "labels", "OT")

    def _labels(self, x: Field, y: Field, z: Field) -> npt.NDArray[np.uint8]:
        labels = np.zeros(x.shape, dtype=np.uint8)

        def inside(centre: Point, radii: Point) -> npt.NDArray[np.bool_]:
            return _ring(x, y, z, centre, radii) < 1

        def paint(where: npt.NDArray[np.bool_], name: str) -> None:
            labels[where] = _LABEL[name]

        trunk = inside((0.0, 0.0, -60.0), (168.0, 112.0, 620.0))
        paint(trunk, "fat")
        paint(inside((0.0, 2.0, -60.0), (151.0, 97.0, 600.0)), "body")
        shell = _ring(x, y, z, (0.0, 2.0, 60.0), (141.0, 90.0, 205.0))
        slanted = np.mod(z + 0.35 * y, 27.0)
        ribs = (np.abs(shell - 0.96) < 0.04) & (slanted < 10.0) & (np.abs(z - 80.0) < 125.0)
        paint(ribs, "ribs")
        for label, centre, radii in self.organs:
            part = inside(centre, radii)
            if label in ("lungs", "liver"):
                part &= shell < 0.92
            paint(part, label)
        column = np.hypot(x, (y - 68.0) * 1.05) < 19.0
        paint(column & trunk, "spine")
        paint(column & trunk & (np.mod(z, 31.0) < 7.0), "discs")
        return labels


def make_torso(seed: int = 1) -> Torso:
    """The anatomy of a patient; the same for a seed."""
    rng = np.random.default_rng((seed, 0))
    organs, centres = [], []
    for label, centre, radii in _ORGANS.values():
        moved = np.array(centre) + rng.uniform(-6.0, 6.0, 3)
        organs.append((label, _point(moved), _point(np.array(radii) * rng.uniform(0.92, 1.08, 3))))
        centres.append(moved)
    centres += [np.array((0.0, 68.0, z)) for z in (155.0, -155.0)]
    return Torso(seed, tuple(organs), np.array(centres))


def random_pose(seed: int, *, degrees: float = 8.0, shift_mm: Point = (22.0, 14.0, 30.0)) -> Matrix:
    """A rigid motion, 4x4 in LPS mm, from the PET's frame to that of another machine.

    Rotations about x, y and z up to `degrees` each, shifts up to `shift_mm` each, never small: the
    first of each is at least half its limit.
    """
    rng = np.random.default_rng((seed, 5))
    size = rng.uniform((0.5, 0.0, 0.0), 1.0) * rng.choice((-1.0, 1.0), 3)
    shift = rng.uniform((0.0, 0.0, 0.5), 1.0) * rng.choice((-1.0, 1.0), 3)
    pose = np.eye(4)
    pose[:3, :3] = _rotation(np.deg2rad(degrees) * size)
    pose[:3, 3] = np.array(shift_mm) * shift
    return pose


def _rotation(angles: Matrix) -> Matrix:
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    about_x = np.array(((1, 0, 0), (0, ca, -sa), (0, sa, ca)))
    about_y = np.array(((cb, 0, sb), (0, 1, 0), (-sb, 0, cb)))
    about_z = np.array(((cc, -sc, 0), (sc, cc, 0), (0, 0, 1)))
    return np.asarray(about_z @ about_x @ about_y)


def _bias(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """Sensitivity of a coil: a smooth factor between about 0.6 and 1.5 (cubic polynomial)."""
    axes = [np.linspace(-1, 1, n, dtype=np.float32) for n in shape]
    k, j, i = np.meshgrid(*axes, indexing="ij", sparse=True)
    terms: tuple[Callable[[], Axis], ...] = (
        lambda: k, lambda: j, lambda: i, lambda: k * j, lambda: j * i, lambda: k * k, lambda: j * j,
    )  # fmt: skip
    exponent = np.zeros(shape, dtype=np.float32)
    for weight, term in zip(rng.uniform(-0.22, 0.22, len(terms)), terms, strict=True):
        exponent += np.float32(weight) * term()
    return np.asarray(np.exp(exponent), dtype=np.float32)


def _ring(x: Field, y: Field, z: Field, centre: Point, radii: Point) -> Field:
    (cx, cy, cz), (a, b, c) = np.array((centre, radii), dtype=np.float32)
    return np.asarray(np.sqrt(((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 + ((z - cz) / c) ** 2))


def _pose(pose: Matrix | None) -> Matrix:
    return np.eye(4) if pose is None else np.asarray(pose, dtype=np.float64)


def _point(values: Matrix) -> Point:
    x, y, z = values
    return (float(x), float(y), float(z))

"""Rendering beside SimpleITK and scipy, in one process, on the same volumes.

Goals (see docs/imaging/rendering.md): MIP cine at least 25 times SimpleITK; CT onto the grid of the
PET at least 8 times SimpleITK where the grids are parallel, 1.6 times where one is turned. The
peers' cine is one angle times the number of angles. Medians of a few runs; say when the machine was busy.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage

from hevesy.imaging.compiled import threads
from hevesy.imaging.geometry import Plane, Volume
from hevesy.imaging.geometry.reslice import resliced
from hevesy.imaging.render.colour import GREY, HOT_IRON, blended, coloured
from hevesy.imaging.render.fusion import fused
from hevesy.imaging.render.mip import rotating_mip
from hevesy.imaging.render.raycast import Glow, Tissue, cast, turned_view
from hevesy.imaging.render.slices import View, slice_values

ANGLES = 36


def timed(work: Callable[[], object], runs: int) -> float:
    """Median time in s of some runs, after one that compiles and fills caches."""
    work()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)


def a_patient() -> tuple[Volume, Volume]:
    """PET 400 x 400 x 300 at 1.25 x 1.25 x 2 mm with noisy air and hot spots; CT 512 x 512 x 300."""
    rng = np.random.default_rng(0)
    y, x = np.indices((400, 400), dtype=np.float32)
    body = ((x - 200) / 110) ** 2 + ((y - 200) / 75) ** 2 < 1
    suv = rng.random((300, 400, 400), dtype=np.float32)
    suv *= np.where(body, np.float32(1.2), np.float32(0.05))
    for _ in range(60):
        k, j, i = rng.integers((20, 150, 120), (280, 250, 280))
        size = int(rng.integers(2, 8))
        suv[k - size : k + size, j - size : j + size, i - size : i + size] += 5
    suv[20:60, 170:230, 170:230] += 8
    pet = placed(suv, (1.25, 1.25, 2.0), (-249.4, -249.4, 0.3), "SUVbw", "PT")
    y, x = np.indices((512, 512), dtype=np.float32)
    soft = ((x - 256) / 140) ** 2 + ((y - 256) / 96) ** 2 < 1
    hu = np.full((300, 512, 512), -1000, np.int16)
    hu[:, soft] = 40
    hu[:, 330:360, 240:272] = 700
    hu += rng.integers(-20, 20, hu.shape, dtype=np.int16)
    return pet, placed(hu, (0.977, 0.977, 2.0), (-249.6, -249.6, 0.0), "HU", "CT")


def placed(
    array: np.ndarray,
    spacing: tuple[float, float, float],
    origin: tuple[float, float, float],
    units: str,
    modality: str,
) -> Volume:
    """A volume along the patient's axes."""
    affine = np.diag((*spacing, 1.0))
    affine[:3, 3] = origin
    return Volume(array, affine, units, modality)


def as_image(volume: Volume) -> sitk.Image:
    """The same for SimpleITK."""
    image = sitk.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    image.SetDirection((volume.ijk_to_lps[:3, :3] / volume.spacing_mm).ravel().tolist())
    return image


def turn(degrees: float, axis: int) -> np.ndarray:
    """4x4 rotation about an axis of the patient."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    others = [n for n in range(3) if n != axis]
    matrix = np.eye(4)
    matrix[np.ix_(others, others)] = ((c, -s), (s, c))
    return matrix


def main() -> None:
    """Measure and print."""
    rows: list[tuple[str, float, str, float]] = []
    pet, ct = a_patient()
    cubic = placed(pet.array, (2.0, 2.0, 2.0), (-399.0, -399.0, 0.0), "SUVbw", "PT")
    image, ct_image, pet_image = as_image(cubic), as_image(ct), as_image(pet)

    ours = timed(lambda: rotating_mip(cubic, frames=ANGLES, finest_mm=2.0, widest=400), 3)

    def itk_angle() -> None:
        about = sitk.Euler3DTransform(cubic.centre_lps.tolist(), 0.0, 0.0, np.radians(35))
        sitk.MaximumProjection(sitk.Resample(image, about, sitk.sitkLinear, 0.0), 1)

    def scipy_angle() -> None:
        ndimage.rotate(cubic.array, 35, axes=(1, 2), reshape=False, order=1).max(axis=1)

    rows.append(
        (f"MIP cine, {ANGLES} angles", ours, "SimpleITK, one angle x 36", 36 * timed(itk_angle, 3))
    )
    rows.append(("", ours, "scipy, one angle x 36", 36 * timed(scipy_angle, 1)))

    for name, matrix in (("parallel", np.eye(4)), ("turned", turn(7, 2) @ turn(3, 0))):
        between = sitk.AffineTransform(3)
        between.SetMatrix(matrix[:3, :3].ravel().tolist())

        def ours_once(matrix: np.ndarray = matrix) -> object:
            return resliced(ct, pet, fixed_to_moving=matrix)

        def itk_once(between: sitk.AffineTransform = between) -> object:
            return sitk.Resample(
                ct_image, pet_image, between, sitk.sitkLinear, -1000.0, sitk.sitkFloat32
            )

        rows.append((f"CT onto PET, {name}", timed(ours_once, 5), "SimpleITK", timed(itk_once, 5)))

    tilted = turn(20, 2) @ turn(15, 0)
    axis_u, axis_v = tilted[:3, 0], tilted[:3, 1]
    centre = ct.centre_lps
    plane = Plane("oblique", tuple(axis_u), tuple(axis_v))
    view = View(plane, tuple(centre), (512, 512), 0.977)
    reference = sitk.Image(512, 512, 1, sitk.sitkFloat32)
    reference.SetSpacing((0.977, 0.977, 1.0))
    reference.SetDirection(tilted[:3, :3].ravel().tolist())
    reference.SetOrigin((centre - 255.5 * 0.977 * (axis_u + axis_v)).tolist())
    ours = timed(lambda: slice_values(ct, view), 15)
    itk = timed(
        lambda: sitk.Resample(
            ct_image, reference, sitk.Transform(), sitk.sitkLinear, -1000.0, sitk.sitkFloat32
        ),
        15,
    )
    rows.append(("oblique plane 512 x 512", ours, "SimpleITK", itk))
    down, across = np.indices((512, 512)) - 255.5
    points = centre + (across * 0.977)[..., None] * axis_u + (down * 0.977)[..., None] * axis_v
    index = np.moveaxis(ct.index(points), -1, 0)[::-1]
    peer = timed(
        lambda: ndimage.map_coordinates(ct.array, index, np.float32, order=1, cval=-1000), 5
    )
    rows.append(("", ours, "scipy, coordinates ready", peer))

    hu, suv = slice_values(ct, view), slice_values(pet, view)
    one_pass = timed(
        lambda: fused(
            hu, suv, below_window=(-160, 240), above_window=(0, 7),
            below_table=GREY, above_table=HOT_IRON, alpha=0.5,
        ),
        31,
    )  # fmt: skip
    in_numpy = timed(
        lambda: blended(coloured(hu, -160, 240, GREY), coloured(suv, 0, 7, HOT_IRON), 0.5), 15
    )
    rows.append(("fused picture 512 x 512", one_pass, "numpy", in_numpy))

    tissues = [Tissue(300, 3000, (240, 230, 210), 1.0), Tissue(-300, -100, (220, 160, 130), 0.02)]
    seen = turned_view(ct, 30, longest=400)
    glow = Glow(pet, (3.0, 8.0))
    volume_s = timed(lambda: cast(ct, seen, tissues, glow=glow, step_mm=1.0), 3)

    print(
        f"{platform.processor() or platform.machine()}, {threads()} threads, load {os.getloadavg()[0]:.1f}"
    )
    model = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    print(model[0].split(":")[1].strip() if model else "", f"numpy {np.__version__}")
    print(f"{'task':<28}{'Hevesy ms':>11}  {'peer':<28}{'peer ms':>11}{'ratio':>8}")
    for task, own, who, other in rows:
        print(f"{task:<28}{own * 1e3:>11.1f}  {who:<28}{other * 1e3:>11.1f}{other / own:>8.1f}")
    size = " x ".join(map(str, seen.shape[::-1]))
    print(f"{'volume rendering with PET':<28}{volume_s * 1e3:>11.1f}  ({size} rays, 1 mm steps)")


if __name__ == "__main__":
    main()

"""Time of SPECT reconstruction, beside the same algorithm written with scipy.ndimage.

    python bench/reconstruction.py [--small]

Data come from the independent ray tracer (`hevesy.imaging.phantoms.spect`) with Poisson noise and
two scatter windows. The scipy form (rotate, cumulative sum, one Gaussian per depth) is measured on
a few views and scaled to all of them; its image is not made. Both use the same number of threads.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, rotate

from hevesy.imaging.compiled import in_parts, threads
from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project, sampled, sphere
from hevesy.imaging.reconstruct.acquisition import Acquisition
from hevesy.imaging.reconstruct.analytic import fbp
from hevesy.imaging.reconstruct.collimators import Collimator, collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projector import Projector

WATER_PER_MM = 0.0154
RADIUS_MM = 240.0
SPHERES = [
    sphere((70, 0, 0), 37, activity=7.0),
    sphere((-70, 0, 0), 28, activity=7.0),
    sphere((0, 65, 0), 17, activity=7.0),
    sphere((0, -65, 0), 37, activity=-1.0),
]
PHANTOM = [Ellipsoid((0, 0, 0), (150, 115, 160), 1.0, WATER_PER_MM), *SPHERES]


def simulate(size: int, slices: int, views: int, pixel_mm: float, holes: Collimator) -> Acquisition:
    """Noisy counts of the phantom with 25 % of scatter, background of about 1 per voxel."""
    angles = np.arange(views) * 360.0 / views
    camera = Camera(
        columns=size,
        rows=slices,
        column_mm=pixel_mm,
        row_mm=pixel_mm,
        hole_mm=holes.hole_mm,
        length_mm=holes.length_mm - holes.penetration_mm,
        intrinsic_mm=holes.intrinsic_mm,
        points=1,
    )
    counts = project(PHANTOM, camera, angles_deg=angles, radii_mm=RADIUS_MM) / pixel_mm**3
    return Acquisition(
        counts=np.ascontiguousarray(counts[:, ::-1].transpose(0, 2, 1), dtype=np.float32),
        angles_deg=angles,
        radii_mm=np.full(views, RADIUS_MM),
        weights=np.ones(views),
        axis_u=np.full(views, (size - 1) / 2.0),
        pixel_mm=pixel_mm,
        slice_mm=pixel_mm,
        centre_lps=np.zeros(3),
    )


def timed(work: Callable[[], object], repeats: int = 1) -> float:
    """Seconds of the fastest run."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def scipy_view(
    image: np.ndarray, mu: np.ndarray, angle: float, pixel_mm: float, sigma_px: np.ndarray
) -> None:
    """One view forth and back with scipy.ndimage, as a peer would write it."""
    turn = {"angle": angle, "axes": (0, 1), "reshape": False, "order": 1}
    path = rotate(mu, **turn) * pixel_mm
    through = np.exp(-(np.cumsum(path, axis=0) - path / 2.0))
    planes = rotate(image, **turn) * through
    plane = np.zeros(planes.shape[1:], dtype=np.float32)
    for depth in range(len(planes)):
        plane += gaussian_filter(planes[depth], sigma_px[depth], mode="constant")
    back = np.empty_like(planes)
    for depth in range(len(planes)):
        back[depth] = gaussian_filter(plane, sigma_px[depth], mode="constant")
    rotate(back * through, **{**turn, "angle": -angle})


def case(
    size: int, slices: int, views: int, pixel_mm: float, iterations: int, subsets: int
) -> None:
    """Time one size and print its rows."""
    holes = collimator("LEHR", energy_kev=140.5)
    clean = simulate(size, slices, views, pixel_mm, holes)
    chance = np.random.default_rng(7)
    scatter = np.full_like(clean.counts, 0.25 * clean.counts.mean())
    noisy = clean.with_counts(chance.poisson(clean.counts + scatter))
    grid = {"shape_kji": (slices, size, size), "spacing_mm": (pixel_mm,) * 3}
    mu = np.ascontiguousarray(sampled(PHANTOM, what="mu_per_mm", **grid).transpose(1, 2, 0))

    model = Projector(noisy, mu_per_mm=mu, collimator=holes)
    full_s = timed(
        lambda: osem(model, iterations=iterations, subsets=subsets, scatter=scatter), repeats=3
    )
    plain_s = timed(lambda: osem(Projector(noisy), iterations=iterations, subsets=subsets))
    fbp_s = timed(lambda: fbp(noisy, Filter("butterworth", 0.5, 5)), repeats=3)

    image = np.ones((size, size, slices), dtype=np.float32)
    depth_mm = RADIUS_MM - ((size - 1) / 2.0 - np.arange(size)) * pixel_mm
    sigma_px = holes.sigma_mm(np.maximum(depth_mm, 0.0)) / pixel_mm
    few = 2 * threads()

    def peer() -> None:
        def work(start: int, stop: int) -> None:
            for view in range(start, stop):
                scipy_view(image, mu, 17.0 + 11.0 * view, pixel_mm, sigma_px)

        in_parts(work, few)

    peer_s = timed(peer) / few * views * iterations

    print(f"{size} x {size} x {slices}, {views} views, {iterations} it x {subsets} subsets")
    print(f"  OSEM, attenuation + resolution + scatter   {full_s:8.2f} s")
    print(f"  the same with scipy.ndimage ({few} views, scaled){peer_s:7.1f} s")
    print(f"  ratio                                      {peer_s / full_s:8.1f}")
    print(f"  OSEM without corrections                   {plain_s:8.2f} s")
    print(f"  FBP, Butterworth                           {fbp_s:8.2f} s")
    model = Projector(clean, mu_per_mm=mu, collimator=holes)
    quantities(osem(model, iterations=iterations, subsets=subsets).image, pixel_mm)


def quantities(image: np.ndarray, pixel_mm: float) -> None:
    """Mean of each sphere of the noise-free image; truth 8 hot, 0 cold, 1 in the background."""
    size, _, slices = image.shape
    grid = {"shape_kji": (slices, size, size), "spacing_mm": (pixel_mm,) * 3}
    means = []
    for one in SPHERES:
        inside = sampled([sphere(one.centre_mm, 2 * one.semi_axes_mm[0], activity=1.0)], **grid)
        weights = inside.transpose(1, 2, 0)
        means.append(float((image * weights).sum() / weights.sum()))
    low, high, below = size // 2 - 3, size // 2 + 3, slices // 2 - round(60 / pixel_mm)
    middle = image[low:high, low:high, below]
    told = ", ".join(f"{mean:.2f}" for mean in means)
    print(f"  noise-free means of 37, 28, 17 mm hot (8) and 37 mm cold (0): {told}")
    print(f"  background (1): {float(middle.mean()):.3f}")


def main() -> None:
    """Run both sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="only 64 x 64 x 60")
    small = parser.parse_args().small
    load = os.getloadavg()[0]
    print(f"{platform.processor() or platform.machine()}, {threads()} threads, load {load:.1f}")
    # A first call compiles.
    holes = collimator("LEHR", energy_kev=140.5)
    tiny = simulate(16, 16, 24, 20.0, holes)
    air = np.zeros(tiny.image_shape, dtype=np.float32)
    osem(Projector(tiny, mu_per_mm=air, collimator=holes), iterations=1, subsets=2)
    fbp(tiny, Filter("hann"))
    case(64, 64, 60, 6.6, 4, 10)
    if not small:
        case(128, 128, 120, 4.42, 4, 10)


if __name__ == "__main__":
    main()

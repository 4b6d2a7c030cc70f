"""Threshold, components and statistics of a whole-body PET, and SUVpeak, beside other programs.

`python bench/segment.py [repeats]` prints a table: median and best of the repeats, all in one run on
one phantom (400 x 400 x 300, 6 organs, 60 lesions). Goals: 7 times SimpleITK at SUV 4.0, 12 times at
2.5; SUVpeak of the lesions not slower than scipy's fftconvolve on the box of each.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import SimpleITK
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.peak import RADIUS_MM, peak, sphere_taps
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.segment.components import Components, Labeller, components_above

SHAPE = (300, 400, 400)
SPACING_MM = 2.0
# Centre (k, j, i), half axes in voxels and SUV: brain, heart, liver, two kidneys, bladder.
ORGANS = (
    ((270, 200, 200), (25, 35, 30), 8.0),
    ((205, 185, 225), (14, 16, 14), 6.0),
    ((165, 190, 150), (30, 40, 45), 2.2),
    ((140, 225, 150), (18, 9, 9), 7.0),
    ((140, 225, 250), (18, 9, 9), 7.0),
    ((60, 190, 200), (14, 16, 18), 20.0),
)


def phantom() -> Volume:
    """Noise of SUV 0.3 to 1.5 in a body, organs and lesions; blurred a little, 2 mm voxels."""
    rng = np.random.default_rng(7)
    array = np.zeros(SHAPE, dtype=np.float32)
    k, j, i = np.ogrid[: SHAPE[0], : SHAPE[1], : SHAPE[2]]
    body = ((j - 200) / 70) ** 2 + ((i - 200) / 110) ** 2 + 0 * k <= 1
    array[body] = rng.gamma(9.0, 0.1, int(body.sum())).astype(np.float32)

    def add(centre: Any, axes: Any, suv: float) -> None:
        box = tuple(
            slice(max(int(c - a) - 1, 0), int(c + a) + 2) for c, a in zip(centre, axes, strict=True)
        )
        kk, jj, ii = np.ogrid[box]
        inside = (
            ((kk - centre[0]) / axes[0]) ** 2
            + ((jj - centre[1]) / axes[1]) ** 2
            + ((ii - centre[2]) / axes[2]) ** 2
        ) <= 1
        array[box][inside] += suv

    for centre, axes, suv in ORGANS:
        add(centre, axes, suv)
    for _ in range(60):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 0.8))
        centre = (
            rng.uniform(30, 240),
            200 + 70 * reach * np.sin(angle),
            200 + 110 * reach * np.cos(angle),
        )
        add(centre, 3 * [rng.uniform(3, 8)], rng.uniform(5, 15))
    array = gaussian_filter(array, 0.8, output=np.float32)
    return Volume(array, np.diag([*3 * [SPACING_MM], 1.0]), "SUVbw", "PT")


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Median and best seconds, and the last answer."""
    seconds = []
    answer = None
    for _ in range(repeats):
        start = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), min(seconds), answer


def by_simpleitk(image: Any, level: float) -> Any:
    """Threshold, 26-connected components, intensity statistics."""
    hot = SimpleITK.BinaryThreshold(image, level, 1e9)
    labels = SimpleITK.ConnectedComponent(hot, True)
    statistics = SimpleITK.LabelIntensityStatisticsImageFilter()
    statistics.Execute(labels, image)
    return statistics


def by_fftconvolve(volume: Volume, regions: list[Voi]) -> list[float]:
    """SUVpeak of each region by a convolution of its own box."""
    offsets, weights = sphere_taps(volume.ijk_to_lps[:3, :3], RADIUS_MM, "fractional")
    reach = np.abs(offsets).max(axis=0)
    ball = np.zeros(2 * reach + 1, dtype=np.float32)
    ball[tuple((offsets + reach).T)] = weights / weights.sum()
    peaks = []
    for region in regions:
        box = region.grown(int(reach.max()))
        means = fftconvolve(volume.array[box], ball, mode="same")
        inner = tuple(
            slice(own.start - big.start, own.stop - big.start)
            for own, big in zip(region.box, box, strict=True)
        )
        peaks.append(float(means[inner][region.mask].max()))
    return peaks


def row(name: str, ours: tuple[float, float], peer: tuple[float, float]) -> None:
    """One line: median (best) of both, and their ratios."""
    print(
        f"{name:<44}{ours[0] * 1e3:9.1f} ({ours[1] * 1e3:7.1f})"
        f"{peer[0] * 1e3:10.1f} ({peer[1] * 1e3:8.1f})"
        f"{peer[0] / ours[0]:8.1f}x ({peer[1] / ours[1]:5.1f}x)"
    )


def compare_components(volume: Volume, image: Any, level: float, repeats: int) -> Components:
    """Ours beside SimpleITK at one level; both must find the same."""
    ours = timed(lambda: components_above(volume.array, level), repeats)
    peer = timed(lambda: by_simpleitk(image, level), repeats)
    found: Components = ours[2]
    peers = sorted(peer[2].GetNumberOfPixels(label) for label in peer[2].GetLabels())
    assert sorted(found.count.tolist()) == peers
    row(f"threshold {level}, {len(found)} components, statistics", ours[:2], peer[:2])
    return found


def main() -> None:
    """Make the phantom, warm up, measure, print."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    volume = phantom()
    image = SimpleITK.GetImageFromArray(volume.array)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores,", end=" ")
    print(f"load {os.getloadavg()[0]:.1f}, SimpleITK {SimpleITK.Version.VersionString()}")
    print(f"{'ms, median (best)':<44}{'ours':>19}{'peer':>21}{'ratio':>17}")
    components_above(volume.array[:4], 4.0)
    for level in (4.0, 2.5, 1.2):
        found = compare_components(volume, image, level, repeats)
    labeller = Labeller(volume.array)
    again = timed(lambda: labeller.above(4.0), repeats)
    print(f"{'a new threshold 4.0 on the kept row maxima':<44}{again[0] * 1e3:9.1f}", end="")
    print(f" ({again[1] * 1e3:7.1f})")
    found = again[2]
    regions = [Voi.of_component(found, n) for n in range(len(found))]
    small = [region for region in regions if region.voxels < 5000]
    peak(volume, small[0])
    for name, chosen in (("lesions", small), ("lesions and organs", regions)):
        ours = timed(lambda chosen=chosen: [peak(volume, r).value for r in chosen], repeats)
        peer = timed(lambda chosen=chosen: by_fftconvolve(volume, chosen), repeats)
        np.testing.assert_allclose(ours[2], peer[2], rtol=1e-4)
        row(f"SUVpeak of {len(chosen)} {name}, fftconvolve", ours[:2], peer[:2])


if __name__ == "__main__":
    main()

"""Draw the pictures of measures.md and thresholds.md: `python docs/imaging/pictures/measures.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from hevesy.imaging.quantify.peak import RADIUS_MM, sphere_taps
from hevesy.imaging.quantify.sphere_model import blurred_sphere

HERE = Path(__file__).parent
# Fixed, so that the same code draws the same file.
mpl.rcParams["svg.hashsalt"] = "hevesy"


def draw_peak() -> None:
    """Weights of the three spheres in the middle plane of a 4 mm grid."""
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.7), layout="constrained")
    for axis, kind in zip(axes, ("fractional", "centres", "interpolated"), strict=True):
        radius = 6.2 if kind == "centres" else RADIUS_MM
        offsets, weights = sphere_taps(np.diag([4.0, 4.0, 4.0]), radius, kind)
        plane = np.zeros((7, 7))
        for (k, j, i), weight in zip(offsets, weights, strict=True):
            if k == 0:
                plane[j + 3, i + 3] = weight
        axis.imshow(plane, extent=(-14, 14, -14, 14), cmap="Blues", vmin=0, vmax=1)
        axis.add_patch(plt.Circle((0, 0), radius, fill=False, color="tab:red"))
        axis.set_title(f"{kind}: {weights.sum() * 0.064:.3f} cm³", fontsize=9)
        axis.set_xlabel("mm", fontsize=8)
        axis.tick_params(labelsize=7)
    figure.savefig(HERE / "peak.svg", metadata={"Date": None})


def draw_spheres() -> None:
    """Profile of blurred spheres with the levels of P41 and A50."""
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.6), layout="constrained", sharey=True)
    r = np.linspace(0, 25, 400)
    for axis, diameter in zip(axes, (10, 17, 37), strict=True):
        image = 1 + 3 * blurred_sphere(r, radius_mm=diameter / 2, fwhm_mm=7.0)
        axis.plot(r, np.where(r <= diameter / 2, 4, 1), color="0.7", label="true")
        axis.plot(r, image, color="black", label="seen")
        axis.axhline(0.41 * image[0], color="tab:red", lw=1, label="P41")
        axis.axhline(0.5 * (image[0] + 1), color="tab:blue", lw=1, label="A50")
        axis.set_title(f"{diameter} mm, FWHM 7 mm, 4:1", fontsize=9)
        axis.set_xlabel("mm from the centre", fontsize=8)
        axis.tick_params(labelsize=7)
    axes[0].set_ylabel("SUV", fontsize=8)
    axes[-1].legend(fontsize=7, loc="lower left")
    figure.savefig(HERE / "spheres.svg", metadata={"Date": None})


def draw_axes() -> None:
    """Long and short axis in the slice, and the largest distance between two lesions."""
    y, x = np.mgrid[0:60, 0:110]
    one = ((x - 30) / 20) ** 2 + ((y - 30 - 0.4 * (x - 30)) / 10) ** 2 <= 1
    other = (x - 90) ** 2 + (y - 20) ** 2 <= 64
    figure, axis = plt.subplots(figsize=(5.0, 2.8), layout="constrained")
    axis.imshow(one | other, cmap="Greys", vmin=0, vmax=3)
    j, i = np.nonzero(one)
    points = np.stack((i, j), axis=1).astype(float)
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    a, b = np.unravel_index(int(apart.argmax()), apart.shape)
    axis.plot(*points[[a, b]].T, color="tab:red", label="long axis")
    along = (points[b] - points[a]) / apart.max()
    across = np.array((-along[1], along[0]))
    depth = (points - points[a]) @ across
    c, d = int(depth.argmax()), int(depth.argmin())
    middle = points[[c, d]].mean(axis=0)
    ends = middle + np.outer((np.ptp(depth) / 2, -np.ptp(depth) / 2), across)
    axis.plot(*ends.T, color="tab:blue", label="short axis, across it")
    axis.plot((points[:, 0].mean(), 90), (points[:, 1].mean(), 20), color="tab:green", label="Dmax")
    axis.legend(fontsize=7, loc="lower right")
    axis.set_axis_off()
    figure.savefig(HERE / "axes.svg", metadata={"Date": None})


if __name__ == "__main__":
    draw_axes()
    draw_peak()
    draw_spheres()

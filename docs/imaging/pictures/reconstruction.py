"""Draw reconstruction.png: one slice of a phantom, uncorrected and corrected.

python docs/imaging/pictures/reconstruction.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project, sampled, sphere
from hevesy.imaging.reconstruct.acquisition import Acquisition
from hevesy.imaging.reconstruct.analytic import fbp
from hevesy.imaging.reconstruct.collimators import collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.iterate import osem
from hevesy.imaging.reconstruct.projector import Projector

matplotlib.use("Agg")
from matplotlib import pyplot as plt

SIZE, SLICES, PIXEL_MM, VIEWS = 96, 24, 4.42, 90
BODIES = [
    Ellipsoid((0, 0, 0), (150, 110, 4000), 1.0, 0.0154),
    sphere((70, 0, 0), 37, activity=7.0),
    sphere((-70, 0, 0), 28, activity=7.0),
    sphere((0, -60, 0), 37, activity=-1.0),
]


def main() -> None:
    """Simulate, reconstruct three ways, draw."""
    holes = collimator("LEHR", energy_kev=140.5)
    angles = np.arange(VIEWS) * 360.0 / VIEWS
    camera = Camera(
        columns=SIZE,
        rows=SLICES,
        column_mm=PIXEL_MM,
        row_mm=PIXEL_MM,
        hole_mm=holes.hole_mm,
        length_mm=holes.length_mm - holes.penetration_mm,
        intrinsic_mm=holes.intrinsic_mm,
    )
    clean = project(BODIES, camera, angles_deg=angles, radii_mm=220.0) / PIXEL_MM**3
    counts = np.random.default_rng(3).poisson(3.0 * clean)[:, ::-1].transpose(0, 2, 1) / 3.0
    places = Acquisition(
        counts=np.ascontiguousarray(counts, dtype=np.float32),
        angles_deg=angles,
        radii_mm=np.full(VIEWS, 220.0),
        weights=np.ones(VIEWS),
        axis_u=np.full(VIEWS, (SIZE - 1) / 2.0),
        pixel_mm=PIXEL_MM,
        slice_mm=PIXEL_MM,
        centre_lps=np.zeros(3),
    )
    grid = {"shape_kji": (SLICES, SIZE, SIZE), "spacing_mm": (PIXEL_MM,) * 3}
    truth, mu = (
        np.ascontiguousarray(sampled(BODIES, what=what, **grid).transpose(1, 2, 0))
        for what in ("activity", "mu_per_mm")
    )
    smooth = Filter("gaussian", fwhm_mm=8.0)
    spacing = {"pixel_mm": PIXEL_MM, "slice_mm": PIXEL_MM}
    model = Projector(places, mu_per_mm=mu, collimator=holes)
    full = osem(model, iterations=6, subsets=10).image
    images = {
        "truth": (truth, 8),
        "FBP, no correction": (fbp(places, Filter("butterworth", 0.6, 5))[0], 2),
        "OSEM, attenuation and resolution": (smooth.applied(full, **spacing), 8),
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    for axis, (title, (image, most)) in zip(axes, images.items(), strict=True):
        axis.imshow(image[:, :, SLICES // 2], cmap="gray_r", vmin=0, vmax=most)
        axis.set_title(f"{title} (0 to {most})", fontsize=9)
        axis.set_axis_off()
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=90)


if __name__ == "__main__":
    main()

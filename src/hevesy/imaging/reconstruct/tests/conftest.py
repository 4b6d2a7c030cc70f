import numpy as np
import pytest

from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project
from hevesy.imaging.reconstruct.acquisition import Acquisition

PIXEL_MM = 9.6


def of_counts(counts, angles, *, radius_mm=200.0, pixel_mm=PIXEL_MM, weights=None, axis_px=0.0):
    """An acquisition of counts [view, row, column] as a camera shows them."""
    views = len(counts)
    return Acquisition(
        counts=np.ascontiguousarray(counts[:, ::-1, :].transpose(0, 2, 1), dtype=np.float32),
        angles_deg=np.asarray(angles, dtype=np.float64),
        radii_mm=np.full(views, float(radius_mm)),
        weights=np.ones(views) if weights is None else np.asarray(weights, dtype=np.float64),
        axis_u=np.full(views, (counts.shape[2] - 1) / 2.0 + axis_px),
        pixel_mm=pixel_mm,
        slice_mm=pixel_mm,
        centre_lps=np.zeros(3),
        seconds=20.0,
    )


def simulated(bodies, *, views=32, arc=360.0, size=32, rows=8, pixel_mm=PIXEL_MM, **changes):
    """An acquisition of ellipsoids by the independent simulator, noise-free, voxels in counts."""
    angles = np.arange(views) * arc / views
    camera = Camera(
        columns=size,
        rows=rows,
        column_mm=pixel_mm,
        row_mm=pixel_mm,
        **{
            key: changes.pop(key)
            for key in ("hole_mm", "length_mm", "intrinsic_mm", "rays")
            if key in changes
        },
    )
    offset = changes.get("axis_px", 0.0) * pixel_mm
    radius = changes.get("radius_mm", 200.0)
    counts = project(bodies, camera, angles_deg=angles, radii_mm=radius, axis_offset_mm=offset)
    # Activity is per mm3; in counts per voxel the numbers of the tests read as 1 and 8.
    return of_counts(counts / pixel_mm**3, angles, pixel_mm=pixel_mm, **changes)


def a_cylinder(*, activity=1.0, mu_per_mm=0.0154, radius_mm=100.0):
    """A long ellipsoid: over the middle slices as good as a cylinder."""
    return Ellipsoid((0, 0, 0), (radius_mm, radius_mm, 4000.0), activity, mu_per_mm)


@pytest.fixture(scope="session")
def disc():
    """Masks [y, x] on the 32 grid: middle and rim of the cylinder, both clear of its edge."""
    y, x = np.indices((32, 32)) - 15.5
    radius = np.hypot(y, x) * PIXEL_MM
    return radius < 40, (radius > 55) & (radius < 80)

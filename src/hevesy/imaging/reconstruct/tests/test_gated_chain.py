"""From gated projections by the ray tracer to ejection fraction: the whole way of a study."""

from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.gatedspect import analyse_gated_spect
from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.nm_write import TomoHeader, tomo_dataset
from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project
from hevesy.imaging.reconstruct.collimators import Collimator
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import Settings, reconstruct

HOLES = {"hole_mm": 1.4, "length_mm": 25.0, "intrinsic_mm": 3.8}
PIXEL_MM, SIZE, VIEWS, RADIUS_MM = 6.4, 32, 48, 150.0
# Cavities are ellipsoids of axes a, a and 2.2 a; the ventricle is the half of them below the valve
# plane, which lies through their middle.
END_DIASTOLE_ML, END_SYSTOLE_ML, WALL_MM = 120.0, 48.0, 10.0


def axes_mm(cavity_ml):
    a = (cavity_ml * 1000 / (2 / 3 * np.pi * 2.2)) ** (1 / 3)
    return np.array((a, a, 2.2 * a))


def wall_of(cavity_ml, muscle_ml):
    """The wall that gives the muscle its volume, by halving."""
    low, high = 1.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        a, _, c = axes_mm(cavity_ml) + middle
        outer_ml = 2 / 3 * np.pi * a * a * c / 1000
        low, high = (middle, high) if outer_ml - cavity_ml < muscle_ml else (low, middle)
    return low


def test_ejection_fraction_survives_projection_and_reconstruction():
    a, _, c = axes_mm(END_DIASTOLE_ML) + WALL_MM
    muscle_ml = 2 / 3 * np.pi * a * a * c / 1000 - END_DIASTOLE_ML
    camera = Camera(SIZE, SIZE, PIXEL_MM, PIXEL_MM, rays=5, **HOLES)
    angles = np.arange(VIEWS) * 360.0 / VIEWS
    valve_mm = 40.0
    gates = []
    for cavity_ml in (120.0, 84.0, END_SYSTOLE_ML, 84.0):
        inner = axes_mm(cavity_ml)
        outer = inner + wall_of(cavity_ml, muscle_ml)
        bodies = [
            Ellipsoid((0.0, 0.0, valve_mm), tuple(outer), activity=1.0),
            Ellipsoid((0.0, 0.0, valve_mm), tuple(inner), activity=-1.0),
        ]
        gates.append(project(bodies, camera, angles_deg=angles, radii_mm=RADIUS_MM))
    header = TomoHeader(0.0, 360.0 / VIEWS, "CC", (PIXEL_MM,) * 2, [RADIUS_MM] * VIEWS)
    study = read_tomo(tomo_dataset(np.stack(gates)[None, :, None], header))

    made = reconstruct(study, Settings(iterations=8, subsets=6, gates="each"))
    first = made.gates[0]
    # k from apex to base: the apex lies towards the feet, below the valve.
    up = first.ijk_to_lps[2, 2] > 0
    arrays = [(one.array if up else one.array[::-1]).copy() for one in made.gates]
    base_mm = valve_mm + (SIZE - 1) / 2 * PIXEL_MM
    # The simulated shells go on beyond the valve; a ventricle does not.
    for array in arrays:
        array[int(np.ceil(base_mm / PIXEL_MM)) :] = 0.0
    fwhm_mm = float(Collimator("LEHR", **HOLES).fwhm_mm(RADIUS_MM))
    found = analyse_gated_spect(
        arrays,
        spacing_mm=(PIXEL_MM,) * 3,
        fwhm_mm=fwhm_mm,
        base_mm=base_mm,
    )

    assert len(made.gates) == 4
    assert found.value("edv_ml") == pytest.approx(END_DIASTOLE_ML, rel=0.1)
    assert found.value("esv_ml") == pytest.approx(END_SYSTOLE_ML, abs=8.0)
    assert found.value("lvef_percent") == pytest.approx(60.0, abs=5.0)


@pytest.mark.data
def test_the_wall_of_the_simulated_heart_is_even_only_with_attenuation_corrected(real_dicom):
    folder = real_dicom / "derived/mpi_spect_sim"
    reference = read_series([folder / "stress_recon.dcm"])
    study = read_tomo(folder / "stress_tomo.dcm")
    truth = reference.array.astype(float)
    wall = truth > 0.6 * truth.max()
    points = reference.world(np.argwhere(wall)[:, ::-1])
    plain = Settings(iterations=2, subsets=8, filter=Filter("gaussian", fwhm_mm=10.0))

    def unevenness(settings):
        share = reconstruct(study, settings).summed.sample(points) / truth[wall]
        return float(share.std() / share.mean())

    # The projections hold Poisson noise of about 10 % per voxel after the filter.
    corrected = unevenness(replace(plain, contour="counts"))
    assert corrected < 0.2
    assert unevenness(plain) > 1.3 * corrected

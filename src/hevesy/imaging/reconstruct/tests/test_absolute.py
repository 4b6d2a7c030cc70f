from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.analyse.spectsuv import CameraCalibration, analyse_spect_suv
from hevesy.imaging.commands.reconstruct import recorded
from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.nm_write import TomoHeader, recon_tomo_dataset, tomo_dataset
from hevesy.imaging.nuclides import half_life_s
from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project
from hevesy.imaging.reconstruct.absolute import in_becquerel
from hevesy.imaging.reconstruct.acquisition import decay_of_views
from hevesy.imaging.reconstruct.attenuation import EllipseContour
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import Settings, reconstruct
from hevesy.imaging.refusal import Refused

BQ_PER_ML, CPS_PER_MBQ, VIEW_S, VIEWS = 20e3, 80.0, 120.0, 30
PLANAR = CameraCalibration(
    "head_1",
    "Tc-99m",
    "LEHR",
    "planar",
    CPS_PER_MBQ / 1e6,
    0.0,
    "physics, 2026-01-05",
    True,
    "view",
)
CORRECTED = Settings(
    iterations=6, subsets=5, scatter="tew", contour=EllipseContour(0.0, 0.0, 100.0, 100.0)
)


def a_ball():
    """A ball of water 200 mm wide of known Bq/mL, seen for an hour, with scatter in all windows."""
    angles = np.arange(VIEWS) * 360.0 / VIEWS
    per_mm3 = BQ_PER_ML / 1000.0 * CPS_PER_MBQ / 1e6 * VIEW_S
    ball = Ellipsoid((0, 0, 0), (100.0, 100.0, 100.0), per_mm3, 0.0154)
    camera = Camera(columns=32, rows=24, column_mm=9.6, row_mm=9.6)
    primary = project([ball], camera, angles_deg=angles, radii_mm=200.0)
    share = decay_of_views(np.arange(VIEWS) * VIEW_S, np.full(VIEWS, VIEW_S), half_life_s("Tc-99m"))
    primary = primary * share[:, None, None]
    windows = ((126.5, 154.5), (120.0, 126.0), (155.0, 161.0))
    scatter = 0.3 * primary.mean() / 28.0
    images = [
        (primary if n == 0 else 0.0 * primary) + scatter * (high - low)
        for n, (low, high) in enumerate(windows)
    ]
    header = TomoHeader(
        0.0, 12.0, "CC", (9.6, 9.6), [200.0] * VIEWS, windows_kev=windows, frame_s=VIEW_S
    )
    return read_tomo(tomo_dataset(np.stack(images)[:, None, None], header))


@pytest.fixture(scope="module")
def study():
    return a_ball()


def inside(volume):
    k, j, i = np.indices(volume.array.shape)
    away = volume.world(np.stack([i, j, k], axis=-1)) - volume.centre_lps
    return np.linalg.norm(away, axis=-1) < 60.0


def test_a_ball_of_known_concentration_has_it_and_keeps_it_in_its_file(study, tmp_path):
    made = in_becquerel(reconstruct(study, CORRECTED), study, PLANAR)

    assert made.units == made.summed.units == "BQML"
    assert made.summed.array[inside(made.summed)].mean() == pytest.approx(BQ_PER_ML, rel=0.03)
    assert made.parameters["sensitivity_from"] == "head_1: physics, 2026-01-05"
    written = recon_tomo_dataset(
        (made.summed,), study.source, recorded(made), series_description=""
    )
    written.save_as(tmp_path / "recon.dcm", enforce_file_format=True)
    (meaning,) = written.RealWorldValueMappingSequence
    assert meaning.MeasurementUnitsCodeSequence[0].CodeValue == "Bq/ml"
    again = read_series([tmp_path / "recon.dcm"])
    assert again.units == "BQML"
    np.testing.assert_allclose(again.array, made.summed.array, atol=1e-4 * made.summed.array.max())

    found = analyse_spect_suv(
        again,
        None,
        nuclide_name="Tc-99m",
        injected_mbq=BQ_PER_ML * 70e3 / 1e6,
        since_injection_s=0.0,
        weight_kg=70.0,
        region=inside(again),
    )
    assert found.value("suv_bw_mean") == pytest.approx(1.0, rel=0.03)


def test_missing_corrections_and_an_unchecked_sensitivity_are_told(study):
    plain = reconstruct(study, Settings(iterations=1, subsets=5))

    made = in_becquerel(plain, study, replace(PLANAR, checked=False))

    told = {one.key: one for one in made.findings}
    assert "attenuation and scatter" in told["absolute_uncorrected"].text_en
    assert "table_unchecked" in told


def test_what_has_no_absolute_meaning_is_refused(study):
    made = reconstruct(study, Settings(iterations=1, subsets=5))
    without_decay = replace(made, parameters={**made.parameters, "decay_during_rotation": False})
    gated = replace(study, counts=np.repeat(study.counts, 2, axis=1))
    for image, source, calibration in (
        (made, study, replace(PLANAR, nuclide="Lu-177")),
        (without_decay, study, PLANAR),
        (made, study, replace(PLANAR, counting_time="scan")),
        (made, gated, PLANAR),
    ):
        with pytest.raises(Refused, match="not_absolute"):
            in_becquerel(image, source, calibration)
    with pytest.raises(Refused, match="calibration"):
        analyse_spect_suv(
            made.summed,
            None,
            nuclide_name="Tc-99m",
            injected_mbq=1.0,
            since_injection_s=0.0,
            weight_kg=70.0,
        )

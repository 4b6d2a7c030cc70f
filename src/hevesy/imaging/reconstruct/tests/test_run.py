from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.nm_write import TomoHeader, tomo_dataset
from hevesy.imaging.phantoms.spect import Camera, project
from hevesy.imaging.reconstruct.attenuation import EllipseContour
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import Settings, reconstruct
from hevesy.imaging.reconstruct.tests.conftest import a_cylinder
from hevesy.imaging.refusal import Refused

LEVEL = 60.0


def a_study(*, gates=1, windows=((126.5, 154.5),), scattered=0.0, views=30, axis_mm=0.0):
    """A water cylinder with LEVEL counts per voxel and view; scatter flat over the windows."""
    camera = Camera(columns=32, rows=4, column_mm=9.6, row_mm=9.6)
    angles = np.arange(views) * 360.0 / views
    body = a_cylinder(activity=LEVEL / 9.6**3)
    primary = project([body], camera, angles_deg=angles, radii_mm=200.0, axis_offset_mm=axis_mm)
    per_kev = scattered * primary.mean() / 28.0
    images = []
    for number, (low, high) in enumerate(windows):
        scatter = per_kev * (high - low)
        images.append((primary if number == 0 else 0.0 * primary) + scatter)
    counts = np.stack(images)[:, None, None] / gates
    counts = np.repeat(counts, gates, axis=1)
    header = TomoHeader(
        0.0, 360.0 / views, "CC", (9.6, 9.6), [200.0] * views, windows_kev=windows, frame_s=0.001
    )
    return read_tomo(tomo_dataset(counts, header))


WATER = EllipseContour(0.0, 0.0, 100.0, 100.0)


def middle_of(volume):
    return float(volume.array[1, 13:19, 13:19].mean())


@pytest.mark.clause("6.9")
def test_triple_energy_windows_take_the_scatter_out(disc):
    study = a_study(windows=((126.5, 154.5), (120, 126), (155, 161)), scattered=0.4)
    corrected = Settings(iterations=6, subsets=5, scatter="tew", contour=WATER)

    made = reconstruct(study, corrected)

    # Scatter corrected, so that the uniform map is water's narrow beam value, as in the phantom.
    assert middle_of(made.summed) == pytest.approx(LEVEL, rel=0.03)
    assert made.parameters["window_kev"] == [126.5, 154.5]
    assert made.parameters["attenuation"].startswith("uniform 0.15")


def test_triple_energy_windows_without_scatter_change_nothing():
    study = a_study(windows=((126.5, 154.5), (120, 126), (155, 161)))

    with_tew = reconstruct(study, Settings(iterations=2, subsets=5, scatter="tew")).summed
    without = reconstruct(study, Settings(iterations=2, subsets=5)).summed

    np.testing.assert_allclose(with_tew.array, without.array, rtol=1e-5, atol=1e-4)


def test_an_upper_window_that_was_not_acquired_counts_as_zero_and_is_pointed_out():
    study = a_study(windows=((126.5, 154.5), (120, 126)), scattered=0.2)

    made = reconstruct(study, Settings(iterations=1, subsets=5, scatter="tew"))

    assert "upper_window_missing" in [found.key for found in made.findings]


def test_scatter_correction_without_a_scatter_window_is_refused():
    with pytest.raises(Refused, match="scatter_window_missing"):
        reconstruct(a_study(), Settings(scatter="tew"))


def test_gates_add_up_to_their_sum():
    study = a_study(gates=3)

    made = reconstruct(study, Settings(iterations=2, subsets=5, gates="each", contour=WATER))

    assert len(made.gates) == 3
    total = sum(volume.array.astype(float) for volume in made.gates)
    np.testing.assert_allclose(total, made.summed.array, rtol=0.02, atol=0.02 * LEVEL)


def test_fbp_is_on_the_same_scale_as_osem():
    study = a_study(views=60)

    fbp = reconstruct(study, Settings(method="fbp", contour=WATER, chang_order=1))
    osem = reconstruct(study, Settings(iterations=4, subsets=6, contour=WATER))

    assert middle_of(fbp.summed) == pytest.approx(middle_of(osem.summed), rel=0.05)


def test_a_shifted_axis_is_corrected_if_asked_for():
    ask = Settings(iterations=4, subsets=5)
    shifted = a_study(axis_mm=15.0)
    straight = reconstruct(a_study(), ask).summed.array

    plain = reconstruct(shifted, ask)
    made = reconstruct(shifted, replace(ask, shift_axis=True))

    assert "axis_shift" in [found.key for found in plain.findings]
    assert made.parameters["axis_shifted_mm"]["1"] == pytest.approx(15.0, abs=1.0)

    def away(volume):
        return float(np.abs(volume.array - straight).mean() / straight.mean())

    assert away(made.summed) < 0.1
    assert away(plain.summed) > 3 * away(made.summed)


def test_the_outline_of_the_counts_stands_in_for_a_drawn_one():
    study = a_study()

    drawn = reconstruct(study, Settings(iterations=4, subsets=5, contour=WATER))
    found = reconstruct(study, Settings(iterations=4, subsets=5, contour="counts"))

    assert middle_of(found.summed) == pytest.approx(middle_of(drawn.summed), rel=0.1)
    assert "contour_from_counts" in [one.key for one in found.findings]


def test_an_unknown_collimator_and_recovery_in_fbp_are_refused():
    with pytest.raises(Refused, match="collimator_unknown"):
        reconstruct(a_study(), Settings(collimator="wooden"))
    with pytest.raises(Refused, match="bad_setting"):
        reconstruct(a_study(), Settings(method="fbp", collimator="LEHR"))


def test_what_was_done_is_told_in_plain_values():
    made = reconstruct(
        a_study(),
        Settings(iterations=2, subsets=5, collimator="header", filter=Filter("hann", 0.6)),
    )

    told = made.as_json()

    assert told["method"] == "OSEM 2i5s PSF"
    assert told["parameters"]["filter"] == "hann 0.6 cycles/cm"
    assert told["parameters"]["resolution"].startswith("LEHR holes 1.11 x 24.1 mm")
    assert told["units"] == "CNTS"
    assert "table_unchecked" in [found["key"] for found in told["findings"]]


def test_the_simulated_heart_lies_where_its_reference_lies(real_dicom):
    folder = real_dicom / "derived/mpi_spect_sim"
    reference = read_series([folder / "stress_recon.dcm"])

    made = reconstruct(
        read_tomo(folder / "stress_tomo.dcm"),
        Settings(
            iterations=2, subsets=8, contour="counts", filter=Filter("gaussian", fwhm_mm=10.0)
        ),
    ).summed

    k, j, i = np.indices(reference.array.shape)
    points = reference.world(np.stack([i, j, k], axis=-1))
    truth = reference.array.astype(float).ravel()

    def likeness(signs):
        return np.corrcoef(truth, made.sample(points * signs).ravel())[0, 1]

    assert likeness([1, 1, 1]) > 0.9
    assert max(likeness([-1, 1, 1]), likeness([1, -1, 1]), likeness([1, 1, -1])) < 0.75

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.reconstruct.attenuation import (
    EllipseContour,
    bone_per_mm,
    contour_from_image,
    mu_from_ct,
    mu_of_hu,
    photon_energy_kev,
    uniform_per_mm,
    water_per_mm,
)
from hevesy.imaging.reconstruct.projections import EnergyWindow
from hevesy.imaging.reconstruct.tests.conftest import a_cylinder, simulated
from hevesy.imaging.refusal import Refused


def a_ct(*, frame="1.2.3", centre=(0.0, 0.0, 0.0), units="HU"):
    """Water cylinder of 100 mm radius along z in air, 4 mm voxels."""
    y, x = (np.indices((70, 70)) - 34.5) * 4.0
    plane = np.where(np.hypot(x, y) <= 100, 0, -1000).astype(np.int16)
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = np.array(centre) - [138, 138, 58]
    return Volume(
        array=np.repeat(plane[None], 30, axis=0),
        ijk_to_lps=affine,
        units=units,
        modality="CT",
        frame_of_reference_uid=frame,
    )


def test_water_at_technetium_is_fifteen_percent_per_cm():
    assert water_per_mm(140.5) == pytest.approx(0.0154, abs=0.0001)
    assert water_per_mm(140.5) > water_per_mm(208.4) > water_per_mm(364.5)


def test_ct_numbers_are_converted_in_two_straight_lines():
    hu = np.array([-1024, -1000, -500, 0, 1000])

    mu = mu_of_hu(hu, energy_kev=140.5)

    water = water_per_mm(140.5)
    assert mu[:4] == pytest.approx([0, 0, water / 2, water], rel=1e-5)
    # Bone's slope is well below the 1000 HU per mu of water of the softer CT beam.
    assert water < mu[4] < 2 * water * 0.9


def test_the_ct_number_of_bone_is_converted_to_bone():
    bone_hu = 1000 * (bone_per_mm(75) / water_per_mm(75) - 1)

    mu = mu_of_hu(bone_hu, energy_kev=140.5, kvp=120)

    assert float(mu) == pytest.approx(bone_per_mm(140.5), rel=1e-5)


def test_a_ct_lands_on_the_grid_of_the_projections():
    places = simulated([a_cylinder()], views=4, rows=8)

    mu, findings = mu_from_ct(a_ct(), places, energy_kev=140.5, frame_of_reference_uid="1.2.3")

    assert mu.shape == places.image_shape
    assert mu[16, 16, 4] == pytest.approx(water_per_mm(140.5), rel=1e-3)
    assert mu[2, 2, 4] == 0
    area = (mu[:, :, 4] / mu[16, 16, 4]).sum() * 9.6**2
    assert area == pytest.approx(np.pi * 100**2, rel=0.02)
    assert not findings


def test_a_ct_of_another_frame_of_reference_is_pointed_out():
    places = simulated([a_cylinder()], views=4, rows=8)

    _, findings = mu_from_ct(
        a_ct(frame="9.9"), places, energy_kev=140.5, frame_of_reference_uid="1.2.3"
    )

    assert [found.key for found in findings] == ["ct_other_frame"]


def test_a_ct_beside_the_projections_and_one_that_is_no_ct_are_refused():
    places = simulated([a_cylinder()], views=4, rows=8)

    with pytest.raises(Refused, match="ct_beside"):
        mu_from_ct(a_ct(centre=(0, 0, 500.0)), places, energy_kev=140.5)
    with pytest.raises(Refused, match="not_a_ct"):
        mu_from_ct(a_ct(units="CNTS"), places, energy_kev=140.5)


def test_the_outline_of_the_counts_is_that_of_the_body():
    places = simulated([a_cylinder(mu_per_mm=0.0)], views=24, rows=6)
    y, x = (np.indices((32, 32)) - 15.5) * 9.6
    truth = np.hypot(y, x) <= 100

    body = contour_from_image(np.repeat(truth[:, :, None], 6, axis=2).astype(np.float32), places)

    overlap = 2 * (body[:, :, 3] & truth).sum() / (body[:, :, 3].sum() + truth.sum())
    assert overlap > 0.9
    with pytest.raises(Refused, match="no_contour"):
        contour_from_image(np.zeros(places.image_shape, np.float32), places)


def test_an_ellipse_has_the_area_it_states():
    places = simulated([a_cylinder()], views=4, rows=3)

    mask = EllipseContour(10.0, -5.0, 120.0, 80.0).mask(places)

    assert mask[:, :, 1].sum() * 9.6**2 == pytest.approx(np.pi * 120 * 80, rel=0.02)
    with pytest.raises(Refused, match="bad_setting"):
        EllipseContour(0, 0, 0, 10).mask(places)


def test_the_photon_is_the_one_in_the_window():
    assert photon_energy_kev("In-111", EnergyWindow("", 220, 270)) == 245.4
    assert photon_energy_kev("Tc-99m", EnergyWindow("", 0, 0)) == 140.5
    assert photon_energy_kev("", EnergyWindow("", 100, 120)) == 110.0
    with pytest.raises(Refused, match="energy_unknown"):
        photon_energy_kev("", EnergyWindow("", 0, 0))


def test_scatter_left_in_the_data_lowers_the_uniform_value_to_the_usual_one():
    assert uniform_per_mm(140.5, scatter_corrected=False) == pytest.approx(0.012, abs=0.0001)
    assert uniform_per_mm(140.5, scatter_corrected=True) == water_per_mm(140.5)

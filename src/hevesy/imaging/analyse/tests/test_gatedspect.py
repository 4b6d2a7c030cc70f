import hashlib
import json

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from hevesy.imaging.analyse.gatedspect import analyse_gated_spect
from hevesy.imaging.analyse.heart.cycle import curve_of_beat
from hevesy.imaging.analyse.heart.segments import NormalLimits, read_limits, summed_scores
from hevesy.imaging.geometry import Volume
from hevesy.imaging.phantoms.heart import make_beating_heart
from hevesy.imaging.reconstruct.gates import summed
from hevesy.imaging.reconstruct.heartaxis import find_heart_axis
from hevesy.imaging.reconstruct.reorient import short_axis
from hevesy.imaging.refusal import Refused


def limits(mean=100.0, sd=10.0):
    return NormalLimits((mean,) * 17, (sd,) * 17, (-2.0, -3.0, -4.0, -6.0), "made up", False)


def half_a_millimetre_ml(cavity_ml):
    """What half a millimetre, a twelfth of a voxel, of the endocardium makes in volume."""
    a = (cavity_ml * 1000 / (2 / 3 * np.pi * 2.2)) ** (1 / 3)
    b, e = 2.2 * a, np.sqrt(1 - 1 / 2.2**2)
    return 0.5 * np.pi * (a * a + a * b * np.arcsin(e) / e) / 1000


def assert_function_is(found, end_diastole_ml, ejection_fraction, *, harder=1.0):
    systole_ml = end_diastole_ml * (1 - ejection_fraction)
    for key, truth in (("edv_ml", end_diastole_ml), ("esv_ml", systole_ml)):
        assert found.value(key) == pytest.approx(truth, abs=harder * half_a_millimetre_ml(truth))
    points = 100 * harder * half_a_millimetre_ml(systole_ml) / end_diastole_ml
    assert found.value("lvef_percent") == pytest.approx(100 * ejection_fraction, abs=points)


@pytest.mark.parametrize(
    ("end_diastole_ml", "ejection_fraction", "counts"),
    [(120.0, 0.55, 0.0), (70.0, 0.7, 0.0), (200.0, 0.25, 0.0), (120.0, 0.4, 60.0)],
)
def test_volumes_of_a_beating_ellipsoid_are_found(end_diastole_ml, ejection_fraction, counts):
    heart = make_beating_heart(
        end_diastole_ml=end_diastole_ml,
        ejection_fraction=ejection_fraction,
        counts=counts,
        gates=4,
    )

    found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0)

    assert_function_is(found, end_diastole_ml, ejection_fraction)
    assert "extreme_gates" in [one.key for one in found.findings]
    json.dumps(found.as_json(), allow_nan=False)


@pytest.mark.soak
@pytest.mark.parametrize("end_diastole_ml", [50.0, 70.0, 120.0, 200.0])
@pytest.mark.parametrize("ejection_fraction", [0.25, 0.40, 0.55, 0.70])
def test_ejection_fraction_holds_over_sizes_and_over_moving_gates(
    end_diastole_ml, ejection_fraction
):
    heart = make_beating_heart(
        end_diastole_ml=end_diastole_ml,
        ejection_fraction=ejection_fraction,
        moments=3,
        first_turn=0.04,
    )

    found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0)

    assert_function_is(found, end_diastole_ml, ejection_fraction)


def test_two_harmonics_find_the_turning_points_that_eight_gates_blur():
    # Ejection in the first third, quick filling, a pause, and the atrium's kick.
    turn = np.array([0, 0.05, 0.2, 0.35, 0.42, 0.55, 0.65, 0.85, 0.95, 1])
    full = np.array([1, 0.97, 0.4, 0.02, 0, 0.55, 0.75, 0.8, 0.95, 1])
    beat = PchipInterpolator(turn, full)(np.arange(960) / 960)
    for ejected in (25.0, 55.0, 70.0):
        in_gates = (100 - ejected * (1 - beat)).reshape(8, -1).mean(axis=1)

        cycle = curve_of_beat(in_gates)

        assert 100 * (1 - cycle.smallest / cycle.largest) == pytest.approx(ejected, abs=1.5)
        assert 100 * (1 - in_gates.min() / in_gates.max()) < ejected - 2


def test_volumes_hardly_depend_on_the_stated_resolution_and_can_measure_the_wall():
    heart = make_beating_heart(gates=4)
    for fwhm_mm in (10.0, 14.0):
        found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=fwhm_mm)
        # Two millimetres of resolution are to cost no more than one of the endocardium.
        assert_function_is(found, 120.0, 0.6, harder=2.0)

    thin = make_beating_heart(gates=4, wall_mm=8.0)
    found = analyse_gated_spect(thin.gates, spacing_mm=thin.spacing_mm, fwhm_mm=12.0, wall_mm=None)
    assert found.value("wall_mm") == pytest.approx(8.0, abs=0.8)
    assert found.value("edv_ml") == pytest.approx(120.0, abs=4.0)
    assert "wall_measured" in [one.key for one in found.findings]


def test_a_wall_that_thickens_by_half_is_told_to_thicken_by_half():
    heart = make_beating_heart(gates=4)

    found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0)

    truth = 100 * (heart.wall_mm.max() / heart.wall_mm.min() - 1)
    middle = [found.value(f"segment_{n}_thickening_percent") for n in range(7, 13)]
    assert np.mean(middle) == pytest.approx(truth, abs=12.0)


def test_a_defect_lowers_its_own_segments_and_does_not_move_the_volumes():
    heart = make_beating_heart(defect=(60.0, 120.0, 0.3), gates=4)

    found = analyse_gated_spect(
        heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0, limits=limits()
    )

    uptake = {n: found.value(f"segment_{n}_uptake_percent") for n in range(1, 18)}
    assert min(uptake, key=uptake.get) in (4, 10, 15)
    assert uptake[10] < 60 < uptake[7]
    assert abs(uptake[8] - uptake[12]) < 6
    assert found.value("edv_ml") == pytest.approx(120.0, abs=6.0)
    assert found.value("summed_score") > 4
    assert "limits_not_checked" in [one.key for one in found.findings]


def test_the_septum_is_on_the_left_of_the_short_axis():
    heart = make_beating_heart(defect=(150.0, 210.0, 0.2), gates=4, voxel_mm=7.0)

    found = analyse_gated_spect(heart.gates, spacing_mm=heart.spacing_mm, fwhm_mm=12.0)

    uptake = {n: found.value(f"segment_{n}_uptake_percent") for n in range(1, 18)}
    assert min(uptake[8], uptake[9], uptake[14]) < 70
    assert min(uptake[11], uptake[12], uptake[16]) > 85


def test_scores_add_up_and_only_recovery_counts_as_difference():
    stress, rest = np.full(17, 100.0), np.full(17, 100.0)
    stress[:4] = (79.0, 69.0, 59.0, 39.0)
    rest[:5] = (100.0, 69.0, 79.0, 39.0, 79.0)

    found = summed_scores(stress, rest, limits())

    assert (found.stress, found.rest) == (1 + 2 + 3 + 4, 0 + 2 + 1 + 4 + 1)
    assert found.difference == 1 + 0 + 2 + 0


def test_limits_without_a_source_are_refused(tmp_path):
    table = tmp_path / "limits.toml"
    table.write_text(
        f"mean_percent = {[80.0] * 17}\nsd_percent = {[8.0] * 17}\nsteps = [-2, -3, -4, -6]\n"
    )

    with pytest.raises(Refused, match="source"):
        read_limits(table, sha256=hashlib.sha256(table.read_bytes()).hexdigest())


def test_limits_are_those_whose_checksum_was_stated(tmp_path):
    table = tmp_path / "limits.toml"
    table.write_text(
        f"mean_percent = {[80.0] * 17}\nsd_percent = {[8.0] * 17}\nsteps = [-2, -3, -4, -6]\n"
        'source = "site"\nchecked = true\n'
    )
    approved = hashlib.sha256(table.read_bytes()).hexdigest()

    found = read_limits(table, sha256=approved)

    assert (found.sha256, found.checked) == (approved, True)
    table.write_text(table.read_text().replace("8.0", "9.0"))
    with pytest.raises(Refused, match="wrong_checksum"):
        read_limits(table, sha256=approved)


def test_an_empty_image_and_too_few_gates_are_refused():
    for gates in (np.zeros((8, 20, 20, 20)), np.ones((2, 20, 20, 20))):
        with pytest.raises(Refused):
            analyse_gated_spect(gates, spacing_mm=(6.0, 6.0, 6.0), fwhm_mm=12.0)


@pytest.mark.parametrize("stated", [True, False])
def test_a_heart_that_lies_as_in_a_patient_is_brought_to_short_axis(stated):
    heart = make_beating_heart(gates=4)
    along = np.array((-0.6, 0.7, 0.4)) / np.linalg.norm((-0.6, 0.7, 0.4))
    down = np.array((0.0, 0.0, -1.0)) - (-along[2]) * along
    down /= np.linalg.norm(down)
    lateral = np.cross(down, along)
    apex_mm, base_mm = heart.base_mm - 65.0, heart.base_mm
    middle = heart.centre_mm[0]
    place = np.eye(4)
    place[:3, :3] = 6.0 * np.stack((lateral, down, along), axis=1)
    apex, base = (place[:3, :3] @ (middle / 6, middle / 6, k / 6) for k in (apex_mm, base_mm))
    assert lateral[0] > 0.5

    lying = [Volume(one, place, "CNTS", "NM") for one in heart.gates]

    if not stated:
        found = find_heart_axis(summed(lying))
        assert np.degrees(np.arccos(-found.towards_apex @ along)) < 5.0
        apex, base = found.apex_lps, found.base_lps
    gates = [short_axis(one, apex_lps=apex, base_lps=base, spacing_mm=6.0) for one in lying]

    found = analyse_gated_spect(
        [one.array for one in gates], spacing_mm=(6.0, 6.0, 6.0), fwhm_mm=12.5
    )
    assert_function_is(found, 120.0, 0.6, harder=2.0)

"""SUV of whole series: the reference objects that are not at hand, and laws that must hold."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.quantify.tests.pet_scans import PetScan

LEVELS = (0.20, 1.00, 4.00)


def the_levels(slices=4):
    """Slices of zeros with blocks of SUV 0.20, 1.00 and 4.00, mostly 1.00, as the objects have."""
    suv = np.zeros((slices, 6, 6))
    suv[:, 1:5, 1:5] = 1.0
    suv[:, 1, 1], suv[:, 4, 4] = 0.20, 4.00
    return suv


def suv_of(datasets):
    volume = read_series(datasets)
    factor = suv_factor(volume.headers)
    assert factor.refused is None
    return volume, factor, apply_suv(volume, factor).array


def half_a_stored_unit(volume, factor):
    slopes = np.array([one.rescale_slope for one in volume.slices])
    return 0.5 * float(np.max(slopes * np.array(factor.per_slice))) * (1 + 1e-6)


def dro_2_2(scan):
    """GML holding SUV by ideal weight; sex O is the mean of 72.38 kg and 66.43 kg."""
    return scan.written(the_levels() * 69.405 / 70, slopes=[5e-4] * 4, Units="GML", SUVType="IBW")


def dro_2_3(scan):
    """CM2ML holding SUV by body surface, stored in hundredths as published."""
    surface_cm2 = 71.84 * 70**0.425 * 175**0.725
    return scan.written(
        the_levels() * surface_cm2 / 70_000, slopes=[0.01] * 4, Units="CM2ML", SUVType="BSA"
    )


def dro_2_5(scan):
    """Philips counts with only the activity factor."""
    counts = scan.bq_per_ml(the_levels(), scan.reference) / 2.5
    return scan.written(counts, slopes=[1] * 4, Units="CNTS", philips_activity="2.5")


def dro_3_2(scan):
    """A series made after the acquisition: the reference follows from Frame Reference Time."""
    acquired = scan.later(600)
    return scan.written(
        scan.bq_per_ml(the_levels(), scan.reference),
        slopes=[1] * 4,
        acquired=[acquired] * 4,
        series=scan.later(4 * 3600),
        FrameReferenceTime=f"{1000 * (600 + scan.mean_activity_s()):.3f}",
    )


def dro_3_4(scan):
    """No decay correction, two bed positions."""
    beds = [scan.later(0), scan.later(0), scan.later(310), scan.later(310)]
    middle_s = scan.mean_activity_s()
    values = [
        scan.bq_per_ml(plane, scan.later((bed - scan.reference).total_seconds() + middle_s))
        for plane, bed in zip(the_levels(), beds, strict=True)
    ]
    return scan.written(values, slopes=[1] * 4, acquired=beds, correction="NONE")


def dro_4_1(scan):
    """Time of injection without a date."""
    concentration = scan.bq_per_ml(the_levels(), scan.reference)
    return scan.written(concentration, slopes=[1] * 4, injection="time")


def dro_4_2(scan):
    """Injected at half past eleven at night, scanned an hour later."""
    scan.injected = datetime(2025, 1, 1, 23, 30)  # noqa: DTZ001
    scan.reference = datetime(2025, 1, 2, 0, 30)  # noqa: DTZ001
    return dro_4_1(scan)


def dro_5_0(scan):
    """Ga-68."""
    scan.half_life_s = 4057.7
    return scan.written(scan.bq_per_ml(the_levels(), scan.reference), slopes=[1] * 4)


@pytest.mark.clause("6.15")
@pytest.mark.parametrize(
    ("variant", "factor_stated"),
    [
        (dro_2_2, 70 / 69.405),
        (dro_2_3, None),
        (dro_2_5, 2.5 * 2.777781e-4),
        (dro_3_2, 2.777781e-4),
        (dro_3_4, None),
        (dro_4_1, 2.777781e-4),
        (dro_4_2, 2.777781e-4),
        (dro_5_0, 3.517469e-4),
    ],
)
def test_the_reference_variants_that_are_not_at_hand_have_the_stated_suv(variant, factor_stated):
    volume, factor, suv = suv_of(variant(PetScan()))

    inside = suv[suv > 0]
    found = inside.min(), np.median(inside), inside.max()
    assert found == pytest.approx(LEVELS, abs=half_a_stored_unit(volume, factor))
    if factor_stated:
        assert factor.per_slice == pytest.approx([factor_stated], rel=1e-6)


def test_half_a_stored_unit_is_a_tolerance_that_catches_a_wrong_time():
    volume, factor, suv = suv_of(dro_3_4(PetScan()))
    by_frame_start = suv[:2].max() * 2 ** (-PetScan().mean_activity_s() / 6586.2)
    assert abs(by_frame_start - 4.0) > half_a_stored_unit(volume, factor)


def the_same_volume_in_every_form(scan, suv):
    """One examination as each scanner and setting would write it."""
    concentration = scan.bq_per_ml(suv, scan.reference)
    n = len(suv)
    beds = [scan.later(200.0 * k) for k in range(n)]
    middle_s = scan.mean_activity_s()
    undone = [
        scan.bq_per_ml(plane, scan.later(200.0 * k + middle_s)) for k, plane in enumerate(suv)
    ]
    varying = [float(concentration.max()) / 30_000 * (1 + k) for k in range(n)]
    bmi = scan.weight_kg / scan.height_m**2
    lean = 9270 * scan.weight_kg / (6680 + 216 * bmi)
    return {
        "BQML": scan.written(concentration),
        "varying slopes": scan.written(concentration, slopes=varying),
        "GML": scan.written(suv, Units="GML", SUVType="BW"),
        "GML without type": scan.written(suv, Units="GML"),
        "GML lean": scan.written(
            suv * lean / scan.weight_kg, Units="GML", SUVType="LBMJANMA", PatientSex="M"
        ),
        "Philips SUV factor": scan.written(suv / 0.0007, Units="CNTS", philips_suv="0.0007"),
        "Philips activity factor": scan.written(
            concentration / 1.7, Units="CNTS", philips_activity="1.7"
        ),
        "Philips factors beside BQML": scan.written(
            concentration, philips_suv="0.5", philips_activity="9"
        ),
        "ADMIN": scan.written(scan.bq_per_ml(suv), correction="ADMIN"),
        "NONE": scan.written(undone, acquired=beds, correction="NONE"),
    }


@pytest.mark.clause("6.15")
@given(
    suv=st.lists(st.floats(0.0, 60.0), min_size=8, max_size=8),
    weight_kg=st.floats(3.0, 180.0),
    uptake_s=st.integers(60, 20_000),
    half_life_s=st.sampled_from([6586.2, 4057.7, 1223.4, 282276.0]),
)
@settings(max_examples=10)
def test_one_examination_written_in_every_form_has_one_suv(suv, weight_kg, uptake_s, half_life_s):
    scan = PetScan(weight_kg=round(weight_kg, 2), half_life_s=half_life_s)
    scan.reference = scan.injected + timedelta(seconds=uptake_s)
    truth = np.array(suv).reshape(2, 2, 2)
    truth[0, 0, 0] = 5.0

    for form, datasets in the_same_volume_in_every_form(scan, truth).items():
        volume, factor, found = suv_of(datasets)
        quantum = half_a_stored_unit(volume, factor) + 1e-6 * truth.max()
        np.testing.assert_allclose(found, truth, atol=quantum, rtol=1e-6, err_msg=form)


@given(order=st.permutations(range(6)))
@settings(max_examples=20)
def test_the_order_of_the_files_makes_no_difference(order):
    scan = PetScan()
    beds = [scan.later(100.0 * k) for k in range(6)]
    values = scan.bq_per_ml(the_levels(6), scan.reference) * np.arange(1, 7)[:, None, None]
    datasets = scan.written(values, acquired=beds, correction="NONE")

    _, sorted_factor, sorted_suv = suv_of(datasets)
    _, factor, suv = suv_of([datasets[k] for k in order])

    assert factor.per_slice == sorted_factor.per_slice
    np.testing.assert_array_equal(suv, sorted_suv)

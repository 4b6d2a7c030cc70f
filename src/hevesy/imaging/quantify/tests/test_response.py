import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.earl import earl_verdict
from hevesy.imaging.quantify.response import (
    PercistScan,
    conventions,
    deauville,
    liver_check,
    percist,
    percist_threshold,
    qpet,
)
from hevesy.imaging.quantify.sphere_model import blurred_sphere
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.thresholds import segment
from hevesy.imaging.quantify.voi import Voi
from hevesy.imaging.refusal import Refused

BEFORE = PercistScan((4.0, 8.0), liver=(1.6, 0.2), tlg_ml=100.0, uptake_min=60, dose_mbq=300)


def after(*peaks, **changes):
    told = {"liver": (1.6, 0.2), "tlg_ml": 100.0, "uptake_min": 62, "dose_mbq": 310} | changes
    return PercistScan(peaks, **told)


@pytest.mark.parametrize(
    ("scan", "new_lesion", "expected"),
    [
        (after(5.6), False, "PMR"),
        (after(5.61), False, "SMD"),
        (after(10.4), False, "PMD"),
        (after(10.39), False, "SMD"),
        (after(1.6), False, "PMR"),
        (after(1.59), False, "CMR"),
        (after(), False, "CMR"),
        (after(), True, "PMD"),
        (after(8.0, tlg_ml=175.0), False, "PMD"),
        (after(8.0, tlg_ml=174.9), False, "SMD"),
        # The hottest lesion of each scan counts, whichever it is.
        (after(3.0, 7.9), False, "SMD"),
    ],
)
def test_percist_parts_response_at_its_limits(scan, new_lesion, expected):
    found = percist(BEFORE, scan, new_lesion=new_lesion)

    assert found.value == expected
    assert found.rule == "PERCIST 1.0"
    assert found.values["sulpeak_before"] == 8.0
    assert found.as_json()["checked"] is False


def test_thirty_percent_of_a_faint_lesion_needs_eight_tenths_as_well():
    faint = PercistScan((2.5,), liver=(1.2, 0.2))

    assert percist(faint, after(1.71), new_lesion=False).value == "SMD"
    assert percist(faint, after(1.69), new_lesion=False).value == "PMR"


def test_a_measurable_lesion_reaches_the_liver_or_the_blood_pool_threshold():
    assert percist_threshold(BEFORE) == pytest.approx(1.5 * 1.6 + 2 * 0.2)
    diseased = PercistScan((4.0,), blood_pool=(1.4, 0.1))
    assert percist_threshold(diseased) == pytest.approx(2 * 1.4 + 2 * 0.1)

    for scan, key in (
        (PercistScan((2.79,), liver=(1.6, 0.2)), "not_measurable"),
        (PercistScan((9.0,)), "no_reference_region"),
    ):
        with pytest.raises(Refused) as refused:
            percist(scan, after(1.0), new_lesion=False)
        assert refused.value.key == key


def test_scans_that_are_hard_to_compare_say_so_beside_the_class():
    odd = after(5.0, liver=(2.0, 0.2), uptake_min=76, dose_mbq=370)

    fair, doubtful = (percist(BEFORE, scan, new_lesion=False) for scan in (after(5.0), odd))

    assert fair.value == doubtful.value == "PMR"
    assert (len(fair.reasons), len(doubtful.reasons)) == (1, 4)


@pytest.mark.parametrize(
    ("lesion", "score"), [(None, 1), (1.8, 2), (1.81, 3), (2.5, 3), (2.51, 4), (5.0, 4), (5.01, 5)]
)
def test_deauville_steps_at_mediastinum_liver_and_twice_the_liver(lesion, score):
    assert deauville(lesion, mediastinum_max=1.8, liver_max=2.5).value == score
    assert deauville(lesion, mediastinum_max=1.8, liver_max=2.5, new_lesion=True).value == 5


@pytest.mark.parametrize(
    ("ratio", "score"), [(0.94, 2), (0.95, 3), (1.29, 3), (1.3, 4), (1.99, 4), (2.0, 5)]
)
def test_qpet_steps_where_hasenclever_puts_them(ratio, score):
    found = qpet(ratio * 2.0, liver_mean=2.0)

    assert found.value == score
    assert found.values["qpet"] == pytest.approx(ratio)


def test_the_liver_check_passes_between_its_bounds():
    assert [liver_check(x).value for x in (1.29, 1.3, 2.0, 3.0, 3.01)] == [0, 1, 1, 1, 0]


def test_a_department_may_keep_its_own_numbers(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[deauville]\nsource = 'ours'\nchecked = true\nmarkedly_above_liver = 3.0\n")

    found = deauville(7.4, mediastinum_max=1.8, liver_max=2.5, table=conventions(own))

    assert (found.value, found.source, found.checked) == (4, "ours", True)


def test_every_table_has_a_source_and_hopkins_is_words_only():
    for name, table in conventions().items():
        assert table["source"] and table["checked"] in (True, False), name
    assert [row["score"] for row in conventions()["hopkins"]["scores"]] == [1, 2, 3, 4, 5]


def recoveries(fwhm_mm):
    """A50 and maximum of the six spheres of a phantom 10 to 1, at one resolution on 2 mm voxels."""
    a50, top = {}, {}
    for diameter in (37, 28, 22, 17, 13, 10):
        n = int(diameter / 2 + 22)
        z, y, x = np.ogrid[-n : n + 1 : 2, -n : n + 1 : 2, -n : n + 1 : 2]
        f = blurred_sphere(np.sqrt(z**2 + y**2 + x**2), radius_mm=diameter / 2, fwhm_mm=fwhm_mm)
        volume = Volume((1 + 9 * f).astype(np.float32), np.diag([2, 2, 2, 1.0]), "BQML", "PT")
        voi = segment(volume, Voi.of_mask(np.ones_like(f, bool)), "A50").voi
        found = statistics(volume, voi)
        a50[diameter], top[diameter] = found.mean / 10, found.max / 10
    return {"a50": a50, "max": top}


# A sharp image recovers too much of the smallest spheres, a blurred one too little. EARL 2 asks of
# its scanners a resolution below 6 mm, EARL 1 was made for filters of about 7 to 9 mm.
@pytest.mark.parametrize(
    ("fwhm_mm", "standard", "measure", "failing"),
    [
        (8.0, "standards_1", "a50", set()),
        (8.0, "standards_1", "max", set()),
        (5.0, "standards_2", "a50", set()),
        (4.0, "standards_1", "a50", {37, 28, 22, 17, 13, 10}),
        (4.0, "standards_1", "max", {13, 10}),
        (11.0, "standards_1", "max", {17, 13, 10}),
        (11.0, "standards_1", "a50", {17, 13, 10}),
        (8.0, "standards_2", "a50", {37, 28, 22, 17, 13, 10}),
    ],
)
def test_a_blurred_phantom_passes_earl_only_where_its_resolution_fits(
    fwhm_mm, standard, measure, failing
):
    found = earl_verdict(recoveries(fwhm_mm)[measure], standard=standard, measure=measure)

    assert {one.diameter_mm for one in found.spheres if not one.passed} == failing
    assert found.passed is not bool(failing)


def test_earl_wants_every_sphere_and_counts_its_bounds():
    limits = {37: 0.85, 28: 0.82, 22: 0.80, 17: 0.76, 13: 0.63, 10: 0.39}

    found = earl_verdict(limits, standard="standards_2", measure="a50")

    assert found.passed and not found.checked
    assert not earl_verdict(limits | {10: 0.38}, standard="standards_2", measure="a50").passed
    del limits[13]
    with pytest.raises(Refused) as refused:
        earl_verdict(limits, standard="standards_2", measure="a50")
    assert refused.value.key == "sphere_missing"

"""The table of a whole person: references, classes, places, measures and sums."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.measured import measured_in
from hevesy.imaging.segment.lesions.report import find_lesions
from hevesy.imaging.segment.lesions.tests.torso import person

LUNG = ((-80, 10, -360), 12, 7.0)
BONE = ((10, 46, -650), 10, 9.0)


@pytest.fixture(scope="module")
def healthy():
    return find_lesions(*person())


@pytest.fixture(scope="module")
def ill():
    return find_lesions(*person([LUNG, BONE]))


def row_at(report, centre):
    """The row whose region holds a place."""
    distance = [np.linalg.norm(np.subtract(r.statistics.centroid_lps, centre)) for r in report.rows]
    assert min(distance) < 6
    return report.rows[int(np.argmin(distance))]


@pytest.mark.clause("6.16")
def test_landmarks_liver_and_blood_lie_where_they_were_painted(healthy):
    told = healthy.anatomy.landmarks

    assert told["vertex"] == pytest.approx(0, abs=10)
    assert told["neck"] == pytest.approx(-290, abs=15)
    assert -495 < told["dome"] < -440
    assert told["crest"] == pytest.approx(-685, abs=20)
    assert told["pubis"] == pytest.approx(-860, abs=14)
    assert healthy.liver.mean == pytest.approx(2.2, rel=0.02)
    assert healthy.liver.std / healthy.liver.mean < 0.05
    assert healthy.blood_pool.mean == pytest.approx(1.6, rel=0.03)
    assert healthy.blood_pool.centre_lps[:2] == pytest.approx((24, 18), abs=9)
    assert "liver_uneven" not in {one.key for one in healthy.findings}


@pytest.mark.clause("6.16")
def test_organs_are_told_by_class_and_nothing_healthy_is_suggested(healthy):
    found = {
        row.class_key: row.statistics.centroid_lps for row in healthy.rows if row.found_by == "rule"
    }

    assert set(found) == {"brain", "kidney", "heart", "bladder"}
    assert found["bladder"] == pytest.approx((0, -45, -800), abs=4)
    assert not any(row.included for row in healthy.rows)
    assert healthy.burden().tmtv_ml == 0


@pytest.mark.clause("6.16")
def test_an_inserted_lesion_adds_exactly_one_row_with_its_place_and_measures(healthy, ill):
    only_lung = find_lesions(*person([LUNG]))

    assert len(only_lung.rows) == len(healthy.rows) + 1
    assert len(ill.rows) == len(healthy.rows) + 2
    lung, bone = row_at(ill, LUNG[0]), row_at(ill, BONE[0])
    assert lung.place_en.startswith("lung, middle third, right, 7")
    assert lung.place_zh.startswith("肺中三分之一，右侧，肺尖下方 7")
    assert bone.place_en.startswith("spine, midline")
    assert lung.included and bone.included
    voxels = lung.voi.voxels
    assert lung.statistics.max == lung.statistics.mean == 7.0
    assert lung.statistics.volume_ml == pytest.approx(voxels * 0.216)
    assert ill.burden().ttlg == pytest.approx(
        7 * lung.statistics.volume_ml + 9 * bone.statistics.volume_ml
    )
    assert ill.burden({bone.number}).tmtv_ml == bone.statistics.volume_ml
    assert ill.burden().hottest_number == bone.number
    assert ill.burden({lung.number}).hottest_number == lung.number


@pytest.mark.clause("6.15")
def test_the_same_lesions_in_sul_have_all_numbers_and_references_by_its_factor(ill):
    pet, _ = person([LUNG, BONE])
    sul = pet.with_values(pet.array * np.float32(0.75), units="SUVlbmjanma")

    found = measured_in(ill, sul, 0.75)

    assert (found.units, found.level, found.level_units) == ("SUVlbmjanma", 4.0, "SUVbw")
    assert found.liver.mean == pytest.approx(0.75 * ill.liver.mean)
    assert found.blood_pool.std == pytest.approx(0.75 * ill.blood_pool.std)
    assert found.liver.units == "SUVlbmjanma"
    for one, other in zip(ill.rows, found.rows, strict=True):
        assert other.voi is one.voi
        assert other.statistics.max == pytest.approx(0.75 * one.statistics.max)
        assert other.peak.value == pytest.approx(0.75 * one.peak.value)
        assert other.features == one.features
    assert found.burden().ttlg == pytest.approx(0.75 * ill.burden().ttlg)


def test_a_mirrored_patient_has_mirrored_sides(ill):
    pet, ct = person([LUNG, BONE])
    mirrored = find_lesions(*(replace(v, array=v.array[:, :, ::-1].copy()) for v in (pet, ct)))

    x, y, z = LUNG[0]
    row = row_at(mirrored, (-x, y, z))

    assert ", left, " in row.place_en and "左侧" in row.place_zh
    assert row.statistics.volume_ml == row_at(ill, LUNG[0]).statistics.volume_ml


def test_the_way_the_slices_are_stored_changes_nothing(ill):
    pet, ct = person([LUNG, BONE])
    flip = np.diag([1.0, 1.0, -1.0, 1.0])
    flip[2, 3] = pet.array.shape[0] - 1

    turned = find_lesions(
        *(replace(v, array=v.array[::-1].copy(), ijk_to_lps=v.ijk_to_lps @ flip) for v in (pet, ct))
    )

    assert [row.place_en for row in turned.rows] == [row.place_en for row in ill.rows]
    assert np.array_equal(turned.label_volume()[::-1], ill.label_volume())


def test_an_odd_liver_is_told_and_not_corrected():
    pet, ct = person()
    doubled = find_lesions(replace(pet, array=pet.array * 2), ct)

    assert doubled.liver.mean == pytest.approx(4.4, rel=0.02)
    assert "liver_suv_unusual" in {one.key for one in doubled.findings}


def test_an_organ_out_of_its_place_is_no_organ():
    heart = ((60, -30, -450), 34, 0.6)
    moved = ((-75, 10, -390), 30, 6.0)

    report = find_lesions(*person([heart, moved]))

    assert row_at(report, moved[0]).class_key == "other"
    assert "heart" not in {row.class_key for row in report.rows}


def test_labels_are_the_rows_and_hold_all_that_is_above_the_level(ill):
    pet, _ = person([LUNG, BONE])
    labels = ill.label_volume()

    assert {int(n) for n in np.unique(labels)} == {0, *(row.number for row in ill.rows)}
    by_rule = [row.number for row in ill.rows if row.found_by == "rule"]
    assert np.array_equal(np.isin(labels, by_rule), pet.array >= 4.0)


def test_without_ct_the_list_is_the_same_and_places_are_estimates(ill):
    alone = find_lesions(person([LUNG, BONE])[0])

    assert sorted(r.voi.voxels for r in alone.rows) == sorted(r.voi.voxels for r in ill.rows)
    assert {"places_without_ct", "no_blood_pool"} <= {one.key for one in alone.findings}
    assert {"brain", "bladder", "kidney"} <= {row.class_key for row in alone.rows}
    assert row_at(alone, LUNG[0]).included
    assert row_at(alone, LUNG[0]).hu_median is None


def test_a_rule_of_each_lesion_bounds_every_region_by_its_own_maximum():
    pet, ct = person([LUNG])
    broad = find_lesions(pet, ct, rule="P41")
    narrow = find_lesions(pet, ct, rule="P50")

    assert broad.level is None
    for row in broad.rows:
        if row.found_by == "rule":
            assert row.statistics.min >= 0.41 * row.statistics.max
    volumes = [sum(r.statistics.volume_ml for r in one.rows) for one in (broad, narrow)]
    assert volumes[0] >= volumes[1]


def test_a_reference_in_other_units_is_refused(healthy):
    stored = replace(healthy.liver, units="BQML")

    with pytest.raises(Refused, match="reference_units"):
        find_lesions(*person(), rule="LIV", liver=stored)


def test_the_liver_sets_the_level_of_the_rules_that_ask_for_it(ill):
    report = find_lesions(*person([LUNG, BONE]), rule="LIV")

    assert report.level == pytest.approx(1.5 * report.liver.mean + 2 * report.liver.std)


def test_the_answer_is_json_and_says_that_tables_are_unchecked(ill):
    told = json.loads(json.dumps(ill.as_json(), allow_nan=False))

    assert told["totals_of_included"]["lesions"] == 2
    assert {one["table"]: one["checked"] for one in told["tables"]} == {
        "classes": False,
        "places": False,
        "score": False,
    }
    assert told["rule_zh"] == "SUV ≥ 4.0"


@pytest.mark.parametrize("tracer", ["PSMA", "SSTR"])
def test_other_tracers_have_tables_of_their_own(tracer):
    report = find_lesions(*person([LUNG]), tracer=tracer)

    kinds = {row.class_key for row in report.rows}
    assert {"kidney", "bladder"} <= kinds
    assert row_at(report, LUNG[0]).included


def test_what_cannot_be_answered_is_refused_by_name():
    pet, ct = person()
    empty = Volume(np.zeros((20, 20, 20), np.float32), np.eye(4), "SUVbw", "PT")
    elsewhere = replace(ct, frame_of_reference_uid="1.2"), replace(pet, frame_of_reference_uid="1")

    for key, call in (
        ("not_suv", lambda: find_lesions(replace(pet, units="BQML"))),
        ("unknown_threshold_rule", lambda: find_lesions(pet, rule="F9")),
        ("unknown_tracer", lambda: find_lesions(pet, tracer="X")),
        ("no_body", lambda: find_lesions(empty)),
        ("other_frame_of_reference", lambda: find_lesions(elsewhere[1], elsewhere[0])),
    ):
        with pytest.raises(Refused) as refusal:
            call()
        assert refusal.value.key == key

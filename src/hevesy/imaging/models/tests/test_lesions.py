"""A model beside the rules: it adds and names, and nothing above the rule is lost."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.geometry import Volume
from hevesy.imaging.models import Prediction, read_model
from hevesy.imaging.models.lesions import as_json, proposals, with_model
from hevesy.imaging.models.tests.folders import a_model, convolution
from hevesy.imaging.segment.lesions.report import find_lesions, ordered

SHAPE = (32, 40, 44)
SPACING_MM = 4.0
# Centre (LPS mm), radius (mm) and SUV in a body of SUV 1; the faint one is below the rule.
HOT = ((-48, 8, -32), 9, 7.0)
FAINT = ((40, 10, 20), 10, 2.8)
# Its hottest place: a flat top has none, and is no focus of contrast.
CORE = ((40, 10, 20), 5, 3.2)
OTHER = ((-30, 0, 30), 11, 8.0)
ORGANS = [
    {"value": 1, "key": "stomach", "en": "stomach", "zh": "胃", "physiological": True},
    {"value": 2, "key": "liver", "en": "liver", "zh": "肝脏"},
]


def ball(centre, radius_mm):
    places = [(np.arange(n) - (n - 1) / 2) * SPACING_MM for n in SHAPE]
    z, y, x = np.meshgrid(*places, indexing="ij")
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 + (z - centre[2]) ** 2 <= radius_mm**2


def a_prediction(folder, pet, labels, **changes):
    """What a model would say, without running one."""
    model = read_model(a_model(folder, convolution(np.ones((1, 1, 1, 1, 1))), **changes))
    volume = replace(pet, array=labels.astype(np.uint16), units="LABEL", modality="SEG")
    return Prediction(model, volume, "cpu", {}, ())


def row_at(report, centre):
    distance = [np.linalg.norm(np.subtract(r.statistics.centroid_lps, centre)) for r in report.rows]
    assert min(distance) < 6
    return report.rows[int(np.argmin(distance))]


def by(report, found_by):
    """Numbers of the rows that were found so."""
    return [row.number for row in report.rows if row.found_by == found_by]


@pytest.fixture(scope="module")
def pet():
    array = np.zeros(SHAPE, dtype=np.float32)
    array[:, 6:34, 4:40] = 1
    for centre, radius_mm, suv in (HOT, FAINT, CORE, OTHER):
        array[ball(centre, radius_mm)] = suv
    affine = np.diag([SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * SPACING_MM for n in reversed(SHAPE)]
    return Volume(array, affine, "SUVbw", "PT")


@pytest.fixture(scope="module")
def by_rule(pet):
    return find_lesions(pet)


@pytest.fixture(scope="module")
def suspected(by_rule):
    """The same with all of the rule suggested: in so small a body the classes mean nothing."""
    rows = [
        replace(row, class_key="other", included=row.found_by == "rule") for row in by_rule.rows
    ]
    return replace(by_rule, rows=ordered(rows))


@pytest.mark.clause("6.16")
def test_every_row_of_the_rule_stays_and_what_the_model_adds_does_not_count(tmp_path, pet, by_rule):
    # Found: the faint one, a rim around a hot one, and nothing of all other rows.
    labels = ball(FAINT[0], 10) | ball(HOT[0], 15)
    prediction = a_prediction(tmp_path, pet, labels)

    report = with_model(find_lesions(pet, proposed=proposals(pet, prediction)), prediction)

    assert np.array_equal(np.isin(report.label_volume(), by(report, "rule")), pet.array >= 4.0)
    (added,) = [row for row in report.rows if row.number in by(report, "model")]
    assert row_at(by_rule, FAINT[0]).found_by == "contrast"
    assert row_at(report, FAINT[0]) is added and not added.included
    assert np.array_equal(added.voi.whole(), ball(FAINT[0], 10))
    assert np.count_nonzero(report.label_volume()) == sum(row.voi.voxels for row in report.rows)
    assert report.burden(by(report, "rule")) == by_rule.burden(by(by_rule, "rule"))
    assert report.burden() == by_rule.burden()
    told = {one.key: one for one in report.findings}
    rim = ball(HOT[0], 15) & ~ball(HOT[0], 9)
    assert told["model_beyond_rows"].values["volume_ml"] == pytest.approx(rim.sum() * 0.064)
    assert "not CE/NMPA evaluated" in told["model_used"].text_en


@pytest.mark.clause("6.16")
def test_a_region_of_the_model_makes_no_pair_with_what_the_rule_found(tmp_path, pet):
    # Mirrored, of like size and uptake: between rows of the rule that would be a pair of glands.
    (x, y, z), radius_mm, _ = HOT
    array = np.where(ball(HOT[0], radius_mm), np.float32(5.0), pet.array)
    # In warm surroundings it is no focus of contrast, which may be one of a pair.
    array[ball((-x, y, z), 24)] = 2.4
    array[ball((-x, y, z), radius_mm)] = 3.9
    pet = replace(pet, array=array)
    alone = row_at(find_lesions(pet), HOT[0])
    prediction = a_prediction(tmp_path, pet, ball((-x, y, z), radius_mm))

    report = find_lesions(pet, proposed=proposals(pet, prediction))

    assert row_at(report, (-x, y, z)).found_by == "model"
    assert row_at(find_lesions(pet, rule="F2.5"), HOT[0]).features["pair"] == 1
    assert row_at(report, HOT[0]).features == alone.features
    assert row_at(report, HOT[0]).features["pair"] == 0


def test_a_model_that_sees_nothing_changes_nothing_but_says_that_it_was_used(
    tmp_path, pet, by_rule
):
    prediction = a_prediction(tmp_path, pet, np.zeros(pet.array.shape))

    report = with_model(find_lesions(pet, proposed=proposals(pet, prediction)), prediction)

    assert [row.as_json() for row in report.rows] == [row.as_json() for row in by_rule.rows]
    assert [one.key for one in report.findings][len(by_rule.findings) :] == ["model_used"]


def test_an_organ_names_what_lies_mostly_inside_it(tmp_path, pet, suspected):
    labels = ball(OTHER[0], 24) * 2
    hot = ball(HOT[0], 9)
    places = np.argwhere(hot)
    assert len(places) % 2 == 0
    half = places[: len(places) // 2]
    labels[tuple(half.T)] = 1
    prediction = a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS)

    assert proposals(pet, prediction) == []
    report = with_model(suspected, prediction)

    # A lesion of the liver stays a lesion: only physiological organs leave the sums.
    liver = row_at(report, OTHER[0])
    assert (liver.class_key, liver.class_zh, liver.included) == ("liver", "肝脏", True)
    assert row_at(report, HOT[0]).class_key == "other"

    labels[tuple(places[: len(places) // 2 + 1].T)] = 1
    more = with_model(suspected, a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS))

    stomach = row_at(more, HOT[0])
    assert (stomach.class_key, stomach.class_en, stomach.included) == ("stomach", "stomach", False)
    assert [row.number for row in more.rows] == list(range(1, len(suspected.rows) + 1))
    assert stomach.number > row_at(more, OTHER[0]).number
    assert len(more.rows) == len(suspected.rows)
    assert (suspected.burden().lesions, more.burden().lesions) == (2, 1)


def test_the_answer_names_the_share_of_each_row_in_each_label(tmp_path, pet, by_rule):
    labels = ball(OTHER[0], 20) * 2
    prediction = a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS)
    report = with_model(by_rule, prediction)

    told = json.loads(json.dumps(as_json(report, prediction), allow_nan=False))

    assert told["rows"] == [{"number": row_at(report, OTHER[0]).number, "shares": {"liver": 1.0}}]
    assert told["labels"][1]["volume_ml"] == pytest.approx(ball(OTHER[0], 20).sum() * 0.064)

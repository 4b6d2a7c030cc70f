"""A model beside the rules: it adds and names, and nothing above the rule is lost."""

import json
from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.models import Prediction, read_model
from hevesy.imaging.models.lesions import as_json, proposals, with_model
from hevesy.imaging.models.tests.folders import a_model, convolution
from hevesy.imaging.segment.lesions.report import find_lesions
from hevesy.imaging.segment.lesions.tests.torso import axes, person

LUNG = ((-78, 12, -360), 12, 7.0)
FAINT = ((80, 10, -340), 10, 2.8)
# Its hottest place: a flat top has none, and is no focus of contrast.
CORE = ((80, 10, -340), 5, 3.2)
LIVER = ((-80, 10, -560), 14, 8.0)
ORGANS = [
    {"value": 1, "key": "stomach", "en": "stomach", "zh": "胃", "physiological": True},
    {"value": 2, "key": "liver", "en": "liver", "zh": "肝脏"},
]


def ball(centre, radius_mm):
    away = sum((axis - c) ** 2 for axis, c in zip(axes(), centre, strict=True))
    return away <= radius_mm**2


def a_prediction(folder, pet, labels, **changes):
    """What a model would say, without running one."""
    model = read_model(a_model(folder, convolution(np.ones((1, 1, 1, 1, 1))), **changes))
    volume = replace(pet, array=labels.astype(np.uint16), units="LABEL", modality="SEG")
    return Prediction(model, volume, "cpu", {}, ())


def row_at(report, centre):
    distance = [np.linalg.norm(np.subtract(r.statistics.centroid_lps, centre)) for r in report.rows]
    assert min(distance) < 6
    return report.rows[int(np.argmin(distance))]


@pytest.fixture(scope="module")
def images():
    return person([LUNG, FAINT, CORE, LIVER])


@pytest.fixture(scope="module")
def by_rule(images):
    return find_lesions(*images)


@pytest.mark.clause("6.16")
def test_every_row_of_the_rule_stays_and_what_the_model_adds_does_not_count(
    tmp_path, images, by_rule
):
    pet, ct = images
    # Found: the faint one, a rim around the one in the lung, and nothing of all other rows.
    labels = ball(FAINT[0], 10) | ball(LUNG[0], 19)
    prediction = a_prediction(tmp_path, pet, labels)

    report = with_model(find_lesions(pet, ct, proposed=proposals(pet, prediction)), prediction)

    def hot(told):
        return sorted(row.voi.index_kji.tolist() for row in told.rows if row.found_by == "rule")

    assert hot(report) == hot(by_rule)
    assert np.array_equal(
        np.isin(report.label_volume(), [r.number for r in report.rows if r.found_by == "rule"]),
        pet.array >= 4.0,
    )
    (added,) = [row for row in report.rows if row.found_by == "model"]
    assert row_at(by_rule, FAINT[0]).found_by == "contrast"
    assert row_at(report, FAINT[0]) is added and not added.included
    assert np.array_equal(added.voi.whole(), ball(FAINT[0], 10))
    assert np.count_nonzero(report.label_volume()) == sum(row.voi.voxels for row in report.rows)
    assert report.burden() == by_rule.burden()
    told = {one.key: one for one in report.findings}
    rim = ball(LUNG[0], 19) & ~ball(LUNG[0], 12)
    assert told["model_beyond_rows"].values["volume_ml"] == pytest.approx(rim.sum() * 0.216)
    assert "not CE/NMPA evaluated" in told["model_used"].text_en


def test_a_model_that_sees_nothing_changes_nothing_but_says_that_it_was_used(
    tmp_path, images, by_rule
):
    pet, ct = images
    prediction = a_prediction(tmp_path, pet, np.zeros(pet.array.shape))

    report = with_model(find_lesions(pet, ct, proposed=proposals(pet, prediction)), prediction)

    assert [row.as_json() for row in report.rows] == [row.as_json() for row in by_rule.rows]
    assert [one.key for one in report.findings][len(by_rule.findings) :] == ["model_used"]


def test_an_organ_names_what_lies_mostly_inside_it(tmp_path, images, by_rule):
    pet, _ = images
    labels = ball((-75, 0, -560), 60) * 2
    lung = ball(LUNG[0], 12)
    places = np.argwhere(lung)
    assert len(places) % 2 == 0
    half = places[: len(places) // 2]
    labels[tuple(half.T)] = 1
    prediction = a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS)

    assert proposals(pet, prediction) == []
    report = with_model(by_rule, prediction)

    # A lesion of the liver stays a lesion: only physiological organs leave the sums.
    liver = row_at(report, LIVER[0])
    assert (liver.class_key, liver.class_zh, liver.included) == ("liver", "肝脏", True)
    assert row_at(report, LUNG[0]).class_key == row_at(by_rule, LUNG[0]).class_key == "other"

    labels[tuple(places[: len(places) // 2 + 1].T)] = 1
    more = with_model(by_rule, a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS))

    stomach = row_at(more, LUNG[0])
    assert (stomach.class_key, stomach.class_en, stomach.included) == ("stomach", "stomach", False)
    assert [row.number for row in more.rows] == list(range(1, len(by_rule.rows) + 1))
    assert stomach.number > row_at(more, LIVER[0]).number
    assert len(more.rows) == len(by_rule.rows)
    assert more.burden().lesions == by_rule.burden().lesions - 1


def test_the_answer_names_the_share_of_each_row_in_each_label(tmp_path, images, by_rule):
    pet, _ = images
    labels = ball(LIVER[0], 40) * 2
    prediction = a_prediction(tmp_path, pet, labels, task="organ", label=ORGANS)
    report = with_model(by_rule, prediction)

    told = json.loads(json.dumps(as_json(report, prediction), allow_nan=False))

    assert told["rows"] == [{"number": row_at(report, LIVER[0]).number, "shares": {"liver": 1.0}}]
    assert told["labels"][1]["volume_ml"] == pytest.approx(ball(LIVER[0], 40).sum() * 0.216)

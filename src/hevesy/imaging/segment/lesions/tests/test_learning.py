"""Weights learned from labels: right, repeatable, honest about what they are worth."""

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest

from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.labels import Label, label_of, read_labels
from hevesy.imaging.segment.lesions.learning import auc, fit
from hevesy.imaging.segment.lesions.report import VERSION, find_lesions
from hevesy.imaging.segment.lesions.scoring import (
    WEIGHED,
    Scoring,
    hand_scoring,
    read_scoring,
    weighed,
)
from hevesy.imaging.segment.lesions.tests.torso import person

TRUE = {
    "constant": -0.6,
    "log_to_liver": 1.1,
    "log_contrast": -0.7,
    "log_ml": 0.4,
    "log_component_ml": 0.0,
    "flatness": 2.0,
    "pair": -1.2,
    "lung": 0.8,
    "bone": 0.0,
}


def labels_of(count, *, weights=TRUE, seed=0, studies=40):
    """Labels drawn from a logistic of known weights, ten or so to a study."""
    rng = np.random.default_rng(seed)
    truth = Scoring(weights, "the test", checked=False)
    labels = []
    for number in range(count):
        features = {
            "to_liver": float(np.exp(rng.normal(0.5, 0.8))),
            "contrast": float(np.exp(rng.normal(1.0, 0.7))),
            "ml": float(np.exp(rng.normal(0.5, 1.2))),
            "component_ml": float(np.exp(rng.normal(1.5, 1.2))),
            "flatness": float(rng.uniform(0, 1)),
            "pair": float(rng.random() < 0.3),
            "lung": float(rng.uniform(0, 1)),
            "bone": float(rng.uniform(0, 1)),
            "hu": None,
        }
        labels.append(
            Label(
                study=f"study {number % studies}",
                tracer="FDG",
                rule="F4.0",
                pipeline=VERSION,
                features=features,
                suggested=True,
                accepted=bool(rng.random() < truth.score(features)),
                at=f"2026-{number % 12 + 1:02d}-01T08:00:00+00:00",
            )
        )
    return labels


@pytest.mark.clause("6.16")
def test_a_known_logistic_is_recovered_within_its_standard_error():
    labels = labels_of(3000)

    learned = fit(labels)

    # The error of each weight, from the information of the labels at the true weights.
    columns = np.array(
        [[1.0, *(weighed(one.features, name) for name in WEIGHED)] for one in labels]
    )
    beta = np.array([TRUE[name] for name in ("constant", *WEIGHED)])
    p = 1 / (1 + np.exp(-columns @ beta))
    error = np.sqrt(np.diag(np.linalg.inv((columns.T * (p * (1 - p))) @ columns)))
    found = np.array([learned.scoring.weights[name] for name in ("constant", *WEIGHED)])
    assert np.all(error < 0.2)
    assert np.all(np.abs(found - beta) < 3 * error)
    assert learned.accepted == sum(one.accepted for one in labels)
    ideal = Scoring(TRUE, "", checked=False)
    best = auc(
        np.array([ideal.score(one.features) for one in labels]),
        np.array([one.accepted for one in labels]),
    )
    assert learned.auc == pytest.approx(best, abs=0.01)
    low, high = learned.gain_interval
    assert learned.better and 0 < low < learned.auc - learned.hand_auc < high


def test_the_order_of_the_labels_changes_nothing():
    labels = labels_of(120)
    shuffled = [labels[one] for one in np.random.default_rng(3).permutation(len(labels))]

    assert fit(shuffled) == fit(labels)


@pytest.mark.parametrize("name", ["flatness", "log_contrast"])
def test_a_mirrored_feature_flips_its_sign(name):
    labels = labels_of(200)
    plain = name.removeprefix("log_")

    def mirror(value):
        return 1 / value if name.startswith("log_") else -value

    mirrored = [
        replace(one, features={**one.features, plain: mirror(one.features[plain])})
        for one in labels
    ]

    before, after = fit(labels).scoring.weights, fit(mirrored).scoring.weights

    assert after[name] == pytest.approx(-before[name], abs=1e-6)
    others = [one for one in before if one != name]
    assert [after[one] for one in others] == pytest.approx(
        [before[one] for one in others], abs=1e-6
    )


def test_a_unit_of_a_feature_changes_the_score_of_no_row():
    labels = labels_of(200)
    in_cells = [
        replace(one, features={**one.features, "flatness": one.features["flatness"] * 64})
        for one in labels
    ]

    before, after = fit(labels).scoring, fit(in_cells).scoring

    for one, other in zip(labels, in_cells, strict=True):
        assert after.score(other.features) == pytest.approx(before.score(one.features), abs=1e-6)


def test_the_scores_of_the_labels_sum_to_what_was_accepted():
    labels = [replace(one, accepted=i % 5 == 0) for i, one in enumerate(labels_of(200))]

    scoring = fit(labels).scoring

    assert sum(scoring.score(one.features) for one in labels) == pytest.approx(40, abs=1e-5)


def test_swapping_accepted_and_rejected_turns_every_weight_around():
    labels = labels_of(200)
    swapped = [replace(one, accepted=not one.accepted) for one in labels]

    before, after = fit(labels), fit(swapped)

    for name, weight in before.scoring.weights.items():
        assert after.scoring.weights[name] == pytest.approx(-weight, abs=1e-6)
    assert after.hand_auc == pytest.approx(1 - before.hand_auc)


@pytest.mark.clause("6.16")
def test_labels_that_follow_chance_do_not_replace_the_hand_weights():
    labels = labels_of(150, weights={**dict.fromkeys(TRUE, 0.0), **hand_scoring().weights})
    rng = np.random.default_rng(8)
    chance = [replace(one, accepted=bool(rng.random() < 0.5)) for one in labels]

    kept, lost = fit(labels), fit(chance)

    assert "not_better_than_hand" in {one.key for one in kept.findings}
    assert not kept.better
    assert abs(lost.auc - 0.5) < 0.1


def test_a_gain_that_may_be_chance_is_told():
    few, many = fit(labels_of(120)), fit(labels_of(1200))

    assert few.better and few.gain_interval[0] < 0
    assert [one.key for one in few.findings] == ["gain_uncertain"]
    assert many.findings == ()


def test_a_study_is_never_both_learned_from_and_judged_on():
    # All rows of a study look alike and are of one kind, by chance: weights that saw some of them
    # know the others, and weights that did not know nothing.
    alike = labels_of(10, seed=6)
    kinds = np.random.default_rng(6).permutation([True, False] * 5)
    told = [
        replace(
            one, features=alike[i % 10].features, study=f"{i % 10}", accepted=bool(kinds[i % 10])
        )
        for i, one in enumerate(labels_of(100))
    ]

    learned = fit(told)

    seen = np.array([learned.scoring.score(one.features) for one in told])
    assert auc(seen, np.array([one.accepted for one in told])) > 0.95
    assert learned.auc < 0.6


def test_the_area_is_that_of_the_pairs():
    rng = np.random.default_rng(5)
    score, accepted = np.round(rng.normal(size=60), 1), rng.random(60) < 0.4

    area = auc(score, accepted)

    pairs = score[accepted][:, None] - score[~accepted][None]
    assert area == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


@pytest.mark.clause("6.16")
def test_learned_weights_order_the_table_and_hand_weights_are_read_from_their_file(tmp_path):
    learned = fit(labels_of(200))
    target = tmp_path / "score.toml"
    target.write_text(learned.as_toml(), encoding="utf-8")

    read = read_scoring(target)
    report = find_lesions(*person([((-80, 10, -360), 12, 7.0)]), scoring=read)

    assert read == learned.scoring
    assert tomllib.loads(target.read_text(encoding="utf-8"))["learned"]["labels"] == 200
    for row in report.rows:
        assert row.score == read.score(row.features) != hand_scoring().score(row.features)
    assert ("score", read.source, False) in report.tables
    assert label_of(labels_of(1)[0].as_json()) == labels_of(1)[0]


def test_weights_of_other_rows_are_refused():
    scoring = fit(labels_of(200)).scoring
    pet, ct = person()

    for key, other, tracer in (
        ("score_of_other_tracer", scoring, "PSMA"),
        ("score_of_other_version", replace(scoring, pipeline="hevesy-lesions/0"), "FDG"),
    ):
        with pytest.raises(Refused) as refusal:
            find_lesions(pet, ct, tracer=tracer, scoring=other)
        assert refusal.value.key == key


@pytest.mark.parametrize(
    ("key", "labels"),
    [
        ("too_few_labels", labels_of(39)),
        ("too_few_labels", [replace(one, accepted=i < 9) for i, one in enumerate(labels_of(80))]),
        ("too_few_labels", [replace(one, accepted=i > 8) for i, one in enumerate(labels_of(80))]),
        ("too_few_studies", labels_of(200, studies=4)),
        (
            "too_few_studies",
            [replace(one, accepted=one.study == "study 0") for one in labels_of(400, studies=10)],
        ),
        ("mixed_tracers", [*labels_of(60), replace(labels_of(1)[0], tracer="PSMA")]),
        ("mixed_versions", [*labels_of(60), replace(labels_of(1)[0], pipeline="other/1")]),
    ],
)
def test_too_few_or_mixed_labels_are_refused_by_name(key, labels):
    with pytest.raises(Refused) as refusal:
        fit(labels)

    assert refusal.value.key == key


def test_rows_that_were_not_suggested_teach_nothing():
    labels = labels_of(200)
    organs = [replace(one, suggested=False, accepted=False) for one in labels_of(300, seed=4)]

    alone, among = fit(labels), fit([*organs, *labels])

    assert among.scoring == alone.scoring and among.auc == alone.auc
    assert (among.labels, among.not_suggested) == (200, 300)


def test_several_tracers_are_learned_together_only_when_asked():
    labels = [*labels_of(100), *(replace(one, tracer="PSMA") for one in labels_of(100, seed=2))]

    learned = fit(labels, mix_tracers=True)

    assert learned.scoring.tracer == ""
    assert "FDG, PSMA" in learned.scoring.source


def test_rows_of_several_rules_are_told():
    labels = [replace(one, rule="P41") if i % 2 else one for i, one in enumerate(labels_of(100))]

    (finding,) = (one for one in fit(labels).findings if one.key == "mixed_rules")

    assert finding.values["rules"] == ["F4.0", "P41"]


@pytest.mark.parametrize(
    "broken",
    [
        "garbage",
        "[1]",
        {"accepted": 1},
        {"study": ""},
        {"tracer": "F\nDG"},
        {"at": "yesterday"},
        {"features": {"ml": 1.0}},
        {"features": {**labels_of(1)[0].features, "ml": "large"}},
        {"features": {**labels_of(1)[0].features, "ml": float("nan")}},
    ],
)
def test_what_is_no_label_is_refused_with_its_line(tmp_path, broken):
    good = labels_of(2)
    lines = [json.dumps(one.as_json()) for one in good]
    if isinstance(broken, dict):
        broken = json.dumps({**good[0].as_json(), **broken})
    path = tmp_path / "labels.jsonl"
    path.write_text("\n".join([lines[0], "", broken, lines[1]]), encoding="utf-8")

    with pytest.raises(Refused) as refusal:
        read_labels(path)

    assert refusal.value.key == "no_label"
    assert "Line 3 " in refusal.value.text_en and "第 3 行" in refusal.value.text_zh


@pytest.mark.parametrize(
    "text",
    [
        "garbage",
        "source = 'x'\nchecked = false",
        "source = 'x'\nchecked = false\n[weights]\nlog_ml = 1.0",
        "source = 'x'\nchecked = false\n[weights]\nconstant = 1.0\nhu = 1.0",
        "source = 'x'\nchecked = false\n[weights]\nconstant = nan",
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path, text):
    path = tmp_path / "score.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(Refused) as refusal:
        read_scoring(path)

    assert refusal.value.key == "no_score_file"

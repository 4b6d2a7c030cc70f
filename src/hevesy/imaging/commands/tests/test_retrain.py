import json
from dataclasses import replace

import pytest

from hevesy.imaging.commands.tests.running import image
from hevesy.imaging.segment.lesions.scoring import read_scoring
from hevesy.imaging.segment.lesions.tests.test_learning import labels_of


def retrain(*arguments):
    return image("retrain", *arguments)


@pytest.fixture
def written(tmp_path):
    """Write labels as a file of lines."""

    def write(labels):
        path = tmp_path / "labels.jsonl"
        path.write_text("".join(json.dumps(one.as_json()) + "\n" for one in labels))
        return path

    return write


@pytest.mark.clause("6.16")
def test_better_weights_are_written_and_read_back(written, tmp_path):
    labels = [*labels_of(200), replace(labels_of(1)[0], tracer="PSMA")]
    target = tmp_path / "score.toml"

    status, told, _ = retrain(written(labels), "--out", target, "--tracer", "FDG", "--json")

    assert (status, told["written"], told["labels"]) == (0, str(target), 200)
    assert told["auc"] > told["hand_auc"]
    assert dict(read_scoring(target).weights) == told["weights"]


def test_weights_that_are_no_better_are_not_written(written, tmp_path):
    labels = [replace(one, accepted=i % 2 == 0) for i, one in enumerate(labels_of(100))]
    target = tmp_path / "score.toml"
    target.write_text("the weights in use")

    status, text, _ = retrain(written(labels), "--out", target)

    assert status == 1 and "not_better_than_hand" in text
    assert target.read_text() == "the weights in use"


def test_garbage_and_wrong_calls(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("{}\n")

    status, told, errors = retrain(path, "--out", tmp_path / "x", "--json")

    assert (status, told["reason"]) == (1, "no_label")
    assert "Line 1 " in errors
    assert retrain(tmp_path / "nowhere", "--out", tmp_path / "x")[0] == 2
    assert retrain(path)[0] == 2

"""A table made in child processes is the table, and what is not needed for it never costs it."""

import numpy as np
import pytest

from hevesy.imaging.dicomio import ImageRefused, read_series
from hevesy.imaging.dicomio.sandbox import read_series_into
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions import sandboxed
from hevesy.imaging.segment.lesions.report import find_lesions
from hevesy.imaging.segment.lesions.sandboxed import find_lesions_sandboxed
from hevesy.imaging.segment.lesions.tests.torso import scanned

CENTRE = np.array((-75.0, 0.0, -390.0))
NODULE = (CENTRE, 14.0, 9.0)
"""In the right lung: centre (LPS mm), radius (mm), SUV."""
NOTHING_ELSE = dict.fromkeys(("ct", "ct_refused", "score", "model", "device"))


@pytest.fixture(scope="module")
def a_scan(tmp_path_factory):
    """Files of a PET with a nodule in the lung, and of the CT."""
    return scanned(tmp_path_factory.mktemp("scan"), [NODULE])


def test_the_table_of_the_children_is_that_of_the_library(a_scan, tmp_path):
    pet, ct = a_scan
    stages = []

    made = find_lesions_sandboxed(
        pet,
        ct,
        tmp_path,
        tracer="FDG",
        rule="F4.0",
        progress=lambda fraction, stage: stages.append(stage),
    )

    read = read_series(pet)
    own = find_lesions(apply_suv(read, suv_factor(read.headers)), read_series(ct))
    assert made.report["lesions"] == own.as_json()["lesions"] and stages == ["pet", "ct", "lesions"]
    labels = np.fromfile(made.labels, "<i4").reshape(made.report["grid"]["shape_kji"])
    assert np.array_equal(labels, own.label_volume())
    nodule = min(
        made.report["lesions"], key=lambda one: np.linalg.norm(one["centre_lps_mm"] - CENTRE)
    )
    matrix = np.array(made.report["grid"]["ijk_to_lps"]).reshape(4, 4)
    i, j, k = np.rint(np.linalg.solve(matrix, [*CENTRE, 1])[:3]).astype(int)
    assert labels[k, j, i] == nodule["number"]
    assert nodule["suv_max"] == pytest.approx(NODULE[2], rel=1e-3)
    assert (made.report["device"], made.report["model"]) == ("cpu", None)


def test_a_ct_weights_or_a_model_that_cannot_be_used_cost_no_table(a_scan, tmp_path):
    pet, ct = a_scan
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.toml").write_text("no TOML")
    (tmp_path / "score.toml").write_text('source = "a test"')
    (tmp_path / "desk").mkdir()

    made = find_lesions_sandboxed(
        pet,
        ct[:60] + ct[70:],
        tmp_path / "desk",
        tracer="FDG",
        rule="F4.0",
        score=tmp_path / "score.toml",
        model=tmp_path / "model",
    )

    told = {one["key"]: one for one in made.report["findings"]}
    assert {"ct_not_used", "score_not_used", "model_not_used"} <= set(told)
    assert "Slices are missing" in told["ct_not_used"]["text_en"]
    assert made.report["ct_series_instance_uid"] is None
    assert any(one["suv_max"] == pytest.approx(9.0, rel=1e-3) for one in made.report["lesions"])


def test_what_is_no_image_is_refused_as_such(a_scan, tmp_path):
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 4000)

    with pytest.raises(ImageRefused):
        find_lesions_sandboxed([broken], [], tmp_path, tracer="FDG", rule="F4.0")


def test_more_foci_than_any_patient_has_are_refused(a_scan, tmp_path, monkeypatch):
    monkeypatch.setattr(sandboxed, "_MOST_ROWS", 2)
    (tmp_path / "pet").mkdir()
    described = read_series_into(a_scan[0], tmp_path / "pet")

    answer = sandboxed.find_lesions_task(
        {"pet": described, "tracer": "FDG", "rule": "F4.0", **NOTHING_ELSE}, tmp_path
    )

    assert answer["refused"][0] == "too_many_foci"


def test_a_pet_without_suv_is_refused_with_a_sentence(a_scan, tmp_path):
    ct = a_scan[1]

    with pytest.raises(Refused) as refusal:
        find_lesions_sandboxed(ct[:4], [], tmp_path, tracer="FDG", rule="F4.0")

    assert refusal.value.key == "not_pet" and refusal.value.text_zh

"""`hevesy image lesions --model`: a network beside the rules, from files to a Segmentation."""

import hashlib

import numpy as np
import pytest
from pydicom import dcmread

from hevesy.imaging.commands.tests.running import image, write_pet
from hevesy.imaging.models.tests.folders import a_model, convolution


@pytest.fixture
def a_pet(tmp_path):
    """A folder with a PET of a body of SUV 1 with one spot of SUV 8 and a faint one of SUV 3."""
    suv = np.zeros((30, 40, 40))
    suv[:, 8:32, 6:34] = 1
    suv[14:17, 20:23, 26:30] = 8
    suv[6:10, 18:22, 10:14] = 3
    return write_pet(tmp_path / "pet", suv)


def lesions(*arguments):
    return image("lesions", *arguments, "--json")


@pytest.mark.clause("6.16")
def test_a_network_adds_a_row_and_is_named_wherever_the_row_goes(a_pet, tmp_path):
    net = convolution(np.ones((1, 1, 1, 1, 1)), above=2.0)
    folder = a_model(tmp_path / "model", net)

    status, told, errors = lesions(
        a_pet, "--model", folder, "--device", "cpu", "--seg", tmp_path / "seg.dcm"
    )

    assert status == 0, errors
    rule, added = told["lesions"]
    assert (rule["found_by"], added["found_by"]) == ("rule", "model")
    assert rule["mtv_ml"] == pytest.approx(36 * 0.064)
    assert added["mtv_ml"] == pytest.approx(64 * 0.064)
    assert not added["included"]
    assert told["model"]["rows"] == [{"number": n, "shares": {"lesion": 1.0}} for n in (1, 2)]
    model = told["model"]
    assert (model["model"], model["model_version"], model["device"]) == ("probe", "3", "cpu")
    digest = hashlib.sha256(net.SerializeToString()).hexdigest()
    assert model["sha256"] == {"net.onnx": digest}
    assert model["licence"] == "CC0-1.0" and "CE/NMPA" in model["regulatory_en"]
    assert "running probe 3 (not CE/NMPA evaluated)" in errors
    ours, theirs = dcmread(tmp_path / "seg.dcm").SegmentSequence
    assert ours.SegmentAlgorithmName == "hevesy-lesions"
    assert theirs.SegmentAlgorithmName == "probe"
    said = theirs.SegmentationAlgorithmIdentificationSequence[0]
    assert said.AlgorithmVersion == "3"
    assert said.AlgorithmFamilyCodeSequence[0].CodeMeaning == "Artificial Intelligence"
    assert "not CE/NMPA evaluated" in str(said.AlgorithmParameters)
    assert digest in str(said.AlgorithmParameters)


def test_a_model_that_was_changed_gives_no_table(a_pet, tmp_path):
    folder = a_model(tmp_path / "model", convolution(np.ones((1, 1, 1, 1, 1)), above=2.0))
    with (folder / "net.onnx").open("ab") as file:
        file.write(b"\0")

    status, told, errors = lesions(a_pet, "--model", folder)

    assert (status, told["reason"]) == (1, "model_weights_changed")
    assert "SHA-256" in errors
    assert lesions(a_pet, "--model", tmp_path / "nowhere")[0] == 2

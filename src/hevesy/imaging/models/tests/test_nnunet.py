"""nnU-Net as a program: a stand-in in its place, with real files and a real process.

nnU-Net itself is not installed here and was not run.
"""

import hashlib
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hevesy.imaging.models import predict, read_model
from hevesy.imaging.models.tests.folders import LESION, describe
from hevesy.imaging.models.tests.test_prediction import a_pet, key_of, stored
from hevesy.imaging.refusal import Refused

HEAD = """
import sys
from pathlib import Path
given, answer, device = Path(sys.argv[1]), Path(sys.argv[2]) / "case.nii.gz", sys.argv[3]
names = sorted(one.name for one in given.iterdir())
assert names == ["case_0000.nii.gz", "case_0001.nii.gz"], names
assert device == "cpu"
"""
# Where the CT is dense: 1; where besides the PET is hot: 2.
THRESHOLDS = (
    HEAD
    + """
import SimpleITK
ct, pet = (SimpleITK.ReadImage(str(given / name)) for name in names)
assert ct.GetSize() == pet.GetSize() and ct.GetDirection() == pet.GetDirection()
dense = ct > 0
labels = SimpleITK.Cast(dense, SimpleITK.sitkUInt8) + SimpleITK.Cast(
    SimpleITK.And(dense, pet > 3), SimpleITK.sitkUInt8)
SimpleITK.WriteImage(labels, str(answer))
print("x" * 100000)
"""
)
ALTERED = (
    HEAD
    + "import SimpleITK\npet = SimpleITK.ReadImage(str(given / names[1]))\n%s\n"
    + ("SimpleITK.WriteImage(labels, str(answer))\n")
)
TWO = [
    {"value": 1, "key": "body", "en": "body", "zh": "身体"},
    {"value": 2, "key": "lesion", "en": "lesion", "zh": "病灶"},
]


def a_program(folder, text, **changes):
    """A folder of an nnU-Net model whose program is a stand-in."""
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(text)
    left_out = ("spacing_mm", "patch", "activation")
    told = {key: value for key, value in LESION.items() if key not in left_out} | {
        "engine": "nnunetv2",
        "orientation": "RAH",
        "channel": [{"modality": "CT"}, {"modality": "PT"}],
        "label": TWO,
        "command": [sys.executable, "{model}/program.py", "{input}", "{output}", "{device}"],
        "time_limit_s": 60.0,
        "weights": {"program.py": hashlib.sha256(text.encode()).hexdigest()},
        **changes,
    }
    describe(folder, told)
    return read_model(folder)


@pytest.fixture
def images():
    pet = a_pet()
    dense = np.full((14, 16, 12), -500, dtype=np.float32)
    dense[2:9, 3:12, 4:9] = 50
    ct = replace(a_pet((14, 16, 12)), array=dense, units="HU", modality="CT")
    return pet, ct


def test_the_program_sees_the_patient_and_its_labels_come_back_to_the_place(tmp_path, images):
    pet, ct = images
    model = a_program(tmp_path / "m", THRESHOLDS)
    on_pet = np.zeros(pet.array.shape, dtype=bool)
    # One voxel more all around: the CT is one voxel larger on each side.
    on_pet[1:8, 2:11, 3:8] = True
    expected = on_pet + (on_pet & (pet.array > 3)).astype(np.uint16)

    way = (1, 2, 0), (True, False, True)
    told = predict(model, stored(pet, *way), ct, device="cpu")

    assert told.device == "cpu"
    assert set(np.unique(expected)) == {0, 1, 2}
    assert np.array_equal(told.labels.array, stored(replace(pet, array=expected), *way).array)
    assert told.as_json()["labels"][1]["voxels"] == np.count_nonzero(expected == 2)


def test_a_model_of_ct_alone_works_on_the_grid_of_the_ct(tmp_path, images):
    pet, ct = images
    fine = np.repeat(np.repeat(np.repeat(ct.array, 2, 0), 2, 1), 2, 2)
    affine = ct.ijk_to_lps @ np.diag([0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] = ct.world((-0.25, -0.25, -0.25))
    text = HEAD.replace('"case_0000.nii.gz", "case_0001.nii.gz"', '"case_0000.nii.gz"') + (
        "import SimpleITK\nct = SimpleITK.ReadImage(str(given / names[0]))\n"
        "assert ct.GetSize() == (24, 32, 28)\nSimpleITK.WriteImage(ct > 0, str(answer))\n"
    )
    model = a_program(tmp_path / "m", text, channel=[{"modality": "CT"}])

    told = predict(model, pet, replace(ct, array=fine, ijk_to_lps=affine), device="cpu")

    assert told.labels.array.shape == pet.array.shape
    assert np.array_equal(told.labels.array, ct.array[1:-1, 1:-1, 1:-1] > 0)


def test_an_answer_that_is_not_that_of_these_images_is_refused(tmp_path, images):
    for key, change in (
        ("model_output_moved", "labels = pet > 3\nlabels.SetOrigin((0, 0, 0))"),
        ("model_output_labels", "labels = SimpleITK.Cast(pet > 3, SimpleITK.sitkInt16) * 3"),
    ):
        model = a_program(tmp_path / "m", ALTERED % change)
        assert key_of(lambda m=model: predict(m, *images, device="cpu")) == key


def test_a_program_that_fails_is_refused_with_its_last_words(tmp_path, images):
    model = a_program(tmp_path / "m", "import sys\nsys.exit('no such fold')")

    with pytest.raises(Refused) as refusal:
        predict(model, *images, device="cpu")

    assert refusal.value.key == "model_program_failed"
    assert "exit 1" in refusal.value.detail and "no such fold" in refusal.value.detail

    silent = a_program(tmp_path / "m", "")
    assert key_of(lambda: predict(silent, *images, device="cpu")) == "model_output_missing"
    absent = a_program(tmp_path / "m", "", command=["no-such-program", "{input}{output}{device}"])
    assert key_of(lambda: predict(absent, *images, device="cpu")) == "model_program_missing"
    (tmp_path / "m" / "program.py").write_text("print()")
    assert key_of(lambda: predict(silent, *images, device="cpu")) == "model_weights_changed"


def test_a_program_that_overstays_or_is_cancelled_is_ended_with_its_children(tmp_path, images):
    started = tmp_path / "child"
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(started)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)\n"
    )

    def cancelled():
        return started.exists() and started.read_text() != ""

    model = a_program(tmp_path / "m", text)
    refused = key_of(lambda: predict(model, *images, device="cpu", cancelled=cancelled))
    assert refused == "cancelled"
    assert gone(int(started.read_text()))

    quick = a_program(tmp_path / "m", text, time_limit_s=0.3)
    assert key_of(lambda: predict(quick, *images, device="cpu")) == "model_time_limit"


def gone(pid):
    """Whether a process has ended, or ends within two seconds."""
    for _ in range(40):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if " Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.05)
    return False


def test_the_program_sees_no_secrets_of_the_server(tmp_path, images, monkeypatch):
    monkeypatch.setenv("HEVESY_SECRET_KEY", "secret")
    monkeypatch.setenv("nnUNet_results", "/models")
    told = tmp_path / "environment"
    text = f"import os\nopen({str(told)!r}, 'w').write(' '.join(os.environ))\n"

    key_of(lambda: predict(a_program(tmp_path / "m", text), *images, device="cpu"))

    assert "nnUNet_results" in told.read_text().split()
    assert "HEVESY_SECRET_KEY" not in told.read_text()


def test_a_gpu_that_is_not_there_is_refused(tmp_path, images, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    model = a_program(tmp_path / "m", "")

    assert key_of(lambda: predict(model, *images, device="cuda")) == "no_cuda"

import json
import os
import subprocess
import sys

import pydicom
import pytest

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.reconstruct.tests.test_projections import projections


def image_command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "hevesy", "image", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.clause("6.9")
def test_the_command_writes_slices_that_name_their_source(tmp_path):
    source = projections(0.0, 12.0, "CC", 30, centre_z_mm=250.0)
    source.save_as(tmp_path / "tomo.dcm", enforce_file_format=True)

    done = image_command(
        *("reconstruct", tmp_path / "tomo.dcm", "--out", tmp_path / "recon.dcm", "--json"),
        *("--iterations", 2, "--subsets", 5, "--psf", "LEHR", "--contour", "0,0,120,80"),
        *("--filter", "gaussian:10", "--device", "cpu"),
        *("--cps-per-mbq", 80, "--sensitivity-source", "physics, 2026-01-05"),
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "ok"
    assert "Hudson" in told["source"]
    assert (told["method"], told["device"]) == ("OSEM 2i5s AC PSF", "cpu")
    assert "iteration 2 of 2" in done.stderr
    written = pydicom.dcmread(tmp_path / "recon.dcm")
    assert list(written.ImageType) == ["DERIVED", "PRIMARY", "RECON TOMO", "EMISSION"]
    assert written.ReconstructionMethod == "OSEM 2i5s AC PSF"
    assert (written.NumberOfIterations, written.NumberOfSubsets) == (2, 5)
    assert json.loads(written.DerivationDescription)["filter"] == "gaussian 10 mm FWHM"
    assert "ATTN" in written.CorrectedImage
    (image,) = written.SourceImageSequence
    assert image.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert written.StudyInstanceUID == source.StudyInstanceUID
    volume = read_series([tmp_path / "recon.dcm"])
    assert volume.centre_lps[2] == 250.0
    assert volume.units == told["units"] == "BQML"


def test_a_refusal_is_told_with_its_reason(tmp_path):
    source = projections(0.0, 12.0, "CC", 30)
    source.save_as(tmp_path / "tomo.dcm", enforce_file_format=True)

    refused = image_command(
        *("reconstruct", tmp_path / "tomo.dcm", "--out", tmp_path / "x.dcm", "--json"),
        *("--scatter", "dew"),
    )

    assert refused.returncode == 1
    assert json.loads(refused.stdout)["reason"] == "scatter_window_missing"
    assert not (tmp_path / "x.dcm").exists()


@pytest.mark.parametrize(
    ("method", "reason"),
    [(("--iterations", "1"), "no_cuda"), (("--method", "fbp"), "no_cuda_path")],
)
def test_a_gpu_that_is_not_there_or_not_used_is_refused(tmp_path, method, reason):
    projections(0.0, 12.0, "CC", 30).save_as(tmp_path / "tomo.dcm", enforce_file_format=True)

    refused = image_command(
        *("reconstruct", tmp_path / "tomo.dcm", "--out", tmp_path / "x.dcm", "--json"),
        *("--device", "cuda", *method),
        CUDA_VISIBLE_DEVICES="",
    )

    assert refused.returncode == 1
    assert json.loads(refused.stdout)["reason"] == reason

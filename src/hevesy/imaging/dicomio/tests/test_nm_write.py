import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.nm_write import (
    Recorded,
    TomoHeader,
    recon_tomo_dataset,
    tomo_dataset,
)
from hevesy.imaging.dicomio.planar import read_planar
from hevesy.imaging.geometry import Volume

RECORDED = Recorded(
    method="OSEM 4i10s AC", description='{"method":"osem"}', iterations=4, subsets=10
)


def a_volume(seed=0, *, lowest=0.0):
    array = np.random.default_rng(seed).uniform(lowest, 900.0, (5, 7, 6)).astype(np.float32)
    affine = np.diag([4.8, 4.8, 3.2, 1.0])
    affine[:3, 3] = (-12.0, -14.4, 801.5)
    return Volume(
        array=array,
        ijk_to_lps=affine,
        units="CNTS",
        modality="NM",
        frame_of_reference_uid="1.2.826.0.1.3680043.8.498.77",
    )


@pytest.fixture
def a_source():
    counts = np.full((1, 1, 1, 6, 7, 6), 3)
    return tomo_dataset(counts, TomoHeader(0.0, 60.0, "CC", (4.8, 3.2), [150.0] * 6))


@pytest.mark.parametrize("lowest", [0.0, -300.0])
def test_a_reconstruction_reads_back_equal(a_source, lowest):
    volume = a_volume(lowest=lowest)

    dataset = recon_tomo_dataset([volume], a_source, RECORDED, series_description="bone")
    read = read_series([dataset])

    quantum = float(dataset.RescaleSlope)
    np.testing.assert_allclose(read.array, volume.array, atol=0.51 * quantum)
    assert quantum < 900 / 32000
    np.testing.assert_allclose(read.ijk_to_lps, volume.ijk_to_lps, atol=1e-9)
    assert read.units == "CNTS"
    assert read.frame_of_reference_uid == volume.frame_of_reference_uid
    assert not read.findings
    assert read.headers[0]["ReconstructionMethod"] == "OSEM 4i10s AC"


def test_gates_share_one_scale_and_name_their_slot(a_source):
    gates = [a_volume(0), replace(a_volume(1), array=a_volume(1).array / 4)]

    dataset = recon_tomo_dataset(gates, a_source, RECORDED, series_description="gated")

    assert dataset.ImageType[2] == "RECON GATED TOMO"
    assert list(dataset.TimeSlotVector) == [1] * 5 + [2] * 5
    assert list(dataset.SliceVector) == [1, 2, 3, 4, 5] * 2
    stored = np.frombuffer(dataset.PixelData, "<u2").reshape(2, 5, 7, 6)
    slope = float(dataset.RescaleSlope)
    for gate in range(2):
        np.testing.assert_allclose(stored[gate] * slope, gates[gate].array, atol=0.51 * slope)


def test_the_same_reconstruction_is_the_same_object_and_another_is_not(a_source):
    def uid(volume, recorded=RECORDED):
        made = recon_tomo_dataset([volume], a_source, recorded, series_description="x")
        return made.SOPInstanceUID, made.SeriesInstanceUID

    assert uid(a_volume()) == uid(a_volume())
    assert set(uid(a_volume())).isdisjoint(uid(a_volume(1)))
    assert uid(a_volume()) != uid(a_volume(), replace(RECORDED, description="other"))


def test_only_axial_volumes_on_one_grid_are_written(a_source):
    tilted = a_volume().ijk_to_lps.copy()
    tilted[:3, 1] *= -1

    with pytest.raises(ValueError, match="axial"):
        recon_tomo_dataset(
            [replace(a_volume(), ijk_to_lps=tilted)], a_source, RECORDED, series_description=""
        )
    moved = a_volume().ijk_to_lps.copy()
    moved[0, 3] += 1
    with pytest.raises(ValueError, match="one grid"):
        recon_tomo_dataset(
            [a_volume(), replace(a_volume(), ijk_to_lps=moved)],
            a_source,
            RECORDED,
            series_description="",
        )


def test_projections_read_back_equal():
    counts = np.random.default_rng(2).poisson(30, (2, 1, 1, 6, 5, 4))
    header = TomoHeader(
        30.0, 60.0, "CW", (4.0, 5.0), [150.0] * 6, windows_kev=((126, 154), (110, 120))
    )

    read = read_planar(tomo_dataset(counts, header))

    np.testing.assert_array_equal(read.array.reshape(counts.shape), counts)
    assert [frame.angle_deg for frame in read.frames[:3]] == [30, 330, 270]
    assert read.spacing_mm == (4.0, 5.0)
    with pytest.raises(ValueError, match="16 bits"):
        tomo_dataset(counts + 70000, header)


def validator():
    return shutil.which("dciodvfy")


@pytest.mark.skipif(validator() is None, reason="dciodvfy (dicom3tools) is not installed")
def test_a_validator_finds_no_error(a_source, tmp_path):
    made: list[Dataset] = [
        a_source,
        recon_tomo_dataset([a_volume()], a_source, RECORDED, series_description="bone"),
        recon_tomo_dataset(
            [a_volume(), a_volume(1)], a_source, RECORDED, series_description="gated"
        ),
    ]
    for number, dataset in enumerate(made):
        path = tmp_path / f"{number}.dcm"
        dataset.save_as(path, enforce_file_format=True)

        told = subprocess.run(
            [str(validator()), str(path)], capture_output=True, text=True, check=False
        ).stderr

        assert [line for line in told.splitlines() if line.startswith("Error")] == []

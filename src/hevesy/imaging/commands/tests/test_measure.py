import json
import subprocess
import sys

import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom.uid import generate_uid

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.running import without_source, write_pet
from hevesy.imaging.dicomio import read_series
from hevesy.imaging.dicomio.masks import read_masks
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.statistics import statistics
from hevesy.imaging.quantify.suv import suv_factor
from hevesy.imaging.quantify.tests.pet_scans import PetScan
from hevesy.imaging.quantify.voi import Voi


@pytest.fixture
def measure(capsys):
    """Run `hevesy image measure …` in this process: exit status, JSON or text, and stderr."""

    def run(*arguments):
        status = main(["measure", *map(str, arguments)])
        told = capsys.readouterr()
        text = json.loads(told.out) if "--json" in arguments and told.out else told.out
        return status, text, told.err

    return run


@pytest.fixture
def a_study(tmp_path):
    """A folder with a PET series of known SUV, and a label file of its two lesions."""
    suv = np.full((9, 12, 12), 0.5)
    labels = np.zeros(suv.shape, np.uint8)
    labels[2:4, 2:4, 2:5], labels[6:8, 8:11, 8:11] = 1, 2
    suv[labels == 1], suv[labels == 2], suv[3, 3, 3] = 4.0, 6.0, 8.0
    folder = tmp_path / "pet"
    folder.mkdir()
    scan = PetScan()
    frame = generate_uid()
    # The stored unit is the same in all slices, so that equal SUV stay equal.
    values = scan.bq_per_ml(suv, scan.reference)
    slopes = [float(values.max()) / 30_000] * len(suv)
    for dataset in scan.written(values, slopes=slopes, FrameOfReferenceUID=frame):
        dataset.save_as(folder / f"{dataset.SOPInstanceUID}.dcm", enforce_file_format=True)
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing((4, 4, 4))
    SimpleITK.WriteImage(image, tmp_path / "lesions.nii.gz")
    return folder, tmp_path / "lesions.nii.gz"


@pytest.mark.clause("6.16")
def test_the_regions_of_a_label_file_are_measured_in_suv(a_study):
    folder, labels = a_study

    done = subprocess.run(
        [sys.executable, "-m", "hevesy", "image", "measure", folder, "--mask", labels, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["status"], told["units"]) == ("ok", "SUVbw")
    first, second = (one["statistics"] for one in told["regions"])
    assert first["max"] == pytest.approx(8, abs=1e-3)
    assert first["mean"] == pytest.approx((11 * 4 + 8) / 12, abs=1e-3)
    assert (first["voxels"], second["voxels"]) == (12, 18)
    assert second["mtv_ml"] == pytest.approx(18 * 0.064)
    assert second["TLG_SUVbw_ml"] == pytest.approx(6 * 18 * 0.064, abs=1e-3)
    assert told["burden"]["tmtv_ml"] == pytest.approx(30 * 0.064)
    assert told["burden"]["dmax_mm"] == pytest.approx(4 * np.linalg.norm([4, 6.5, 6]))
    assert told["regions"][0]["peak"]["rule"] == "fractional"
    assert told["regions"][1]["shape"]["extent_left_right_mm"] == 12


@pytest.mark.clause("6.16")
def test_harmonised_values_stand_beside_the_native_ones(a_study, measure):
    folder, labels = a_study
    given = (folder, "--mask", labels, "--rule", "F2.5", "--json")

    _, native, _ = measure(*given)
    status, told, _ = measure(*given, "--harmonise", 5)

    assert status == 0
    first, second = told["regions"]
    own = first.pop("harmonised"), second.pop("harmonised")
    assert told["regions"] == native["regions"]
    assert told["burden"] == native["burden"]
    assert own[0]["statistics"]["max"] < 0.75 * first["statistics"]["max"]
    for measured in (*own, first):
        named = "Gaussian of 5 mm FWHM" in measured["statistics"]["method"]
        assert named == (measured is not first)
        assert ("FWHM" in measured["threshold"]["method"]) == named
        assert ("FWHM" in measured["peak"]["method"]) == named
    assert told["harmonisation"]["fwhm_mm"] == 5
    assert "FWHM" in told["burden_harmonised"]["method"]
    assert told["burden_harmonised"]["max"] == max(one["statistics"]["max"] for one in own)


def test_a_region_whose_copy_reaches_no_level_keeps_its_native_values(a_study, measure):
    folder, labels = a_study

    status, told, _ = measure(
        folder, "--mask", labels, "--rule", "F4.0", "--harmonise", 15, "--json"
    )

    assert status == 0
    assert told["regions"][0]["status"] == "ok"
    assert told["regions"][0]["harmonised"]["reason"] == "nothing_above_threshold"


@pytest.mark.clause("6.16")
def test_drawn_references_and_the_resolution_serve_the_rules_that_ask_for_them(a_study, measure):
    folder, labels = a_study
    liver = labels.with_name("liver.nii.gz")
    drawn = SimpleITK.ReadImage(str(labels)) * 0
    drawn[0:4, 8:12, 0:4] = 1
    SimpleITK.WriteImage(SimpleITK.Cast(drawn, SimpleITK.sitkUInt8), liver)

    def level(*arguments):
        _, told, _ = measure(folder, "--mask", labels, "--json", *arguments)
        one = told["regions"][1]
        return one["threshold"]["level"] if one["status"] == "ok" else one["reason"]

    assert level("--rule", "LIV") == "no_liver_reference"
    assert level("--rule", "LIV", "--liver", liver) == pytest.approx(0.75, abs=1e-3)
    assert level("--rule", "MBP", "--blood-pool", liver) == pytest.approx(1.0, abs=1e-3)
    _, told, _ = measure(folder, "--mask", labels, "--rule", "LIV", "--liver", labels, "--json")
    assert told["reason"] == "which_reference_region"


def test_a_threshold_narrows_each_region_and_the_rule_is_told(a_study, measure):
    folder, labels = a_study

    status, told, _ = measure(folder, "--mask", labels, "--rule", "F4.0", "--json")
    _, line, _ = measure(folder, "--mask", labels, "--rule", "P50", "--peak", "centres")

    assert status == 0
    assert [one["threshold"]["rule"] for one in told["regions"]] == ["F4.0", "F4.0"]
    assert [one["statistics"]["voxels"] for one in told["regions"]][1] == 18
    assert "(centres)" in line and len(line.splitlines()) == 2


def test_what_cannot_be_measured_is_told_by_name(a_study, tmp_path, measure):
    folder, labels = a_study
    for path in folder.iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientWeight = None
        dataset.save_as(path)

    status, told, complaints = measure(folder, "--mask", labels, "--json")
    raw, _, _ = measure(folder, "--mask", labels, "--raw", "--json")
    gone, _, _ = measure(tmp_path / "nothing", "--mask", labels)

    assert (status, raw, gone) == (1, 0, 2)
    assert told["reason"] == "weight_missing"
    assert "weight_missing" in complaints


@pytest.mark.clause("6.15")
def test_every_number_says_its_source_and_how_its_suv_was_made(a_study, measure):
    folder, labels = a_study

    _, told, _ = measure(folder, "--mask", labels, "--ct", folder, "--rule", "P50", "--json")
    _, raw, _ = measure(folder, "--mask", labels, "--raw", "--json")

    assert without_source(told) == []
    made = told["suv"]
    assert (made["type"], made["units"], made["version"]) == ("bw", "SUVbw", "hevesy-suv/2")
    assert made["factor_min"] == made["factor_max"] == pytest.approx(2.777781e-4, rel=1e-6)
    assert (made["inputs"]["weight_kg"], made["overrides"]) == (70.0, None)
    assert raw["suv"] is None


@pytest.mark.clause("6.15")
def test_corrected_parameters_change_the_measures_and_are_told(a_study, measure):
    folder, labels = a_study
    corrected = ("--weight-kg", 35, "--corrected-by", "QA", "--edition", 4)

    _, header, _ = measure(folder, "--mask", labels, "--json")
    status, told, _ = measure(folder, "--mask", labels, *corrected, "--json")

    assert status == 0
    for one, other in zip(header["regions"], told["regions"], strict=True):
        assert other["statistics"]["max"] == pytest.approx(one["statistics"]["max"] / 2, rel=1e-6)
    assert told["suv"]["overrides"]["values"] == {"weight_kg": {"used": 35.0, "header": 70.0}}
    assert (told["suv"]["overrides"]["author"], told["suv"]["overrides"]["edition"]) == ("QA", 4)
    assert "values_edited" in [one["key"] for one in told["warnings"]]


def test_the_burden_names_rows_by_their_number_also_after_a_refused_region(tmp_path, measure):
    suv = np.full((9, 12, 12), 0.5)
    labels = np.zeros(suv.shape, np.uint8)
    labels[0:2, 0:2, 0:2], labels[4, 4, 4:8], labels[7, 7, 7] = 1, 2, 3
    suv[labels == 2], suv[labels == 3] = 5.0, 9.0
    image = SimpleITK.GetImageFromArray(labels)
    image.SetSpacing((4, 4, 4))
    SimpleITK.WriteImage(image, tmp_path / "lesions.nii.gz")
    folder = write_pet(tmp_path / "pet", suv)

    _, told, _ = measure(folder, "--mask", tmp_path / "lesions.nii.gz", "--rule", "F4.0", "--json")

    assert [one["status"] for one in told["regions"]] == ["refused", "ok", "ok"]
    assert (told["burden"]["hottest_number"], told["burden"]["largest_number"]) == (3, 2)


@pytest.mark.data
@pytest.mark.clause("6.15")
def test_contours_on_a_real_pet_measure_as_in_itk(real_dicom, measure):
    patient = real_dicom / "pet_ct_mr" / "STS_001"
    contours = patient / "RTSTRUCT_PT" / "1-1.dcm"
    status, told, complaints = measure(patient / "PT_wholebody", "--mask", contours, "--json")
    _, cropped, _ = measure(patient / "PT_cropped_SUV_GML", "--mask", contours, "--json")

    image = itk_series(patient / "PT_wholebody")
    header = pydicom.dcmread(next((patient / "PT_wholebody").iterdir()), stop_before_pixels=True)
    factor = suv_factor([header]).bw_factor
    array = SimpleITK.GetArrayFromImage(image)
    affine = np.diag([*image.GetSpacing(), 1.0])
    affine[:3, 3] = image.GetOrigin()
    frame = str(header.FrameOfReferenceUID)
    grid = Volume(array, affine, "BQML", "PT", frame_of_reference_uid=frame)
    masks = read_masks(contours, grid)
    itk = SimpleITK.LabelIntensityStatisticsImageFilter()

    assert status == 0, complaints
    for region, again, mask in zip(told["regions"], cropped["regions"], masks, strict=True):
        label = SimpleITK.GetImageFromArray(mask.array.astype(np.uint8))
        label.CopyInformation(image)
        itk.Execute(label, image)
        found = region["statistics"]
        assert found["voxels"] == itk.GetNumberOfPixels(1)
        assert found["volume_ml"] * 1000 == pytest.approx(itk.GetPhysicalSize(1), rel=1e-3)
        assert found["max"] == pytest.approx(itk.GetMaximum(1) * factor, rel=1e-5)
        assert found["mean"] == pytest.approx(itk.GetMean(1) * factor, rel=1e-5)
        # ITK divides by n - 1.
        n = found["voxels"]
        std = itk.GetStandardDeviation(1) * factor * np.sqrt((n - 1) / n)
        assert found["std"] == pytest.approx(std, rel=1e-5)
        # The same images, turned into SUV and cropped by another laboratory.
        assert again["statistics"]["max"] == pytest.approx(found["max"], rel=1e-3)
        assert again["statistics"]["mean"] == pytest.approx(found["mean"], rel=1e-2)
    assert "regions_overlap" in [one["key"] for one in told["warnings"]]


@pytest.mark.data
def test_hounsfield_units_of_a_pet_region_are_those_of_the_soft_tissue_under_it(
    real_dicom, measure
):
    patient = real_dicom / "pet_ct_mr" / "STS_001"

    status, told, complaints = measure(
        patient / "PT_cropped_SUV_GML",
        *("--mask", patient / "RTSTRUCT_CT" / "RS.dcm"),
        *("--ct", patient / "CT_cropped_same_FoR", "--json"),
    )

    assert status == 0, complaints
    region = told["regions"][0]
    assert region["ct"]["units"] == "HU"
    assert region["ct"]["volume_ml"] == pytest.approx(region["statistics"]["volume_ml"], rel=0.01)
    pet, ct = (itk_series(patient / name) for name in ("PT_cropped_SUV_GML", "CT_cropped_same_FoR"))
    masks = read_masks(
        patient / "RTSTRUCT_CT" / "RS.dcm", read_series((patient / "PT_cropped_SUV_GML").iterdir())
    )
    label = SimpleITK.GetImageFromArray(masks[0].array.astype(np.uint8))
    label.CopyInformation(pet)
    on_ct = SimpleITK.Resample(label, ct, SimpleITK.Transform(), SimpleITK.sitkNearestNeighbor)
    itk = SimpleITK.LabelIntensityStatisticsImageFilter()
    itk.Execute(on_ct, ct)
    hu = SimpleITK.GetArrayFromImage(ct)[SimpleITK.GetArrayFromImage(on_ct) == 1]
    # A CT voxel half way between two of the PET goes to either: one in a thousand.
    assert region["ct"]["volume_ml"] * 1000 == pytest.approx(itk.GetPhysicalSize(1), rel=2e-3)
    assert region["ct"]["mean"] == pytest.approx(itk.GetMean(1), abs=0.5)
    assert region["ct"]["std"] == pytest.approx(itk.GetStandardDeviation(1), rel=0.01)
    assert region["ct"]["median"] == pytest.approx(np.median(hu), abs=0.5)


def itk_series(folder):
    """A series as SimpleITK reads it."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


@pytest.mark.data
def test_a_segmentation_of_dcmqi_has_the_volume_that_its_report_states(real_dicom):
    folder = real_dicom / "sr" / "pet_tid1500_seg_rwvm"
    dataset = pydicom.dcmread(folder / "seg.dcm")
    places = np.array(
        [
            item.PlanePositionSequence[0].ImagePositionPatient
            for item in dataset.PerFrameFunctionalGroupsSequence
        ],
        dtype=float,
    )
    affine = np.diag([3.537818, 3.537818, 3.375, 1.0])
    affine[:3, 3] = places[np.argmin(places[:, 2])]
    # An image that has the mean of their report everywhere.
    grid = Volume(
        np.full((13, 128, 128), 6.01529, np.float32),
        affine,
        "SUVbw",
        "PT",
        frame_of_reference_uid=str(dataset.FrameOfReferenceUID),
    )

    found = statistics(grid, Voi.of_mask(read_masks(folder / "seg.dcm", grid)[0].array))

    # sr.dcm: Volume 33.5824 ml, SUVbw mean 6.01529, Total Lesion Glycolysis 202.008.
    assert found.volume_ml == pytest.approx(33.5824, rel=1e-5)
    assert found.tlg == pytest.approx(202.008, rel=1e-5)

"""One table of what must be refused by name, and the sentence that comes with it."""

import numpy as np
import pytest

from hevesy.imaging.dicomio import ImageRefused, read_dataset, read_series, require_whole
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.quantify.tests.pet_scans import PetScan
from hevesy.imaging.refusal import Refused


def a_series(**attributes):
    scan = PetScan()
    return scan.written(scan.bq_per_ml(np.ones((4, 2, 2)), scan.reference), **attributes)


def in_floats(value):
    datasets = a_series()
    pixels = np.full((2, 2), 1000.0, dtype="<f4")
    pixels[0, 1] = value
    for dataset in datasets:
        del dataset.PixelData
        dataset.FloatPixelData = pixels.tobytes()
        dataset.BitsAllocated = dataset.BitsStored = 32
    return datasets


def slope_that_is_no_number():
    datasets = a_series()
    datasets[2].add_new(0x00281053, "LO", "NaN")
    return datasets


def without(index):
    datasets = a_series()
    del datasets[index]
    return datasets


def of_two_series():
    one, other = a_series(), a_series()
    return one[:2] + other[2:]


def of_another_weight():
    datasets = a_series()
    datasets[3].PatientWeight = 71
    return datasets


def in_other_units():
    datasets = a_series()
    datasets[3].Units = "CNTS"
    return datasets


def scattered():
    datasets = a_series()
    datasets[3].ImagePositionPatient = [0, 0, 40.5]
    return datasets


@pytest.mark.parametrize(
    ("reason", "datasets"),
    [
        ("weight_missing", a_series(PatientWeight=None)),
        ("weight_missing", a_series(PatientWeight=0)),
        ("dose_missing", a_series(RadiopharmaceuticalInformationSequence=None)),
        ("units_unsupported", a_series(Units="PROPCPS")),
        ("units_unsupported", a_series(Units=None)),
        ("attenuation_not_corrected", a_series(CorrectedImage=["NORM", "DECY"])),
        ("decay_not_corrected", a_series(CorrectedImage=["NORM", "ATTN"])),
        ("philips_factor_missing", a_series(Units="CNTS")),
        ("not_pet", a_series(Modality="CT")),
        ("headers_disagree", of_another_weight()),
        ("bad_pixel_attributes", in_other_units()),
        ("bad_pixel_attributes", slope_that_is_no_number()),
        ("bad_pixel_attributes", a_series(BitsStored=17)),
        ("several_series", of_two_series()),
        ("missing_slices", without(2)),
        ("single_slice", a_series()[:1]),
        ("slices_scattered", scattered()),
        ("not_finite", in_floats(np.nan)),
        ("not_finite", in_floats(np.inf)),
        ("too_many_pixels", a_series(Rows=65535, Columns=65535)),
        ("pixels_truncated", a_series(Rows=64)),
        ("no_pixels", a_series(PixelData=None, Rows=None)),
        ("no_images", []),
    ],
)
def test_bad_input_is_refused_by_name_with_a_sentence_for_a_physicist(reason, datasets):
    with pytest.raises((Refused, ImageRefused)) as refusal:
        volume = read_series(datasets)
        apply_suv(volume, suv_factor(volume.headers))
        require_whole(volume)

    assert refusal.value.key == reason
    assert refusal.value.text_en.endswith(".")
    assert len(refusal.value.text_en.split()) >= 4
    assert refusal.value.text_zh


def test_good_input_passes_the_same_gate():
    volume = read_series(in_floats(1000.0))
    require_whole(volume)
    assert apply_suv(volume, suv_factor(volume.headers)).array.shape == (4, 2, 2)


@pytest.mark.data
@pytest.mark.parametrize(
    ("reason", "path"),
    [
        ("too_many_pixels", "malformed/orthanc-tests/2026-05-26-oob-monochrome-65535.dcm"),
        ("no_pixels", "malformed/orthanc-tests/DummyCTInvalidRows.dcm"),
        ("nested_too_deep", "malformed/orthanc-tests/2026-05-06-Deeply-Nested-Sequence.dcm"),
        ("pixels_truncated", "malformed/MR_truncated.dcm"),
        ("unreadable", "README.md"),
    ],
)
def test_hostile_files_are_refused_by_name(real_dicom, reason, path):
    with pytest.raises(ImageRefused) as refusal:
        read_series([read_dataset(real_dicom / path)])
    assert refusal.value.key == reason

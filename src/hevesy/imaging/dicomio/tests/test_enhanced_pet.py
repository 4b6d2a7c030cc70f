import numpy as np
import pytest
from pydicom.dataset import Dataset

from hevesy.imaging.dicomio import ImageRefused, read_series
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.quantify.tests.pet_scans import PetScan

ENHANCED_PET = "1.2.840.10008.5.1.4.1.1.130"
CLASSIC_ONLY = (
    "Units", "DecayCorrection", "CorrectedImage", "RescaleSlope", "RescaleIntercept",
    "ImagePositionPatient", "ImageOrientationPatient", "AcquisitionDate", "AcquisitionTime",
    "ActualFrameDuration",
)  # fmt: skip


def an_item(**attributes):
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def enhanced(values, scan, *, unit="Bq/ml", begins=None, slope=None, **attributes):
    """One enhanced object of the values [k, j, i], with words of its own for all that matters."""
    values = np.asarray(values, dtype=float)
    begins = [scan.reference] * len(values) if begins is None else begins
    slope = float(values.max()) / 30_000 if slope is None else slope
    (dataset,) = scan.written(values[:1])
    for keyword in CLASSIC_ONLY:
        delattr(dataset, keyword)
    dataset.SOPClassUID = ENHANCED_PET
    dataset.NumberOfFrames = len(values)
    dataset.PixelData = np.rint(values / slope).astype("<u2").tobytes()
    dataset.AttenuationCorrected, dataset.DecayCorrected = "YES", "YES"
    dataset.DecayCorrectionDateTime = scan.reference.strftime("%Y%m%d%H%M%S")
    mapping = an_item(
        RealWorldValueSlope=slope,
        RealWorldValueIntercept=0.0,
        MeasurementUnitsCodeSequence=[an_item(CodeValue=unit, CodingSchemeDesignator="UCUM")],
    )
    dataset.SharedFunctionalGroupsSequence = [
        an_item(
            PlaneOrientationSequence=[an_item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            RealWorldValueMappingSequence=[mapping],
            PixelValueTransformationSequence=[
                an_item(RescaleSlope=1, RescaleIntercept=0, RescaleType="US")
            ],
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        an_item(
            PlanePositionSequence=[an_item(ImagePositionPatient=[0, 0, 4 * k])],
            FrameContentSequence=[
                an_item(
                    FrameAcquisitionDateTime=begin.strftime("%Y%m%d%H%M%S.%f"),
                    FrameAcquisitionDuration=1000.0 * scan.frame_s,
                )
            ],
        )
        for k, begin in enumerate(begins)
    ]
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value) if value is not None else delattr(dataset, keyword)
    return dataset


def suv_of(dataset):
    volume = read_series([dataset])
    return volume, apply_suv(volume, suv_factor(volume.headers)).array


TRUTH = np.array([0.2, 1.0, 4.0, 2.0] * 3).reshape(3, 2, 2)


@pytest.mark.clause("6.15")
def test_real_world_values_in_becquerel_give_suv():
    scan = PetScan()
    volume, suv = suv_of(enhanced(scan.bq_per_ml(TRUTH, scan.reference), scan))
    assert volume.units == "BQML"
    np.testing.assert_allclose(suv, TRUTH, atol=4 / 30_000)


def test_decay_that_was_not_corrected_is_by_the_times_of_each_frame():
    scan = PetScan()
    begins = [scan.later(300.0 * k) for k in range(3)]
    middle_s = scan.mean_activity_s()
    values = [
        scan.bq_per_ml(plane, scan.later(300.0 * k + middle_s)) for k, plane in enumerate(TRUTH)
    ]
    _, suv = suv_of(enhanced(values, scan, begins=begins, DecayCorrected="NO"))
    np.testing.assert_allclose(suv, TRUTH, atol=4 / 30_000)


@pytest.mark.parametrize("unit", ["{SUVbw}g/ml", "g/ml{SUVbw}"])
def test_an_suv_that_the_scanner_mapped_is_taken_as_it_is(unit):
    volume, suv = suv_of(enhanced(TRUTH, PetScan(), unit=unit))
    assert volume.units == "GML"
    np.testing.assert_allclose(suv, TRUTH, atol=4 / 30_000)


@pytest.mark.parametrize(
    ("reason", "attributes"),
    [
        ("attenuation_not_corrected", {"AttenuationCorrected": "NO"}),
        ("attenuation_not_corrected", {"AttenuationCorrected": None, "DecayCorrected": None}),
        ("decay_correction_unknown", {"DecayCorrectionDateTime": None}),
        ("units_unsupported", {"unit": "ml/min"}),
    ],
)
def test_what_an_enhanced_object_does_not_say_is_refused(reason, attributes):
    scan = PetScan()
    volume = read_series([enhanced(scan.bq_per_ml(TRUTH), scan, **attributes)])
    assert suv_factor(volume.headers).refused == reason


def test_a_mapping_without_a_number_is_refused():
    scan = PetScan()
    broken = enhanced(TRUTH, scan)
    mapping = broken.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    mapping.RealWorldValueSlope = float("nan")
    with pytest.raises(ImageRefused) as refusal:
        read_series([broken])
    assert refusal.value.key == "bad_pixel_attributes"

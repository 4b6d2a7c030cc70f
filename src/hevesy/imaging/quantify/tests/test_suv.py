import json
from datetime import UTC, datetime, timedelta, timezone
from statistics import median

import numpy as np
import pydicom
import pytest

from hevesy.imaging.dicomio import read_series
from hevesy.imaging.geometry import Volume
from hevesy.imaging.quantify.suv import KINDS, SuvEdits, apply_suv, suv_factor

AN_HOUR_LATER = 70_000 / (368.08e6 * 2 ** (-3600 / 6586.2))


def a_header(**changes):
    """FDG, 70 kg, 368.08 MBq injected an hour before the scan; None removes an attribute."""
    header = {
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["NORM", "ATTN", "SCAT", "DECY"],
        "PatientWeight": 70.0,
        "PatientSize": 1.75,
        "PatientSex": "M",
        "SeriesDate": "20250101",
        "SeriesTime": "110000",
        "AcquisitionDate": "20250101",
        "AcquisitionTime": "110000",
        "FrameReferenceTime": 150000.0,
        "ActualFrameDuration": 300000.0,
        "radiopharmaceuticals": [a_drug()],
    } | changes
    return {key: value for key, value in header.items() if value is not None}


def a_drug(**changes):
    drug = {
        "RadionuclideTotalDose": 368.08e6,
        "RadionuclideHalfLife": 6586.2,
        "RadiopharmaceuticalStartDateTime": "20250101100000",
    } | changes
    return {key: value for key, value in drug.items() if value is not None}


def keys_of(factor):
    return {one.key for one in factor.warnings}


@pytest.mark.clause("6.15")
def test_activity_spread_evenly_through_the_body_has_suv_one():
    even_bq_per_ml = 368.08e6 * 2 ** (-3600 / 6586.2) / 70_000

    factor = suv_factor(a_header())

    assert even_bq_per_ml * factor.bw_factor == pytest.approx(1, rel=1e-12)
    assert factor.bw_factor == pytest.approx(2.777781e-4, rel=1e-6)
    assert factor.inputs.decay_s == 3600
    assert not factor.warnings


def test_decay_corrected_to_administration_needs_no_decay():
    factor = suv_factor(a_header(DecayCorrection="ADMIN"))
    assert factor.bw_factor == pytest.approx(1.901760e-4, rel=1e-6)


def test_twice_the_weight_twice_the_suv_and_twice_the_dose_half_of_it():
    assert suv_factor(a_header(PatientWeight=140.0)).bw_factor == pytest.approx(2 * AN_HOUR_LATER)
    doubled = a_header(radiopharmaceuticals=[a_drug(RadionuclideTotalDose=2 * 368.08e6)])
    assert suv_factor(doubled).bw_factor == pytest.approx(AN_HOUR_LATER / 2)


def test_a_stated_decay_factor_is_not_applied_a_second_time():
    assert suv_factor(a_header(DecayFactor=1.2)).bw_factor == pytest.approx(AN_HOUR_LATER)


def test_injection_one_half_life_earlier_doubles_the_suv():
    earlier = datetime(2025, 1, 1, 10, tzinfo=UTC) - timedelta(seconds=6586.2)
    drug = a_drug(RadiopharmaceuticalStartDateTime=earlier.strftime("%Y%m%d%H%M%S.%f"))
    assert suv_factor(a_header(radiopharmaceuticals=[drug])).bw_factor == pytest.approx(
        2 * AN_HOUR_LATER
    )


@pytest.mark.parametrize(
    "scan",
    [datetime(2025, 1, 1, 0, 30), datetime(2024, 3, 1, 0, 5), datetime(2025, 12, 31, 23, 59)],  # noqa: DTZ001
)
def test_midnight_month_leap_day_and_year_make_no_difference(scan):
    injected = scan - timedelta(hours=1)
    moved = {
        "SeriesDate": scan.strftime("%Y%m%d"),
        "SeriesTime": scan.strftime("%H%M%S"),
        "AcquisitionDate": scan.strftime("%Y%m%d"),
        "AcquisitionTime": scan.strftime("%H%M%S"),
    }
    with_date = a_drug(RadiopharmaceuticalStartDateTime=injected.strftime("%Y%m%d%H%M%S"))
    time_only = a_drug(
        RadiopharmaceuticalStartDateTime=None,
        RadiopharmaceuticalStartTime=injected.strftime("%H%M%S"),
    )
    for drug in (with_date, time_only):
        factor = suv_factor(a_header(**moved, radiopharmaceuticals=[drug]))
        assert factor.bw_factor == pytest.approx(AN_HOUR_LATER)


@pytest.mark.parametrize(
    ("reason", "header"),
    [
        ("not_pet", a_header(Modality="NM")),
        ("units_unsupported", a_header(Units="PROPCPS")),
        ("units_unsupported", a_header(Units=None)),
        ("philips_factor_missing", a_header(Units="CNTS")),
        ("philips_factor_missing", a_header(Units="CNTS", PhilipsSUVScaleFactor=0.0)),
        ("suv_type_unknown", a_header(Units="GML", SUVType="NEWBODY")),
        ("attenuation_not_corrected", a_header(CorrectedImage=["DECY"])),
        ("attenuation_not_corrected", a_header(CorrectedImage=None)),
        ("decay_not_corrected", a_header(CorrectedImage=["ATTN"])),
        ("decay_correction_unknown", a_header(DecayCorrection=None)),
        ("weight_missing", a_header(PatientWeight=None)),
        ("weight_missing", a_header(PatientWeight=0.0)),
        ("size_missing", a_header(Units="GML", SUVType="LBM", PatientSize=None)),
        ("dose_missing", a_header(radiopharmaceuticals=[a_drug(RadionuclideTotalDose=0.0)])),
        ("dose_missing", a_header(radiopharmaceuticals=None)),
        ("half_life_missing", a_header(radiopharmaceuticals=[a_drug(RadionuclideHalfLife=None)])),
        (
            "injection_time_missing",
            a_header(radiopharmaceuticals=[a_drug(RadiopharmaceuticalStartDateTime=None)]),
        ),
        ("reference_time_missing", a_header(SeriesTime=None, AcquisitionTime=None)),
        (
            "injected_after_scan",
            a_header(
                radiopharmaceuticals=[a_drug(RadiopharmaceuticalStartDateTime="20250101113000")]
            ),
        ),
        ("several_injections", a_header(radiopharmaceuticals=[a_drug(), a_drug()])),
    ],
)
def test_what_cannot_be_known_is_refused_by_name(reason, header):
    factor = suv_factor(header)

    assert factor.refused == reason
    assert factor.bw_factor is None
    assert factor.refused_text_zh
    assert factor.as_json()["refused"] == reason


def test_slices_that_contradict_each_other_are_refused():
    assert suv_factor([a_header(), a_header(PatientWeight=71.0)]).refused == "headers_disagree"
    assert suv_factor([a_header(), a_header(PatientWeight=None)]).refused == "headers_disagree"


def test_the_chosen_one_of_two_injections_counts():
    second = a_drug(RadionuclideTotalDose=184.04e6)
    both = a_header(radiopharmaceuticals=[a_drug(), second])
    assert suv_factor(both, injection=1).bw_factor == pytest.approx(2 * AN_HOUR_LATER)


@pytest.mark.parametrize(
    ("told", "header"),
    [
        ("dose_in_mbq", a_header(radiopharmaceuticals=[a_drug(RadionuclideTotalDose=368.08)])),
        (
            "half_life_from_table",
            a_header(
                radiopharmaceuticals=[
                    a_drug(RadionuclideHalfLife=None, RadionuclideCodeMeaning="^18^Fluorine")
                ]
            ),
        ),
        (
            "injection_date_shifted",
            a_header(
                radiopharmaceuticals=[a_drug(RadiopharmaceuticalStartDateTime="20190607100000")]
            ),
        ),
        (
            "injection_times_differ",
            a_header(radiopharmaceuticals=[a_drug(RadiopharmaceuticalStartTime="095000")]),
        ),
        (
            "reference_time_guessed",
            a_header(SeriesTime="150000", FrameReferenceTime=None),
        ),
    ],
)
def test_what_is_doubtful_is_told_and_computed_all_the_same(told, header):
    factor = suv_factor(header)

    assert keys_of(factor) == {told}
    assert factor.bw_factor == pytest.approx(AN_HOUR_LATER, rel=1e-4)


def test_a_stated_offset_counts_only_if_both_sides_state_one():
    in_utc = a_drug(RadiopharmaceuticalStartDateTime="20250101020000+0000")
    told = a_header(TimezoneOffsetFromUTC="+0800", radiopharmaceuticals=[in_utc])
    assert suv_factor(told).bw_factor == pytest.approx(AN_HOUR_LATER)
    silent = a_header(
        radiopharmaceuticals=[a_drug(RadiopharmaceuticalStartDateTime="20250101100000+0000")]
    )
    assert suv_factor(silent).bw_factor == pytest.approx(AN_HOUR_LATER)


def test_edited_parameters_replace_the_header_and_say_so():
    beijing = timezone(timedelta(hours=8))
    edits = SuvEdits(
        weight_kg=80,
        dose_bq=360e6,
        injected_at=datetime(2025, 1, 1, 2, 10, tzinfo=UTC),
        clock_zone=beijing,
    )

    factor = suv_factor(a_header(PatientWeight=None), edits=edits)

    assert factor.bw_factor == pytest.approx(80_000 / (360e6 * 2 ** (-3000 / 6586.2)))
    assert "values_edited" in keys_of(factor)
    assert factor.inputs.edited == ("weight_kg", "dose_bq", "injected_at")
    with pytest.raises(ValueError, match="time zone"):
        SuvEdits(injected_at=datetime(2025, 1, 1, 10, tzinfo=UTC))


def test_a_correction_tells_its_edition_author_time_and_what_the_header_had_said():
    corrected = SuvEdits(
        weight_kg=80.0, author="QA", made_at=datetime(2025, 1, 2, tzinfo=UTC), edition=3
    )

    factor = suv_factor(a_header(PatientWeight=70.0), edits=corrected)

    assert factor.provenance()["overrides"] == {
        "edition": 3,
        "author": "QA",
        "made_at": "2025-01-02T00:00:00+00:00",
        "values": {"weight_kg": {"used": 80.0, "header": 70.0}},
    }
    _, told = factor.sentences()
    assert told == (
        "weight_kg 80.0 instead of 70.0 of the header; edition 3 of the corrections, by QA at"
        " 2025-01-02T00:00:00+00:00"
    )
    as_stated = suv_factor(a_header(), edits=SuvEdits(author="QA"))
    assert as_stated.provenance()["overrides"] is None
    assert len(as_stated.sentences()) == 1
    with pytest.raises(ValueError, match="from 1"):
        SuvEdits(edition=0)


def test_a_correction_that_cannot_change_an_image_in_suv_is_doubted():
    edits = SuvEdits(weight_kg=80.0)

    suv_already = suv_factor(a_header(Units="GML", PatientWeight=70.0), edits=edits)
    activity = suv_factor(a_header(PatientWeight=70.0), edits=edits)

    assert suv_already.bw_factor == 1.0
    assert "edits_without_effect" in keys_of(suv_already)
    assert "edits_without_effect" not in keys_of(activity)


def test_each_kind_of_suv_names_the_formula_of_its_normaliser():
    factor = suv_factor(a_header(PatientSize=1.75))

    told = {kind: factor.as_kind(kind).source for kind in KINDS}

    assert len(set(told.values())) == len(KINDS)
    assert "Janmahasatian" in told["LBMJANMA"] and "QIBA" in told["LBMJANMA"]
    assert "Janmahasatian" not in told["BW"]


def test_uncorrected_bed_positions_have_factors_of_their_own():
    later = a_header(DecayCorrection="NONE", AcquisitionTime="110500")
    factor = suv_factor([a_header(DecayCorrection="NONE"), later])

    assert factor.varies
    assert factor.per_slice[1] / factor.per_slice[0] == pytest.approx(2 ** (300 / 6586.2))

    stored = np.array([1 / factor.per_slice[0], 1 / factor.per_slice[1]]).reshape(2, 1, 1)
    volume = Volume(array=stored, ijk_to_lps=np.eye(4), units="BQML", modality="PT")
    np.testing.assert_allclose(apply_suv(volume, factor).array, 1, rtol=1e-6)


DRO_SERIES = ["0_0", "1_0", "2_0", "2_1", "2_4", "3_0", "3_1", "3_3", "4_0"]


@pytest.mark.data
@pytest.mark.clause("6.15")
@pytest.mark.parametrize("series", DRO_SERIES)
def test_reference_objects_of_every_vendor_path_have_the_stated_suv(real_dicom, series):
    volume = read_series(sorted((real_dicom / f"suv_dro/DRO_{series}/PT").iterdir()))

    factor = suv_factor(volume.headers)

    suv = apply_suv(volume, factor).array
    found = suv[suv > 0]
    # The makers truncated rather than rounded: a whole stored unit, not half.
    a_stored_unit = volume.slices[0].rescale_slope * factor.bw_factor
    assert min(found) == pytest.approx(0.20, abs=a_stored_unit + 1e-5)
    assert median(found.tolist()) == pytest.approx(1.00, abs=a_stored_unit + 1e-5)
    assert max(found) == pytest.approx(4.00, abs=a_stored_unit + 1e-5)


@pytest.mark.data
def test_real_vendor_headers_have_the_published_factors(real_dicom):
    cases = json.loads((real_dicom / "suv_dro/calculate_suv_cases.json").read_text())["cases"]
    assert len(cases) == 8
    for case in cases:
        header = dict(case["instance0"], Modality="PT")
        for name, value in header.pop("PhilipsPETPrivateGroup").items():
            header[{"SUVScaleFactor": "PhilipsSUVScaleFactor"}.get(name, f"Philips{name}")] = float(
                value
            )
        drug = {name: header.pop(name) for name in list(header) if name.startswith("Radio")}
        factor = suv_factor(header | {"radiopharmaceuticals": [drug]})
        assert factor.bw_factor == pytest.approx(case["expected_suvbw_factor"], rel=1e-9), case[
            "case"
        ]


def seconds_of(clock):
    """Seconds since midnight of a DICOM time, HHMMSS.FFFFFF."""
    text = str(clock)
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])


@pytest.mark.data
@pytest.mark.clause("6.15")
def test_a_real_whole_body_scan_agrees_with_its_independently_made_suv_crop(real_dicom):
    folder = real_dicom / "pet_ct_mr/STS_001"
    volume = read_series((folder / "PT_wholebody").iterdir())
    crop = read_series((folder / "PT_cropped_SUV_GML").iterdir())

    factor = suv_factor(volume.headers)

    # 1000 g/kg weight / (dose x 2^(-(start of scan - injection) / half-life)), clocks of one day.
    header = pydicom.dcmread(next((folder / "PT_wholebody").iterdir()), stop_before_pixels=True)
    drug = header.RadiopharmaceuticalInformationSequence[0]
    waited_s = seconds_of(header.SeriesTime) - seconds_of(drug.RadiopharmaceuticalStartTime)
    left_bq = float(drug.RadionuclideTotalDose) * 2 ** (
        -waited_s / float(drug.RadionuclideHalfLife)
    )
    assert 1800 < waited_s < 3 * 3600
    assert factor.bw_factor == pytest.approx(1000 * float(header.PatientWeight) / left_bq, rel=1e-9)
    suv = apply_suv(volume, factor)
    i, j, k = np.round(volume.index(crop.world((0, 0, 0)))).astype(int)
    nk, nj, ni = crop.array.shape
    same = suv.array[k : k + nk, j : j + nj, i : i + ni]
    np.testing.assert_allclose(same, crop.array, atol=25.4 / 32767 + 1e-4)
    assert same.max() == pytest.approx(25.412298, rel=1e-6)
    assert suv.array.max() == pytest.approx(66.52, abs=0.01)

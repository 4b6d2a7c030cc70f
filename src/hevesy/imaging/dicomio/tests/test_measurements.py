"""Structured reports of lesions: numbers read back equal, and read by other programs."""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.dicomio import SeriesIdentity
from hevesy.imaging.dicomio.objects.measurements import (
    LesionMeasurements,
    Measured,
    measurement_report,
    read_measurements,
)
from hevesy.imaging.dicomio.objects.measures import DERIVATIONS, measures
from hevesy.imaging.dicomio.objects.segmentation import Segment, segmentation
from hevesy.imaging.dicomio.objects.sources import Maker, save
from hevesy.imaging.refusal import Refused

SERIES = SeriesIdentity(901, "病灶测量")
READER = Maker(person="Chen^Jianguo=陈^建国")


@pytest.fixture(scope="module")
def segmented(a_series):
    volume, sources = a_series
    mask = np.zeros(volume.array.shape, dtype=bool)
    mask[2, 3:6, 4:7] = True
    return segmentation(volume, sources, [Segment("病灶 1", mask)], SeriesIdentity(900, "seg"))


def a_lesion(**changes):
    lesion = LesionMeasurements(
        segment_number=1,
        tracking_id="病灶 1",
        tracking_uid="1.2.826.0.1.3680043.8.498.5",
        rule="SUV >= 41 % of SUVmax（固定阈值）",
        algorithm=("hevesy-mtv", "1"),
        site=("10200004", "SCT", "Liver"),
        suv=("SUVbw: BQML, decay START", "weight_kg 70 instead of 80 of the header"),
        values=(
            Measured("suv_bw", 25.412298, "max"),
            Measured("suv_bw", 1 / 3, "mean"),
            Measured("suv_bw", 0.1, "min"),
            Measured("suv_bw", 2.5e-7, "sd"),
            Measured("suv_bw", 7.123456789012345, "peak", "1 cm3 球，分数权重"),
            Measured("volume", 12.5),
            Measured("tlg", 4.166666666666667),
        ),
    )
    return replace(lesion, **changes)


def test_a_lesion_comes_back_equal(a_series, segmented, tmp_path):
    _, sources = a_series
    lesions = (a_lesion(), a_lesion(tracking_id="L2", site=None, rule=""))

    written = measurement_report(segmented, sources, lesions, SERIES, maker=READER)
    first, second = read_measurements(save(written, tmp_path / "sr.dcm"))

    assert first == lesions[0]
    assert second.values == lesions[1].values
    assert second.site is None
    assert (second.rule, second.suv) == ("", lesions[1].suv)


@settings(max_examples=15)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64))
def test_any_number_comes_back_to_the_last_bit(a_series, segmented, tmp_path_factory, number):
    _, sources = a_series
    lesion = a_lesion(values=(Measured("suv_bw", number, "mean"),))

    written = measurement_report(segmented, sources, [lesion], SERIES)
    (found,) = read_measurements(save(written, tmp_path_factory.mktemp("sr") / "sr.dcm"))

    assert found.values[0].value == number


def test_every_code_of_the_table_is_the_one_of_the_dictionary():
    from pydicom.sr.codedict import codes

    names = {
        "suv_bw": codes.DCM.Suvbw,
        "suv_lbm": codes.DCM.Suvlbm,
        "suv_lbm_james128": codes.DCM.SuvlbmJames128,
        "suv_lbm_janma": codes.DCM.SuvlbmJanma,
        "suv_bsa": codes.DCM.Suvbsa,
        "suv_ibw": codes.DCM.Suvibw,
        "volume": codes.SCT.Volume,
        "tlg": codes.DCM.TotalLesionGlycolysis,
        "z_score": codes.DCM.ZScore,
        "activity_concentration": codes.DCM.NuclearMedicineTomographicActivity,
    }

    for key, code in names.items():
        assert measures()[key].code == (code.value, code.scheme_designator, code.meaning)
    for key, code in {
        "mean": codes.SCT.Mean,
        "max": codes.SCT.Maximum,
        "min": codes.SCT.Minimum,
        "sd": codes.SCT.StandardDeviation,
        "peak": codes.DCM.PeakValueWithinROI,
    }.items():
        assert DERIVATIONS[key][:2] == (code.value, code.scheme_designator)
    assert set(measures()) == {*names, "ki"}


def test_highdicom_finds_the_group_and_its_segment(a_series, segmented, tmp_path):
    import highdicom
    from pydicom.sr.codedict import codes

    _, sources = a_series
    written = measurement_report(segmented, sources, [a_lesion()], SERIES)

    report = highdicom.sr.srread(save(written, tmp_path / "sr.dcm"))

    (group,) = report.content.get_volumetric_roi_measurement_groups()
    assert group.tracking_identifier == "病灶 1"
    assert group.referenced_segment.referenced_sop_instance_uid == segmented.SOPInstanceUID
    assert group.referenced_segment.referenced_segment_numbers in (1, [1])
    values = [one.value for one in group.get_measurements(codes.DCM.Suvbw)]
    assert values == [25.412298, 1 / 3, 0.1, 2.5e-7, 7.123456789012345]
    (volume,) = group.get_measurements(codes.SCT.Volume)
    assert (volume.value, volume.unit.value, volume.method.value) == (12.5, "ml", "126030")


def test_text_and_names_are_chinese_and_the_report_is_preliminary(a_series, segmented, tmp_path):
    _, sources = a_series

    written = measurement_report(segmented, sources, [a_lesion()], SERIES, maker=READER)
    found = pydicom.dcmread(save(written, tmp_path / "sr.dcm"))

    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert found.PatientName.ideographic == "李^明"
    assert (found.CompletionFlag, found.PreliminaryFlag) == ("COMPLETE", "PRELIMINARY")
    evidence = {
        item.ReferencedSOPInstanceUID
        for study in found.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert segmented.SOPInstanceUID in evidence


@pytest.mark.data
def test_a_report_of_another_maker_gives_its_numbers(real_dicom):
    path = real_dicom / "sr" / "pet_tid1500_seg_rwvm" / "sr.dcm"

    (lesion,) = read_measurements(path)

    found = {(one.measure, one.derivation): one.value for one in lesion.values}
    assert lesion.segment_number == 1
    assert found["suv_bw", "mean"] == 6.01529
    assert found["suv_bw", "max"] == 10.3814
    assert found["suv_bw", "min"] == 2.91136
    assert found["suv_bw", "peak"] == 9.45534
    assert found["suv_bw", "sd"] == 1.62653
    assert found["volume", ""] == 33.5824
    # The maker's own arithmetic: TLG is SUVmean times volume.
    assert found["tlg", ""] == pytest.approx(6.01529 * 33.5824, rel=1e-5)


@pytest.mark.peer
def test_dsrdump_prints_the_numbers_and_the_validator_finds_no_error(
    a_series, segmented, tmp_path, judged
):
    _, sources = a_series
    written = measurement_report(segmented, sources, [a_lesion()], SERIES, maker=READER)
    path = save(written, tmp_path / "sr.dcm")

    # Long values in full.
    dump = subprocess.run(["dsrdump", "+Pl", path], capture_output=True, check=True)

    text = dump.stdout.decode()
    numbers = [float(n) for n in re.findall(r'NUM:\(,,"[^"]*"\)="([^"]*)"', text)]
    assert numbers == pytest.approx([one.value for one in a_lesion().values], rel=1e-13)
    assert "固定阈值" in text
    assert "weight_kg 70 instead of 80" in text
    assert "陈^建国" in text
    assert judged(path) == []


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("no_such_segment", {"segment_number": 2}),
        ("not_a_number", {"values": (Measured("tlg", float("nan")),)}),
        ("unknown_measure", {"values": (Measured("suv", 1.0),)}),
        ("unknown_derivation", {"values": (Measured("suv_bw", 1.0, "median"),)}),
    ],
)
def test_what_has_no_code_or_no_value_is_refused(a_series, segmented, key, changes):
    _, sources = a_series

    with pytest.raises(Refused) as refusal:
        measurement_report(segmented, sources, [a_lesion(**changes)], SERIES)
    with pytest.raises(Refused) as empty:
        measurement_report(segmented, sources, [], SERIES)

    assert refusal.value.key == key
    assert empty.value.key == "no_measurements"

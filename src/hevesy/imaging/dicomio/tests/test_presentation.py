"""Presentation states and key images: what was marked is what comes back."""

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.dicomio import SeriesIdentity
from hevesy.imaging.dicomio.objects.key_objects import (
    TITLES,
    KeyImages,
    key_object_selection,
    read_key_objects,
)
from hevesy.imaging.dicomio.objects.presentation import (
    Annotation,
    Presentation,
    Shutter,
    presentation_state,
    read_presentation,
)
from hevesy.imaging.dicomio.objects.sources import Maker, save
from hevesy.imaging.refusal import Refused

SERIES = SeriesIdentity(902, "阅片标注")
READER = Maker(person="Chen^Jianguo=陈^建国")


def marks(uid):
    return (
        Annotation("TEXT", ((3.0, 4.0),), uid, "病灶 SUVmax 12.3"),
        Annotation("POLYLINE", ((0.0, 0.0), (5.5, 2.25), (7.0, 9.0)), uid),
        Annotation("ELLIPSE", ((2.0, 5.0), (8.0, 5.0), (5.0, 3.5), (5.0, 6.5)), uid),
        Annotation("POINT", ((13.0, 11.0),), uid),
    )


@pytest.mark.parametrize(
    "shutter",
    [
        Shutter(rectangle=((2, 1), (10, 9))),
        Shutter(circle=((6, 5), 4)),
        Shutter(polygon=((1, 1), (9, 2), (5, 8))),
        None,
    ],
)
def test_marks_window_and_shutter_come_back_equal(a_series, tmp_path, shutter):
    _, sources = a_series
    shown = Presentation((5000.0, 12000.5), marks(sources[2].SOPInstanceUID), shutter)

    written = presentation_state(sources, shown, SERIES, maker=READER)

    found = read_presentation(save(written, tmp_path / "pr.dcm"), sources)
    assert found.window == pytest.approx(shown.window, rel=1e-9)
    assert (found.annotations, found.shutter) == (shown.annotations, shown.shutter)


def test_each_pet_slice_gets_the_window_in_its_own_stored_values(a_series):
    _, sources = a_series
    slopes = [float(one.RescaleSlope) for one in sources]
    assert len(set(slopes)) == len(sources)

    written = presentation_state(sources, Presentation((5000.0, 12000.0)), SERIES)

    assert "RescaleSlope" not in written
    items = written.SoftcopyVOILUTSequence
    for item, source, slope in zip(items, sources, slopes, strict=True):
        assert item.ReferencedImageSequence[0].ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert float(item.WindowCenter) * slope == pytest.approx(5000, rel=1e-9)
        assert float(item.WindowWidth) * slope == pytest.approx(12000, rel=1e-9)
        assert float(source.RescaleSlope) == slope


def test_images_of_one_scale_share_one_window_in_their_units(a_series, tmp_path):
    _, sources = a_series
    shown = Presentation((5000.0, 12000.5), marks(sources[2].SOPInstanceUID))

    written = presentation_state([sources[2]], shown, SERIES)

    assert written.RescaleSlope == sources[2].RescaleSlope
    assert len(written.SoftcopyVOILUTSequence) == 1
    assert read_presentation(save(written, tmp_path / "pr.dcm")) == shown


@settings(max_examples=15)
@given(column=st.integers(0, 13 * 8), row=st.integers(0, 11 * 8))
def test_a_pixel_centre_is_half_a_pixel_from_the_corner_of_the_image(
    a_series, tmp_path_factory, column, row
):
    _, sources = a_series
    point = (column / 8, row / 8)
    shown = Presentation(annotations=(Annotation("POINT", (point,), sources[0].SOPInstanceUID),))

    written = presentation_state(sources[:1], shown, SERIES)
    path = save(written, tmp_path_factory.mktemp("pr") / "pr.dcm")

    graphic = pydicom.dcmread(path).GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    assert np.allclose(graphic.GraphicData, np.array(point) + 0.5)
    assert read_presentation(path).annotations[0].points == (point,)


def test_the_edges_of_a_shutter_lie_just_outside_what_is_shown(a_series):
    _, sources = a_series

    shown = Presentation(shutter=Shutter(rectangle=((0, 1), (12, 9))))
    written = presentation_state(sources, shown, SERIES)

    # Columns count from 1: the first is shown, so the edge is column 0.
    assert (written.ShutterLeftVerticalEdge, written.ShutterRightVerticalEdge) == (0, 14)
    assert (written.ShutterUpperHorizontalEdge, written.ShutterLowerHorizontalEdge) == (1, 11)


def test_key_images_come_back_in_their_order_with_their_words(a_series, tmp_path):
    _, sources = a_series
    chosen = [sources[4], sources[1]]

    written = key_object_selection(
        chosen, "for_conference", SERIES, description="疑似转移，请会诊", maker=READER
    )

    assert read_key_objects(save(written, tmp_path / "ko.dcm")) == KeyImages(
        "for_conference",
        "疑似转移，请会诊",
        tuple(str(one.SOPInstanceUID) for one in chosen),
    )


def test_titles_are_those_of_cid_7010():
    from pydicom.sr.codedict import codes

    offered = {(code.value, code.meaning) for code in codes.cid7010.concepts.values()}

    assert {(value, meaning) for value, _, meaning in TITLES.values()} <= offered


@pytest.mark.data
def test_objects_of_other_makers_are_read(real_dicom):
    state = read_presentation(real_dicom / "derived" / "gsps" / "STS_025_CT_gsps.dcm")
    chosen = read_key_objects(real_dicom / "derived" / "kos" / "STS_025_key_images.dcm")

    assert state.window == (40.0, 400.0)
    text, circle = state.annotations[:2]
    assert (text.text, text.points) == ("lesion", ((94.5, 59.5),))
    assert circle.shape == "ELLIPSE"
    assert circle.points == ((49.5, 69.5), (89.5, 69.5), (69.5, 49.5), (69.5, 89.5))
    assert chosen.title == "of_interest"
    assert chosen.images


@pytest.mark.data
@pytest.mark.parametrize("name", ["gb18030", "gb18030_4byte_rare", "gbk", "utf8", "iso2022_ir58"])
def test_a_chinese_name_in_any_character_set_stays_the_same_name(real_dicom, tmp_path, name):
    path = real_dicom / "derived" / "charset_chinese" / f"{name}.dcm"
    before = pydicom.dcmread(path)

    written = key_object_selection([path], "of_interest", SERIES, description="疑似转移")
    after = pydicom.dcmread(save(written, tmp_path / "ko.dcm"))

    assert after.SpecificCharacterSet == "ISO_IR 192"
    assert not str(before.PatientName).isascii()
    assert str(after.PatientName) == str(before.PatientName)


@pytest.mark.peer
def test_other_programs_find_no_error_in_states_and_selections(a_series, tmp_path, judged):
    _, sources = a_series
    shown = Presentation(
        (5000.0, 12000.0), marks(sources[2].SOPInstanceUID), Shutter(circle=((6, 5), 4))
    )
    state = presentation_state(sources, shown, SERIES, maker=READER)
    chosen = key_object_selection(sources[:2], "for_patient", SERIES, description="关键图像")

    assert judged(save(state, tmp_path / "pr.dcm")) == []
    assert judged(save(chosen, tmp_path / "ko.dcm")) == []


def test_marks_that_cannot_be_are_refused(a_series):
    _, sources = a_series
    uid = str(sources[0].SOPInstanceUID)
    point = Annotation("POINT", ((1.0, 1.0),), uid)
    cases = {
        "image_not_among_sources": (sources[1:], Presentation(annotations=(point,))),
        "bad_annotation": (
            sources,
            Presentation(annotations=(Annotation("POINT", ((14.0, 1.0),), uid),)),
        ),
        "bad_window": (sources, Presentation(window=(1.0, 0.0))),
    }

    for key, (files, shown) in cases.items():
        with pytest.raises(Refused) as refusal:
            presentation_state(files, shown, SERIES)
        assert refusal.value.key == key
    for shape, points, text in (
        ("ELLIPSE", ((0.0, 0.0),), ""),
        ("TEXT", ((0.0, 0.0),), ""),
        ("POINT", ((float("nan"), 0.0),), ""),
    ):
        with pytest.raises(Refused, match="bad_annotation"):
            Annotation(shape, points, uid, text)
    with pytest.raises(Refused, match="unknown_title"):
        key_object_selection(sources, "for_fun", SERIES)

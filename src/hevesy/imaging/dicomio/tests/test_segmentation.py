"""Segmentations written: read back, by highdicom too, and judged by other programs."""

from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.dicomio import SeriesIdentity, read_series
from hevesy.imaging.dicomio.masks import read_masks
from hevesy.imaging.dicomio.objects.segmentation import (
    ANATOMY,
    Algorithm,
    Segment,
    segmentation,
)
from hevesy.imaging.dicomio.objects.sources import Maker, save
from hevesy.imaging.refusal import Refused

SERIES = SeriesIdentity(900, "病灶分割")
RULE = Algorithm("hevesy-mtv", "1", (("rule", "SUV >= 41 % of SUVmax"), ("规则", "固定阈值")))


def boxes(volume, *, overlap=False):
    first, second = (np.zeros(volume.array.shape, dtype=bool) for _ in range(2))
    first[1:4, 2:7, 3:9] = True
    first[2, 4, 5] = False
    second[3 if overlap else 4 :, 5:9, 4:10] = True
    return [
        Segment("病灶 1", first, algorithm=RULE, tracking_id="L1", rgb=(255, 0, 0)),
        Segment("liver", second, category=ANATOMY, kind=("10200004", "SCT", "Liver")),
    ]


def test_labels_come_back_exactly(a_series, tmp_path):
    volume, sources = a_series
    segments = boxes(volume)

    for kind, crop in (("BINARY", False), ("BINARY", True), ("LABELMAP", False)):
        written = segmentation(volume, sources, segments, SERIES, kind=kind, crop=crop)
        masks = read_masks(save(written, tmp_path / "seg.dcm"), volume)

        assert [(mask.number, mask.name) for mask in masks] == [(1, "病灶 1"), (2, "liver")]
        for mask, segment in zip(masks, segments, strict=True):
            assert np.array_equal(mask.array, segment.mask)
            assert mask.findings == ()
        assert written.Rows == (7 if crop else volume.array.shape[1])


def test_overlapping_segments_are_kept_in_binary_and_refused_in_a_label_map(a_series, tmp_path):
    volume, sources = a_series
    segments = boxes(volume, overlap=True)

    written = segmentation(volume, sources, segments, SERIES)
    masks = read_masks(save(written, tmp_path / "seg.dcm"), volume)
    with pytest.raises(Refused) as refusal:
        segmentation(volume, sources, segments, SERIES, kind="LABELMAP")

    assert written.SegmentsOverlap == "YES"
    assert all(np.array_equal(m.array, s.mask) for m, s in zip(masks, segments, strict=True))
    assert refusal.value.key == "segments_overlap"


@settings(max_examples=15)
@given(bits=st.integers(0, 2**32 - 1), kind=st.sampled_from(["BINARY", "LABELMAP"]))
def test_any_labels_survive(a_series, tmp_path_factory, bits, kind):
    volume, sources = a_series
    labels = np.random.default_rng(bits).integers(0, 4, volume.array.shape)
    segments = [Segment(f"lesion {n}", labels == n) for n in (1, 2, 3)]

    written = segmentation(volume, sources, segments, SERIES, kind=kind)
    masks = read_masks(save(written, tmp_path_factory.mktemp("seg") / "seg.dcm"), volume)

    for mask in masks:
        assert np.array_equal(mask.array, labels == mask.number)


def test_highdicom_reads_meaning_and_voxels(a_series, tmp_path):
    import highdicom

    volume, sources = a_series
    segments = boxes(volume)
    path = save(segmentation(volume, sources, segments, SERIES), tmp_path / "seg.dcm")

    theirs = highdicom.seg.segread(path)

    lesion = theirs.get_segment_description(1)
    assert lesion.segmented_property_type.value == "52988006"
    assert lesion.tracking_id == "L1"
    assert lesion.SegmentAlgorithmType == "AUTOMATIC"
    algorithm = lesion.SegmentationAlgorithmIdentificationSequence[0]
    assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("hevesy-mtv", "1")
    assert "SUV >= 41 % of SUVmax" in algorithm.AlgorithmParameters
    assert "固定阈值" in algorithm.AlgorithmParameters
    colour = highdicom.color.CIELabColor.from_dicom_value(lesion.RecommendedDisplayCIELabValue)
    assert colour.to_rgb() == (255, 0, 0)
    assert theirs.get_segment_description(2).SegmentAlgorithmType == "MANUAL"
    pixels = theirs.get_pixels_by_source_instance(
        [one.SOPInstanceUID for one in sources], assert_missing_frames_are_empty=True
    )
    assert np.array_equal(pixels[..., 0], segments[0].mask)


def test_people_and_places_are_those_of_the_images(a_series, tmp_path):
    volume, sources = a_series
    before = [str(one.PatientName) for one in sources]

    written = segmentation(
        volume, sources, boxes(volume), SERIES, maker=Maker(person="Chen^Jianguo=陈^建国")
    )
    found = pydicom.dcmread(save(written, tmp_path / "seg.dcm"))

    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert str(found.PatientName) == before[0] == "Li^Ming=李^明"
    assert found.ContentCreatorName.ideographic == "陈^建国"
    assert found.SeriesDescription == "病灶分割"
    assert found.StudyInstanceUID == sources[0].StudyInstanceUID
    assert found.FrameOfReferenceUID == volume.frame_of_reference_uid
    assert [str(one.PatientName) for one in sources] == before


@pytest.mark.data
def test_a_spect_of_one_file_names_its_frames(real_dicom, tmp_path):
    path = real_dicom / "derived" / "brain_pet_mr_spm" / "NM_HMPAO_recon.dcm"
    spect = read_series([path])
    segments = boxes(spect)[:1]

    written = segmentation(spect, [path], segments, SERIES, kind="LABELMAP")
    (mask,) = read_masks(save(written, tmp_path / "seg.dcm"), spect)

    assert np.array_equal(mask.array, segments[0].mask)
    named = {}
    for frame in written.PerFrameFunctionalGroupsSequence:
        source = frame.DerivationImageSequence[0].SourceImageSequence[0]
        assert source.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.20"
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        named[round(float(spect.index(position)[2]))] = int(source.ReferencedFrameNumber)
    assert named == {1: 2, 2: 3, 3: 4}


@pytest.mark.peer
def test_other_programs_find_no_error_in_a_segmentation(a_series, tmp_path, judged):
    volume, sources = a_series

    path = save(segmentation(volume, sources, boxes(volume), SERIES), tmp_path / "seg.dcm")

    assert judged(path) == []


def test_what_does_not_fit_is_refused(a_series):
    volume, sources = a_series
    (good, _) = boxes(volume)
    elsewhere = replace(volume, frame_of_reference_uid="1.2.3")
    filled = replace(
        volume,
        slices=(
            volume.slices[0],
            replace(volume.slices[1], sop_instance_uid=""),
            *volume.slices[2:],
        ),
    )
    cases = {
        "no_segments": (volume, sources, []),
        "mask_shape": (volume, sources, [replace(good, mask=good.mask[1:])]),
        "mask_empty": (volume, sources, [replace(good, mask=np.zeros_like(good.mask))]),
        "too_many_segments": (volume, sources, [good] * 65536),
        "wrong_frame_of_reference": (elsewhere, sources, [good]),
        "sources_do_not_fit": (volume, sources[1:], [good]),
        "mask_on_missing_slice": (filled, sources, [good]),
        "no_sources": (volume, [], [good]),
    }

    for key, (one, files, segments) in cases.items():
        with pytest.raises(Refused) as refusal:
            segmentation(one, files, segments, SERIES)
        assert refusal.value.key == key
        assert refusal.value.text_zh

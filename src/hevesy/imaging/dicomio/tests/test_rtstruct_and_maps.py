"""Structure sets and parametric maps written: the same masks and values read back."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hevesy.imaging.dicomio import SeriesIdentity, read_series
from hevesy.imaging.dicomio.headers import ucum
from hevesy.imaging.dicomio.masks import read_masks
from hevesy.imaging.dicomio.masks.rt_contours import inside_counts
from hevesy.imaging.dicomio.objects.measures import measures
from hevesy.imaging.dicomio.objects.parametric_map import parametric_map, read_parametric_map
from hevesy.imaging.dicomio.objects.rtstruct import outlines, structure_set
from hevesy.imaging.dicomio.objects.segmentation import Algorithm, Segment
from hevesy.imaging.dicomio.objects.sources import Maker, save
from hevesy.imaging.refusal import Refused

SERIES = SeriesIdentity(903, "勾画轮廓")
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
READER = Maker(person="Chen^Jianguo=陈^建国")


def lesions(volume):
    ring = np.zeros(volume.array.shape, dtype=bool)
    ring[2:4, 2:10, 2:11] = True
    ring[2:4, 4:7, 4:6] = False
    ring[3, 5, 8] = False
    other = np.zeros_like(ring)
    other[3, 0:3, 0:3] = True
    other[3, 3, 3] = True
    return [
        Segment("病灶 1", ring, algorithm=Algorithm("hevesy-mtv", "1"), rgb=(0, 255, 0)),
        Segment("edge", other),
    ]


def test_masks_with_holes_at_edges_and_overlapping_come_back_equal(a_series, tmp_path):
    volume, sources = a_series
    segments = lesions(volume)

    written = structure_set(volume, sources, segments, SERIES, made_at=NOW, maker=READER)
    masks = read_masks(save(written, tmp_path / "rs.dcm"), volume)

    assert [(mask.number, mask.name) for mask in masks] == [(1, "病灶 1"), (2, "edge")]
    for mask, segment in zip(masks, segments, strict=True):
        assert np.array_equal(mask.array, segment.mask)
        # Holes are keyholes, so nothing has to be guessed from nested contours.
        assert mask.findings == ()


@settings(max_examples=60)
@given(bits=st.integers(1, 2**56 - 1))
def test_any_plane_is_the_inside_of_its_outlines(bits):
    plane = np.array([bits >> n & 1 for n in range(56)], dtype=bool).reshape(7, 8)

    contours = outlines(plane)

    count = inside_counts(contours, plane.shape)
    assert np.array_equal(count == 1, plane)
    assert count.max() == 1


def test_a_hole_belongs_to_the_innermost_contour_around_it():
    row, column = np.mgrid[:13, :13]
    rings = np.maximum(abs(row - 6), abs(column - 6)) % 2 == 0

    contours = outlines(rings)

    count = inside_counts(contours, rings.shape)
    assert np.array_equal(count == 1, rings)
    assert count.max() == 1
    assert len(contours) == 4


def test_skimage_fills_the_contours_to_the_same_mask():
    from skimage.draw import polygon2mask

    row, column = np.mgrid[:30, :40]
    plane = (row - 14) ** 2 / 90 + (column - 19) ** 2 / 200 < 1

    (contour,) = outlines(plane)

    assert np.array_equal(polygon2mask(plane.shape, contour[:, ::-1]), plane)


@pytest.mark.data
def test_a_real_structure_set_survives_being_written_again(real_dicom, tmp_path):
    folder = real_dicom / "pet_ct_mr" / "STS_025"
    files = sorted((folder / "PET").iterdir())
    pet = read_series(files)
    (before,) = read_masks(folder / "RTSTRUCT_PET" / "RS.dcm", pet)

    written = structure_set(pet, files, [Segment(before.name, before.array)], SERIES, made_at=NOW)
    (after,) = read_masks(save(written, tmp_path / "rs.dcm"), pet)

    assert before.voxels == 606
    assert np.array_equal(after.array, before.array)


def test_values_of_a_map_come_back_equal_with_unit_and_quantity(a_series, tmp_path):
    volume, sources = a_series
    values = np.random.default_rng(8).normal(0, 3, volume.array.shape).astype(np.float32)

    for quantity, unit in (("suv_bw", "g/ml{SUVbw}"), ("ki", "ml/min/ml"), ("z_score", "1")):
        calculated = volume.with_values(values, units=unit)
        written = parametric_map(calculated, sources, quantity, SERIES, window=(0, 6))
        found, what = read_parametric_map(save(written, tmp_path / "pm.dcm"))

        assert (what, found.units) == (quantity, unit)
        assert np.array_equal(found.array, values)
        assert np.allclose(found.ijk_to_lps, volume.ijk_to_lps, atol=1e-6)
        assert found.frame_of_reference_uid == volume.frame_of_reference_uid


def test_the_units_of_suv_are_those_of_the_standard_and_both_spellings_are_read(a_series, tmp_path):
    from pydicom.sr.codedict import codes

    volume, sources = a_series
    suv = {key: row.unit for key, row in measures().items() if key.startswith("suv_")}
    of_standard = {getattr(codes.cid85, name).value for name in codes.cid85.dir()}
    written = parametric_map(
        volume.with_values(volume.array.astype(np.float32), units="g/ml{SUVbw}"),
        sources, "suv_bw", SERIES, window=(0, 6),
    )  # fmt: skip
    mapping = written.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    code = mapping.MeasurementUnitsCodeSequence[0]

    assert {unit[0] for unit in suv.values()} == of_standard
    assert code.CodeValue == "g/ml{SUVbw}"
    for spelling in ("g/ml{SUVbw}", "{SUVbw}g/ml"):
        code.CodeValue = spelling
        found, what = read_parametric_map(save(written, tmp_path / f"{spelling[0]}.dcm"))
        assert (what, found.units) == ("suv_bw", "g/ml{SUVbw}")
    assert [ucum(unit) for unit in ("{counts}/s", "{SUVbsa}cm2/ml", "Bq/ml", "1")] == [
        "{counts}/s", "cm2/ml{SUVbsa}", "Bq/ml", "1",
    ]  # fmt: skip


def test_highdicom_reads_the_map_in_real_world_values(a_series, tmp_path):
    import highdicom

    volume, sources = a_series
    values = np.random.default_rng(8).normal(0, 3, volume.array.shape).astype(np.float32)
    written = parametric_map(
        volume.with_values(values, units="1"), sources, "z_score", SERIES, window=(0, 6)
    )

    theirs = highdicom.imread(save(written, tmp_path / "pm.dcm")).get_volume()

    ours, _ = read_parametric_map(tmp_path / "pm.dcm")
    points = ours.index(theirs.map_indices_to_reference(np.array([[0, 0, 0], [1, 2, 3]])))
    for (i, j, k), index in zip(np.rint(points).astype(int), [(0, 0, 0), (1, 2, 3)], strict=True):
        assert theirs.array[index] == pytest.approx(ours.array[k, j, i], rel=1e-6)


@pytest.mark.peer
def test_other_programs_find_no_error_in_structure_sets_and_maps(a_series, tmp_path, judged):
    volume, sources = a_series
    contours = structure_set(volume, sources, lesions(volume), SERIES, made_at=NOW, maker=READER)
    values = volume.with_values(volume.array.astype(np.float32), units="SUVbw")
    calculated = parametric_map(values, sources, "suv_bw", SERIES, window=(5, 10), maker=READER)

    assert judged(save(contours, tmp_path / "rs.dcm")) == []
    assert judged(save(calculated, tmp_path / "pm.dcm")) == []


def test_names_are_those_of_the_patient(a_series, tmp_path):
    volume, sources = a_series

    written = structure_set(volume, sources, lesions(volume), SERIES, made_at=NOW, maker=READER)
    found = pydicom.dcmread(save(written, tmp_path / "rs.dcm"))

    assert found.PatientName.ideographic == "李^明"
    assert found.OperatorsName.ideographic == "陈^建国"
    assert found.StructureSetROISequence[0].ROIName == "病灶 1"
    assert found.StudyInstanceUID == sources[0].StudyInstanceUID


def test_a_map_without_numbers_or_name_and_empty_masks_are_refused(a_series):
    volume, sources = a_series
    broken = volume.array.astype(np.float32)
    broken[0, 0, 0] = np.nan
    empty = Segment("none", np.zeros(volume.array.shape, dtype=bool))

    with pytest.raises(Refused, match="not_a_number"):
        parametric_map(
            volume.with_values(broken, units="1"), sources, "z_score", SERIES, window=(0, 1)
        )
    with pytest.raises(Refused, match="unknown_measure"):
        parametric_map(volume, sources, "glucose", SERIES, window=(0, 1))
    with pytest.raises(Refused, match="wrong_frame_of_reference"):
        parametric_map(
            replace(volume, frame_of_reference_uid="1.2.3"), sources, "ki", SERIES, window=(0, 1)
        )
    with pytest.raises(Refused, match="mask_empty"):
        structure_set(volume, sources, [empty], SERIES, made_at=NOW)

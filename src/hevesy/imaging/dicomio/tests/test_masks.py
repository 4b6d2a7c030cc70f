"""Masks read from files, against other readers, other rasterisations and plain geometry."""

import gzip
import struct
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

from hevesy.imaging.dicomio import ImageRefused, Limits, read_series
from hevesy.imaging.dicomio.guards import DEFAULT_LIMITS
from hevesy.imaging.dicomio.masks import read_masks
from hevesy.imaging.dicomio.masks.labelled_nifti import read_nifti
from hevesy.imaging.dicomio.masks.rt_contours import inside_counts
from hevesy.imaging.geometry import SliceSource, Volume
from hevesy.imaging.refusal import Refused

FRAME = "1.2.826.0.1.3680043.8.498.77"


def a_volume(shape=(5, 16, 18), spacing=(2.0, 2.5, 4.0), **changes):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-20, -30, 100)
    stated = {"units": "SUVbw", "modality": "PT", "frame_of_reference_uid": FRAME} | changes
    return Volume(array=np.zeros(shape, np.float32), ijk_to_lps=affine, **stated)


def square(left, top, right, bottom):
    """Corners in (column, row) indices."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def a_structure_set(path, volume, contours, *, kind="CLOSED_PLANAR", frame=FRAME):
    """contours: pairs of fractional slice index and corners in (column, row) indices."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = RTStructureSetStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3"
    roi, drawn = Dataset(), Dataset()
    roi.ROINumber = drawn.ReferencedROINumber = 7
    roi.ROIName, roi.ReferencedFrameOfReferenceUID = "tumour", frame
    drawn.ContourSequence = []
    for k, corners in contours:
        contour = Dataset()
        contour.ContourGeometricType = kind
        points = volume.world([(i, j, k) for i, j in corners])
        contour.NumberOfContourPoints = len(points)
        contour.ContourData = [f"{x:.6g}" for x in points.reshape(-1)]
        drawn.ContourSequence.append(contour)
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [roi], [drawn]
    dataset.save_as(path, enforce_file_format=True)
    return path


def keys(mask):
    return [finding.key for finding in mask.findings]


@pytest.mark.data
@pytest.mark.parametrize("name", ["liver", "partial_overlaps"])
def test_a_real_segmentation_reads_as_highdicom_reads_it(real_dicom, name):
    import highdicom

    path = real_dicom / "seg" / "dcmqi_liver" / f"{name}.dcm"
    ct = read_series((real_dicom / "seg" / "dcmqi_liver" / "ct-3slice").iterdir())

    masks = read_masks(path, ct)

    theirs = highdicom.seg.segread(path).get_pixels_by_source_instance(
        [one.sop_instance_uid for one in ct.slices],
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    assert [mask.number for mask in masks] == list(range(1, theirs.shape[-1] + 1))
    for mask, expected in zip(masks, np.moveaxis(theirs, -1, 0), strict=True):
        assert mask.voxels > 4000
        assert np.array_equal(mask.array, expected.astype(bool))


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    ["seg_image_ct_binary", "seg_image_ct_binary_overlap", "seg_image_ct_true_fractional"],
)
def test_small_segmentations_read_as_the_volume_of_highdicom(real_dicom, name):
    import highdicom

    path = real_dicom / "seg" / "highdicom" / f"{name}.dcm"
    theirs = highdicom.seg.segread(path).get_volume(combine_segments=False)
    volume = replace(
        a_volume(theirs.shape[:3]),
        ijk_to_lps=theirs.affine[:, [2, 1, 0, 3]],
        frame_of_reference_uid=theirs.frame_of_reference_uid,
    )

    masks = read_masks(path, volume)

    for mask, expected in zip(masks, np.moveaxis(theirs.array, -1, 0), strict=True):
        assert mask.voxels
        assert np.array_equal(mask.array, expected >= 0.5)
        assert keys(mask) == (["fractional_threshold"] if "fractional" in name else [])


@pytest.mark.data
def test_contours_of_an_uneven_pet_fill_as_skimage_fills_them(real_dicom):
    from skimage.draw import polygon2mask

    folder = real_dicom / "pet_ct_mr" / "STS_001"
    # The lower bed with its overlap: spacing 3.27 mm, once 3.29 mm.
    pet = read_series(sorted((folder / "PT_wholebody").iterdir())[200:])
    path = folder / "RTSTRUCT_PT" / "1-1.dcm"

    masks = read_masks(path, pet)

    drawn = pydicom.dcmread(path).ROIContourSequence
    assert [mask.name for mask in masks] == ["GTV_Mass", "GTV_Edema"]
    for mask, roi in zip(masks, drawn, strict=True):
        expected = np.zeros(pet.array.shape, dtype=bool)
        for contour in roi.ContourSequence:
            corners = pet.index(np.array(contour.ContourData, dtype=float).reshape(-1, 3))
            k = round(float(corners[:, 2].mean()))
            expected[k] ^= polygon2mask(expected.shape[1:], corners[:, 1::-1])
        assert keys(mask) == []
        assert np.array_equal(mask.array, expected)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.floats(-2, 20, width=32), st.floats(-2, 15, width=32)), min_size=3, max_size=9
    )
)
def test_any_polygon_even_crossing_itself_fills_by_the_even_odd_rule(corners):
    # Off the grid by an irrational part, so that no centre lies on an edge.
    polygon = np.array(corners, dtype=np.float64) + np.sqrt(2) / 1000

    count = inside_counts([polygon], (12, 17))

    inside = np.zeros((12, 17), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        for row in range(12):
            if (y0 > row) != (y1 > row):
                at = x0 + (row - y0) * (x1 - x0) / (y1 - y0)
                inside[row] ^= np.arange(17) >= at
    assert np.array_equal(count % 2 == 1, inside)


def test_a_contour_within_a_contour_is_a_hole(tmp_path):
    volume = a_volume()
    contours = [(2, square(1.5, 1.5, 10.5, 9.5)), (2, square(4.5, 3.5, 7.5, 6.5))]
    path = a_structure_set(tmp_path / "rs", volume, contours)

    (mask,) = read_masks(path, volume)

    expected = np.zeros(volume.array.shape, dtype=bool)
    expected[2, 2:10, 2:11] = True
    expected[2, 4:7, 5:8] = False
    assert np.array_equal(mask.array, expected)
    assert keys(mask) == ["contours_overlap"]


def test_a_keyhole_is_a_hole_too(tmp_path):
    volume = a_volume()
    outer, hole = square(1.5, 1.5, 10.5, 9.5), square(4.5, 3.5, 7.5, 6.5)
    path = a_structure_set(
        tmp_path / "rs", volume, [(2, [*outer, outer[0], *hole, hole[0], outer[0]])]
    )

    (mask,) = read_masks(path, volume)

    assert mask.voxels == 8 * 9 - 3 * 3
    assert not mask.array[2, 4:7, 5:8].any()
    assert keys(mask) == []


def test_neighbours_that_share_an_edge_share_no_voxel():
    left, right = np.array(square(1.0, 2.0, 5.0, 6.0)), np.array(square(5.0, 2.0, 9.0, 6.0))

    count = inside_counts([left, right], (12, 17))

    assert count.max() == 1
    assert count.sum() == 4 * 8


def test_contours_lie_on_the_true_positions_of_uneven_slices(tmp_path):
    even = a_volume((6, 16, 18))
    offsets = (0, 4, 8, 11, 15, 20)
    uneven = replace(even, slices=tuple(SliceSource("", 0, float(mm)) for mm in offsets))
    path = a_structure_set(tmp_path / "rs", even, [(11 / 4, square(1.5, 1.5, 6.5, 6.5))])

    (mask,) = read_masks(path, uneven)

    assert np.flatnonzero(mask.array.any(axis=(1, 2))).tolist() == [3]
    assert keys(mask) == []


def test_contours_between_the_slices_reach_half_their_own_distance(tmp_path):
    volume = a_volume((9, 16, 18))
    planes = [(k, square(1.5, 1.5, 6.5, 6.5)) for k in (1.4, 3.4, 5.4)]
    path = a_structure_set(tmp_path / "rs", volume, planes)

    (mask,) = read_masks(path, volume)

    # Their own distance is two slices: 0.4 to 6.4.
    assert np.flatnonzero(mask.array.any(axis=(1, 2))).tolist() == [1, 2, 3, 4, 5, 6]
    (finding,) = mask.findings
    assert finding.key == "contours_off_slices"
    assert finding.values["worst_mm"] == pytest.approx(0.4 * 4)


def test_repeated_contours_count_once_and_points_not_at_all(tmp_path):
    volume = a_volume()
    path = a_structure_set(tmp_path / "rs", volume, [(2, square(1.5, 1.5, 6.5, 6.5))] * 2)
    points = a_structure_set(tmp_path / "points", volume, [(2, [(3, 3)])], kind="POINT")

    (mask,) = read_masks(path, volume)

    assert mask.voxels == 25
    assert keys(mask) == ["repeated_contours"]
    assert read_masks(points, volume) == ()


def test_another_frame_of_reference_is_refused(tmp_path):
    volume = a_volume()
    path = a_structure_set(tmp_path / "rs", volume, [(2, square(1, 1, 6, 6))], frame="1.2.3.4")

    with pytest.raises(Refused) as refusal:
        read_masks(path, volume)

    assert refusal.value.key == "wrong_frame_of_reference"


@pytest.mark.parametrize("name", ["labels.nii", "labels.nii.gz"])
@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32"])
def test_nifti_is_placed_and_read_as_simpleitk_wrote_it(tmp_path, name, kind):
    import SimpleITK as sitk  # noqa: N813

    volume = a_volume()
    labels = np.random.default_rng(4).integers(0, 4, volume.array.shape)
    image = sitk.GetImageFromArray(labels.astype(kind))
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    sitk.WriteImage(image, str(tmp_path / name))

    masks = read_masks(tmp_path / name, volume)

    assert [mask.number for mask in masks] == [1, 2, 3]
    for mask in masks:
        assert np.array_equal(mask.array, labels == mask.number)
        assert keys(mask) == ["frame_of_reference_unstated"]


@pytest.mark.data
@pytest.mark.parametrize("name", ["PET", "SPECT"])
def test_real_nifti_has_the_values_and_geometry_that_simpleitk_reads(real_dicom, name):
    import SimpleITK as sitk  # noqa: N813

    path = real_dicom / "nifti_spm12_templates" / f"{name}.nii"

    array, affine = read_nifti(path, limits=DEFAULT_LIMITS)

    theirs = sitk.ReadImage(str(path))
    direction = np.array(theirs.GetDirection()).reshape(3, 3) * np.array(theirs.GetSpacing())
    assert np.allclose(array, sitk.GetArrayFromImage(theirs))
    assert np.allclose(affine[:3, :3], direction)
    assert np.allclose(affine[:3, 3], theirs.GetOrigin())


@settings(max_examples=15)
@given(
    axes=st.permutations([0, 1, 2]),
    flips=st.tuples(*[st.booleans()] * 3),
    bits=st.integers(1, 2**32 - 1),
)
def test_a_nifti_stored_along_other_axes_is_the_same_mask(tmp_path_factory, axes, flips, bits):
    import SimpleITK as sitk  # noqa: N813

    volume = a_volume((3, 4, 5))
    labels = np.random.default_rng(bits).integers(0, 2, volume.array.shape).astype(np.uint8)
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing(volume.spacing_mm)
    image.SetOrigin(volume.ijk_to_lps[:3, 3].tolist())
    turned = sitk.Flip(sitk.PermuteAxes(image, axes), flips)
    path = tmp_path_factory.mktemp("nifti") / "turned.nii"
    sitk.WriteImage(turned, str(path))

    masks = read_masks(path, volume)

    found = masks[0].array if masks else np.zeros(volume.array.shape, dtype=bool)
    assert np.array_equal(found, labels == 1)


def test_a_finer_mask_takes_the_nearest_centre_and_says_so(tmp_path):
    import SimpleITK as sitk  # noqa: N813

    volume = a_volume()
    fine = np.zeros((10, 48, 54), dtype=np.uint8)
    fine[2:6, 9:21, 12:24] = 5
    image = sitk.GetImageFromArray(fine)
    # Three voxels for one in the plane, two for one along k, on the same box.
    image.SetSpacing([s / f for s, f in zip(volume.spacing_mm, (3, 3, 2), strict=True)])
    corner = volume.world((-1 / 3, -1 / 3, -1 / 4))
    image.SetOrigin(corner.tolist())
    sitk.WriteImage(image, str(tmp_path / "fine.nii"))

    (mask,) = read_masks(tmp_path / "fine.nii", volume)

    expected = np.zeros(volume.array.shape, dtype=bool)
    expected[1:3, 3:7, 4:8] = True
    assert mask.number == 5
    assert np.array_equal(mask.array, expected)
    finding = mask.findings[-1]
    assert finding.key == "mask_resampled"
    assert finding.values["before_ml"] == pytest.approx(finding.values["after_ml"])
    assert finding.values["after_ml"] == pytest.approx(32 * 2 * 2.5 * 4 / 1000)


def test_a_coarser_mask_covers_every_voxel_of_its_own(tmp_path):
    import SimpleITK as sitk  # noqa: N813

    volume = a_volume((6, 18, 18))
    coarse = np.random.default_rng(5).integers(0, 2, (3, 6, 6)).astype(np.uint8)
    image = sitk.GetImageFromArray(coarse)
    image.SetSpacing([s * f for s, f in zip(volume.spacing_mm, (3, 3, 2), strict=True)])
    image.SetOrigin(volume.world((1, 1, 0.5)).tolist())
    sitk.WriteImage(image, str(tmp_path / "coarse.nii"))

    (mask,) = read_masks(tmp_path / "coarse.nii", volume)

    assert np.array_equal(mask.array, np.kron(coarse, np.ones((2, 3, 3))) == 1)


def a_nifti_header(sizes, *, kind=2, form=1):
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *sizes, 1, 1, 1, 1)
    struct.pack_into("<h", header, 70, kind)
    struct.pack_into("<8f", header, 76, 1, 2, 2, 2, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<2h", header, 252, form, 0)
    header[344:348] = b"n+1\0"
    return bytes(header)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (a_nifti_header((32767, 32767, 32767)), "too_many_pixels"),
        (gzip.compress(a_nifti_header((32767, 32767, 32767))), "too_many_pixels"),
        (a_nifti_header((9, 9, 9)), "pixels_truncated"),
        (a_nifti_header((9, 9, 9), kind=128) + bytes(729), "bad_pixel_attributes"),
        (gzip.compress(a_nifti_header((9, 9, 9)) + bytes(729))[:-30], "unreadable"),
        (b"", "unreadable"),
    ],
    # gzip writes the time: names made of the bytes would differ between two processes.
    ids=["vast", "vast-packed", "short", "colour", "short-packed", "empty"],
)
def test_a_damaged_or_hostile_nifti_is_refused_before_it_is_allocated(tmp_path, content, key):
    path = tmp_path / "bad.nii"
    path.write_bytes(content)

    with pytest.raises(ImageRefused) as refusal:
        read_masks(path, a_volume())

    assert refusal.value.key == key


def test_a_picture_and_an_unoriented_file_are_no_masks(tmp_path):
    header = a_nifti_header((9, 9, 9), kind=16)
    picture = np.linspace(0, 10, 729, dtype="<f4").tobytes()
    (tmp_path / "picture.nii").write_bytes(header + picture)
    (tmp_path / "unplaced.nii").write_bytes(a_nifti_header((9, 9, 9), form=0) + bytes(729))

    with pytest.raises(Refused) as no_labels:
        read_masks(tmp_path / "picture.nii", a_volume())
    with pytest.raises(Refused) as unplaced:
        read_masks(tmp_path / "unplaced.nii", a_volume())

    assert no_labels.value.key == "not_labels"
    assert unplaced.value.key == "nifti_without_orientation"


@pytest.mark.data
def test_an_image_is_no_segmentation_and_bits_count_as_bytes(real_dicom):
    folder = real_dicom / "seg" / "dcmqi_liver"
    ct = read_series((folder / "ct-3slice").iterdir())

    with pytest.raises(Refused) as image:
        read_masks(next((folder / "ct-3slice").iterdir()), ct)
    with pytest.raises(ImageRefused) as large:
        read_masks(folder / "liver.dcm", ct, limits=Limits(decoded_bytes=200_000))

    assert image.value.key == "not_a_segmentation"
    assert large.value.key == "too_many_pixels"

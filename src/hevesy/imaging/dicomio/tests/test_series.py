import numpy as np
import pytest

from hevesy.imaging.dicomio import ImageRefused, read_series


def keys_of(volume):
    return {finding.key for finding in volume.findings}


def test_slices_are_sorted_by_place_and_keep_their_own_scale(make_slice):
    order = [2, 0, 3, 1]
    slices = [make_slice(3.0 * n, value=10, RescaleSlope=n + 1, RescaleIntercept=-5) for n in order]

    volume = read_series(slices)

    assert volume.array[:, 1, 1].tolist() == [5, 15, 25, 35]
    assert volume.array[2, 0, -1] == 99 * 3 - 5
    assert [one.rescale_slope for one in volume.slices] == [1, 2, 3, 4]
    assert volume.world((5, 0, 3)).tolist() == [-10 + 5 * 1.5, -20, 9]
    assert volume.world((0, 3, 0)).tolist() == [-10, -20 + 3 * 2, 0]
    assert volume.units == "HU"
    assert not volume.findings


def test_whole_numbers_stay_integers(make_slice):
    volume = read_series([make_slice(3.0 * n, value=n, RescaleIntercept=-1024) for n in range(3)])
    assert volume.array.dtype == np.int16
    assert volume.array[:, 1, 1].tolist() == [-1024, -1023, -1022]


def test_feet_first_order_gives_the_same_volume(make_slice):
    slices = [make_slice(3.0 * n, value=n) for n in range(4)]
    np.testing.assert_array_equal(read_series(slices).array, read_series(slices[::-1]).array)


def test_missing_slices_are_shown_empty_and_told(make_slice):
    volume = read_series([make_slice(3.0 * n, value=n + 1) for n in (0, 1, 2, 5, 6, 7)])

    assert keys_of(volume) == {"missing_slices"}
    assert volume.array[:, 1, 1].tolist() == [1, 2, 3, 1, 1, 6, 7, 8]
    assert volume.slices[3].sop_instance_uid == ""
    assert volume.slices[3].offset_mm == pytest.approx(9)
    assert volume.world((0, 0, 7))[2] == pytest.approx(21)


def test_jitter_is_tolerated_and_told(make_slice):
    places = [0, 3.0, 6.1, 9.0, 12.0]
    volume = read_series([make_slice(z) for z in places])
    (finding,) = volume.findings
    assert finding.key == "uneven_spacing"
    assert finding.values["worst_mm"] == pytest.approx(0.1)
    assert [one.offset_mm for one in volume.slices] == pytest.approx(places)


def test_slices_far_from_even_are_refused(make_slice):
    with pytest.raises(ImageRefused) as refused:
        read_series([make_slice(z) for z in (0, 1, 2, 3, 4, 5, 9.5, 14, 18.5, 23)])
    assert refused.value.key == "slices_scattered"


def test_every_second_slice_missing_is_told_by_the_stated_thickness(make_slice):
    assert keys_of(read_series([make_slice(6.0 * n) for n in range(5)])) == {"sparse"}


def test_duplicates_and_time_frames_are_told_and_the_earliest_shown(make_slice):
    slices = [make_slice(3.0 * n, value=n, AcquisitionTime="0900") for n in range(3)]
    later = [make_slice(3.0 * n, value=50, AcquisitionTime="0910") for n in range(3)]

    volume = read_series(later + slices)

    assert keys_of(volume) == {"several_per_position"}
    assert volume.array[:, 1, 1].tolist() == [0, 1, 2]


def test_a_localiser_among_the_slices_is_left_out_and_told(make_slice):
    coronal = make_slice(0.0, value=77, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    volume = read_series([coronal, *[make_slice(3.0 * n) for n in range(3)]])
    (finding,) = volume.findings
    assert finding.key == "mixed_orientations"
    assert finding.values == {"left_out": 1, "total": 4}


def test_a_tilted_gantry_keeps_its_shear(make_slice):
    tilted = [
        make_slice(3.0 * n, ImagePositionPatient=[-10, -20 + 1.0 * n, 3.0 * n]) for n in range(4)
    ]
    volume = read_series(tilted)
    assert keys_of(volume) == {"sheared"}
    assert volume.world((0, 0, 3)).tolist() == [-10, -17, 9]


def test_a_single_slice_is_a_volume_of_its_thickness(make_slice):
    volume = read_series([make_slice(4.0)])
    assert keys_of(volume) == {"single_slice"}
    assert volume.spacing_mm[2] == 3


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("several_series", {"SeriesInstanceUID": "1.2.3"}),
        ("bad_geometry", {"FrameOfReferenceUID": "1.2.3"}),
        ("bad_geometry", {"ImagePositionPatient": None}),
        ("bad_geometry", {"ImageOrientationPatient": [1, 0, 0, 0, 0.5, 0]}),
        ("bad_geometry", {"PixelSpacing": [0, 1]}),
        ("bad_pixel_attributes", {"RescaleSlope": 0}),
        ("colour", {"SamplesPerPixel": 3}),
        ("not_a_volume", {"NumberOfFrames": 2}),
    ],
)
def test_what_cannot_be_placed_is_refused_by_name(make_slice, reason, changes):
    with pytest.raises(ImageRefused) as refused:
        read_series([make_slice(0.0), make_slice(3.0, **changes)])
    assert refused.value.key == reason
    assert refused.value.text_zh


def test_no_images():
    with pytest.raises(ImageRefused, match="no_images"):
        read_series([])


@pytest.mark.data
def test_bed_overlap_jitter_of_a_real_scan_is_told_not_repaired(real_dicom):
    volume = read_series((real_dicom / "pet_ct_mr/STS_001/PT_wholebody").iterdir())

    assert volume.shape_ijk == (128, 128, 267)
    (finding,) = volume.findings
    assert finding.key == "uneven_spacing"
    assert finding.values["worst_mm"] < 0.05
    gaps = np.diff([one.offset_mm for one in volume.slices])
    assert np.sum(np.abs(gaps - 3.27) > 0.01) == 5


@pytest.mark.data
def test_pet_and_ct_of_one_machine_share_their_space(real_dicom):
    folder = real_dicom / "pet_ct_mr/STS_001"
    pet, ct = (read_series((folder / n).iterdir()) for n in ("PT_wholebody", "CT_cropped_same_FoR"))
    other = read_series((folder / "MR_T2_thigh_other_study").iterdir())

    assert pet.frame_of_reference_uid == ct.frame_of_reference_uid != other.frame_of_reference_uid
    k = np.round(pet.index(ct.centre_lps))[2]
    assert 0 <= k < 267


@pytest.mark.data
def test_reconstructed_spect_with_negative_spacing_has_the_head_at_the_end(real_dicom):
    stored_head_first = read_series([real_dicom / "derived/mpi_spect_sim/stress_recon.dcm"])
    assert stored_head_first.shape_ijk == (64, 64, 64)
    assert stored_head_first.world((0, 0, 0))[2] == pytest.approx(-201.6)
    assert stored_head_first.slices[0].frame == 63

    jaszczak = read_series([real_dicom / "nm/recon_tomo_jaszczak_mediso/Jaszack.dcm"])
    assert jaszczak.spacing_mm == pytest.approx((4.13, 4.13, 4.13), abs=1e-3)
    assert jaszczak.world((0, 0, 44))[2] == pytest.approx(-165.2, abs=0.01)


@pytest.mark.data
@pytest.mark.parametrize(
    "path",
    [
        "nm/wholebody_bone_siemens/NM-NmIm-Siemens.dcm",
        "nm/tomo_mpi_siemens_headers_only/NM-NmIm-Siemens-s1-1.dcm",
        "derived/renogram_sim/dynamic.dcm",
    ],
)
def test_planar_dynamic_and_projection_images_are_no_volume(real_dicom, path):
    with pytest.raises(ImageRefused) as refused:
        read_series([real_dicom / path])
    assert refused.value.key == "not_a_volume"


@pytest.mark.data
def test_an_enhanced_object_equals_the_slices_it_was_made_of(real_dicom):
    enhanced = read_series(
        [real_dicom / "derived/enhanced_pet/STS_025_legacy_converted_enhanced_pet.dcm"]
    )
    classic = read_series((real_dicom / "pet_ct_mr/STS_025/PET").iterdir())

    np.testing.assert_array_equal(enhanced.array, classic.array)
    np.testing.assert_allclose(enhanced.ijk_to_lps, classic.ijk_to_lps, atol=1e-6)
    assert enhanced.units == classic.units == "GML"


@pytest.mark.data
def test_every_lossless_transfer_syntax_gives_the_same_voxels(real_dicom):
    files = sorted((real_dicom / "derived/pt_transfer_syntaxes").glob("*.dcm"))
    assert len(files) == 6
    volumes = [read_series([path]) for path in files]
    for volume in volumes[1:]:
        np.testing.assert_array_equal(volume.array, volumes[0].array)

import json

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, generate_uid

from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.dicomio.planar import read_planar


def items(*mappings):
    made = []
    for mapping in mappings:
        item = Dataset()
        for keyword, value in mapping.items():
            setattr(item, keyword, value)
        made.append(item)
    return Sequence(made)


def an_object(kind, frames, **attributes):
    """An NM object of 2 x 3 pixels whose every pixel holds the number of its frame."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = NuclearMedicineImageStorage, generate_uid()
    dataset.Modality = "NM"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = 2, 3, frames
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelSpacing = [4.0, 2.0]
    dataset.PixelData = np.repeat(np.arange(frames, dtype="<u2"), 6).tobytes()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def keys_of(series):
    return {finding.key for finding in series.findings}


def test_phases_of_a_dynamic_study_follow_each_other_with_their_pauses():
    series = read_planar(
        an_object(
            "DYNAMIC",
            7,
            PhaseVector=[1, 1, 1, 1, 1, 2, 2],
            TimeSliceVector=[1, 2, 3, 4, 5, 1, 2],
            PhaseInformationSequence=items(
                {
                    "ActualFrameDuration": 1000,
                    "NumberOfFramesInPhase": 5,
                    "PhaseDelay": 0,
                    "PauseBetweenFrames": 500,
                },
                {
                    "ActualFrameDuration": 20000,
                    "NumberOfFramesInPhase": 2,
                    "PhaseDelay": 3000,
                    "PauseBetweenFrames": 0,
                },
            ),
        )
    )

    assert [frame.start_s for frame in series.frames] == [0, 1.5, 3, 4.5, 6, 10, 30]
    assert [frame.duration_s for frame in series.frames] == [1] * 5 + [20] * 2
    assert series.array[:, 0, 0].tolist() == list(range(7))
    assert series.spacing_mm == (2.0, 4.0)
    assert not series.findings


def test_time_slices_that_count_on_through_the_phases_mean_the_same():
    both = {
        "PhaseVector": [1, 1, 2, 2],
        "PhaseInformationSequence": items(
            {"ActualFrameDuration": 1000, "NumberOfFramesInPhase": 2},
            {"ActualFrameDuration": 5000, "NumberOfFramesInPhase": 2},
        ),
    }
    restarted = read_planar(an_object("DYNAMIC", 4, TimeSliceVector=[1, 2, 1, 2], **both))
    counted_on = read_planar(an_object("DYNAMIC", 4, TimeSliceVector=[1, 2, 3, 4], **both))

    starts = [[frame.start_s for frame in series.frames] for series in (restarted, counted_on)]
    assert starts == [[0, 1, 2, 7]] * 2


def test_frames_are_found_by_view_and_energy_window():
    series = read_planar(
        an_object(
            "WHOLE BODY",
            4,
            EnergyWindowVector=[1, 1, 2, 2],
            DetectorVector=[1, 2, 1, 2],
            ActualFrameDuration=600000,
            DetectorInformationSequence=items(
                {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
                {"ImageOrientationPatient": [-1, 0, 0, 0, 0, -1]},
            ),
        )
    )

    assert series.where(view="posterior", energy_window=2).tolist() == [3]
    assert series.where(view="anterior").tolist() == [0, 2]
    assert series.frames[0].duration_s == 600
    with pytest.raises(AttributeError):
        series.where(head=1)


@pytest.mark.parametrize(
    ("cosines", "view"),
    [
        ([1, 0, 0, 0, 0, -1], "anterior"),
        ([-1, 0, 0, 0, 0, -1], "posterior"),
        # Seen from the left, the front of the patient (-y) is on the left of the picture.
        ([0, 1, 0, 0, 0, -1], "left lateral"),
        ([0, -1, 0, 0, 0, -1], "right lateral"),
        ([0.7071, 0.7071, 0, 0, 0, -1], ""),
    ],
)
def test_the_view_follows_from_the_orientation(cosines, view):
    series = read_planar(
        an_object(
            "STATIC", 1, DetectorInformationSequence=items({"ImageOrientationPatient": cosines})
        )
    )
    assert series.frames[0].view == view


def test_gated_frames_carry_their_slot_and_the_time_it_counted():
    slots = items({"TimeSlotTime": 1800}, {"TimeSlotTime": 1700})
    series = read_planar(
        an_object(
            "GATED",
            2,
            RRIntervalVector=[1, 1],
            TimeSlotVector=[1, 2],
            GatedInformationSequence=items(
                {
                    "DataInformationSequence": items(
                        {
                            "FrameTime": 50,
                            "NominalInterval": 800,
                            "IntervalsAcquired": 36,
                            "TimeSlotInformationSequence": slots,
                        }
                    )
                }
            ),
        )
    )

    assert [frame.duration_s for frame in series.frames] == [1.8, 1.7]
    assert [frame.time_slot for frame in series.frames] == [1, 2]
    assert series.frames[1].slot_s == 0.05
    assert series.gates[0].beats_accepted == 36


def test_lost_vectors_are_counted_and_told_or_refused_where_they_cannot_be():
    told = read_planar(an_object("DYNAMIC", 3, PhaseVector=[1, 1, 1]))
    assert keys_of(told) == {"frame_vectors_missing"}
    assert [frame.time_slice for frame in told.frames] == [1, 2, 3]
    assert told.frames[1].start_s is None

    for attributes in (
        {"DetectorVector": [1, 1, 2, 2]},
        {"PhaseVector": [1, 1, 2], "TimeSliceVector": [1, 2, 1, 2]},
        {"PhaseVector": [0, 0, 1, 1], "TimeSliceVector": [1, 2, 1, 2]},
    ):
        with pytest.raises(ImageRefused) as refused:
            read_planar(an_object("DYNAMIC", 4, **attributes))
        assert refused.value.key == "frame_vectors"
        assert refused.value.text_zh


def test_both_heads_of_a_whole_body_scan_are_not_taken_for_one():
    heads = items(
        {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
        {"ImageOrientationPatient": [-1, 0, 0, 0, 0, -1]},
    )
    told = read_planar(an_object("WHOLE BODY", 2, DetectorInformationSequence=heads))
    assert [frame.view for frame in told.frames] == ["anterior", "posterior"]
    assert keys_of(told) == {"frame_vectors_missing"}

    with pytest.raises(ImageRefused) as refused:
        read_planar(
            an_object(
                "WHOLE BODY",
                4,
                EnergyWindowVector=[1, 1, 2, 2],
                DetectorInformationSequence=heads,
            )
        )
    assert refused.value.key == "frame_vectors"

    assert keys_of(read_planar(an_object("STATIC", 3))) == {"frames_alike"}


@pytest.mark.parametrize("kind", ["RECON TOMO", "SCREEN CAP"])
def test_other_images_are_no_planar_images(kind):
    with pytest.raises(ImageRefused) as refused:
        read_planar(an_object(kind, 1))
    assert refused.value.key == "not_planar"


@pytest.mark.data
def test_a_renogram_has_the_times_it_was_simulated_with(real_dicom):
    folder = real_dicom / "derived/renogram_sim"
    truth = json.loads((folder / "truth.json").read_text())

    series = read_planar(folder / "dynamic.dcm")

    middles = [frame.start_s + frame.duration_s / 2 for frame in series.frames]
    assert middles == pytest.approx(truth["frame_mid_s"])
    assert {frame.view for frame in series.frames} == {"posterior"}
    assert int(series.array.sum()) == 9431721


@pytest.mark.data
def test_a_real_bone_scan_has_both_views_and_its_published_counts(real_dicom):
    series = read_planar(real_dicom / "nm/wholebody_bone_siemens/NM-NmIm-Siemens.dcm")

    assert series.kind == "WHOLE BODY"
    assert [frame.view for frame in series.frames] == ["anterior", "posterior"]
    assert series.array.shape == (2, 1024, 256)
    assert series.array.dtype == np.uint16
    assert int(series.array.max()) == 143
    assert float(series.array.mean()) == pytest.approx(5.72, abs=0.005)
    assert series.frames[0].duration_s == pytest.approx(265.485)
    assert series.energy_windows[0].ranges_kev[0] == pytest.approx((129.03, 149.95), abs=0.01)
    assert series.detectors[1].radial_position_mm == pytest.approx((175.9,), abs=0.01)
    assert series.spacing_mm == pytest.approx((2.3976, 2.3976), abs=1e-4)


@pytest.mark.data
def test_a_real_static_image_counts_what_its_header_says(real_dicom):
    series = read_planar(real_dicom / "nm/static_mediso/FourBar.dcm")

    assert int(series.array.sum()) == 533338
    assert series.frames[0].duration_s == 100
    assert series.frames[0].view == "posterior"
    assert keys_of(series) == {"view_from_name"}


@pytest.mark.data
def test_a_lossy_copy_says_so(real_dicom):
    series = read_planar(real_dicom / "nm/wholebody_bone_ge_sc_nm1/JPEG2000_UNC.dcm")
    assert keys_of(series) == {"lossy", "not_nm_storage"}


@pytest.mark.data
@pytest.mark.parametrize("gated", [False, True])
def test_projections_of_a_real_camera_stand_where_its_detectors_look_from(real_dicom, gated):
    """The headers of a Siemens camera (its files hold no pixels) with counts put in."""
    from pydicom import dcmread

    name = f"NM-NmIm-Siemens-s1-{2 if gated else 1}.dcm"
    dataset = dcmread(real_dicom / "nm/tomo_mpi_siemens_headers_only" / name)
    dataset.Rows = dataset.Columns = 2
    dataset.PixelData = bytes(8 * dataset.NumberOfFrames)

    series = read_planar(dataset)

    assert series.kind == ("GATED TOMO" if gated else "TOMO")
    assert len(series.where(detector=2, energy_window=1)) == 17 * (8 if gated else 1)
    for number, detector in enumerate(series.detectors, start=1):
        first = series.frames[series.where(detector=number, angular_view=1)[0]]
        # The detector stands against the direction in which its picture looks.
        out = -np.cross(detector.row, detector.column)
        angle = np.degrees(np.arctan2(out[0], out[1])) % 360
        assert first.angle_deg == pytest.approx(angle, abs=0.01)
    second = series.frames[series.where(detector=1, angular_view=2)[0]]
    assert second.angle_deg == pytest.approx(239 - 104 / 17)
    if gated:
        fourth = series.frames[series.where(time_slot=6, angular_view=2)[0]]
        assert fourth.duration_s == pytest.approx(1.720)
        assert fourth.slot_s == pytest.approx(0.098625)
    else:
        assert second.duration_s == pytest.approx(14.695)

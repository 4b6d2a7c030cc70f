import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, NuclearMedicineImageStorage, generate_uid

from hevesy.imaging.dicomio import ImageRefused, read_phases, read_series
from hevesy.imaging.quantify.suv import apply_suv, suv_factor
from hevesy.imaging.quantify.tests.pet_scans import PetScan

DURATIONS_S = (10.0, 30.0, 120.0)


def keys_of(thing):
    return {finding.key for finding in thing.findings}


def items(*mappings):
    made = []
    for mapping in mappings:
        item = Dataset()
        for keyword, value in mapping.items():
            setattr(item, keyword, value)
        made.append(item)
    return made


def a_dynamic_pet(**changes):
    """Three time frames of four slices with SUV 1, 2 and 3, decay corrected to the first."""
    made, start_s, uid = [], 0.0, generate_uid()
    for number, duration_s in enumerate(DURATIONS_S, start=1):
        scan = PetScan(frame_s=duration_s)
        datasets = scan.written(
            scan.bq_per_ml(np.full((4, 2, 2), float(number)), scan.reference),
            acquired=[scan.later(start_s)] * 4,
            FrameReferenceTime=f"{1000 * (start_s + scan.mean_activity_s()):.3f}",
            SeriesType=["DYNAMIC", "IMAGE"],
            NumberOfSlices=4,
            NumberOfTimeSlices=3,
            SeriesInstanceUID=uid,
        )
        for k, dataset in enumerate(datasets):
            dataset.ImageIndex = (number - 1) * 4 + k + 1
            for keyword, value in changes.items():
                setattr(dataset, keyword, value) if value is not None else delattr(dataset, keyword)
        made += datasets
        start_s += duration_s
    return made


def a_gated_pet():
    """Four gates of three slices; the heart beats every 0.8 s."""
    made, uid, scan = [], generate_uid(), PetScan()
    for gate in range(4):
        datasets = scan.written(
            np.full((3, 2, 2), 100.0 * (gate + 1)),
            SeriesType=["GATED", "IMAGE"],
            NumberOfSlices=3,
            NumberOfTimeSlots=4,
            NumberOfRRIntervals=1,
            TriggerTime=f"{200 * gate}",
            SeriesInstanceUID=uid,
        )
        for k, dataset in enumerate(datasets):
            dataset.ImageIndex = gate * 3 + k + 1
        made += datasets
    return made


@pytest.mark.parametrize("lost", [{}, {"ImageIndex": None}, {"SeriesType": ["STATIC", "IMAGE"]}])
def test_time_frames_of_a_dynamic_pet_come_in_order_with_their_times(lost):
    datasets = a_dynamic_pet(**lost)

    series = read_phases(reversed(datasets))

    assert series.kind == "dynamic"
    assert [phase.start_s for phase in series.phases] == pytest.approx([0, 10, 40])
    assert [phase.duration_s for phase in series.phases] == list(DURATIONS_S)
    assert series.middle_s == pytest.approx([5, 25, 100])
    suv = [apply_suv(v, suv_factor(v.headers)).array.mean() for v in series.volumes]
    assert suv == pytest.approx([1, 2, 3], rel=1e-4)
    for volume in series.volumes:
        np.testing.assert_array_equal(volume.ijk_to_lps, series.volumes[0].ijk_to_lps)
    assert not series.findings


def test_starts_follow_from_the_reference_times_where_all_frames_state_one_start():
    series = read_phases(a_dynamic_pet(AcquisitionTime="110000"))
    assert [phase.start_s for phase in series.phases] == pytest.approx([0, 10, 40], abs=0.01)


def test_gates_of_a_heart_come_in_order_with_their_triggers():
    series = read_phases(reversed(a_gated_pet()))

    assert series.kind == "gated"
    assert [phase.gate for phase in series.phases] == [1, 2, 3, 4]
    assert [phase.trigger_s for phase in series.phases] == [0, 0.2, 0.4, 0.6]
    assert [float(v.array.mean()) for v in series.volumes] == pytest.approx(
        [100, 200, 300, 400], rel=1e-4
    )
    assert series.phases[0].start_s is None


def test_a_wrong_image_index_does_not_mix_gates_that_the_trigger_tells_apart():
    datasets = a_gated_pet()
    for dataset in datasets:
        dataset.ImageIndex = 1
    series = read_phases(datasets)
    assert [float(v.array.mean()) for v in series.volumes] == pytest.approx(
        [100, 200, 300, 400], rel=1e-4
    )


def test_a_slice_that_one_time_frame_lacks_is_told_and_moves_nothing():
    datasets = a_dynamic_pet()
    del datasets[7], datasets[4]  # the last and the first slice of the second frame

    series = read_phases(datasets)

    assert [v.shape_ijk for v in series.volumes] == [(2, 2, 4)] * 3
    assert [keys_of(v) for v in series.volumes] == [set(), {"missing_slices"}, set()]
    second = series.volumes[1].slices
    assert [bool(one.sop_instance_uid) for one in second] == [False, True, True, False]
    assert [one.offset_mm for one in second] == [0, 4, 8, 12]


def test_an_image_that_is_there_twice_is_left_out_and_told():
    datasets = a_dynamic_pet()
    series = read_phases([*datasets, datasets[5]])
    assert len(series.phases) == 3
    assert keys_of(series) == {"duplicates"}


def test_beds_taken_again_and_again_are_ranked_and_the_spread_is_told():
    """Two passes over two beds: no time is shared by all slices of a pass."""
    scan, uid, made = PetScan(), generate_uid(), []
    for number in range(2):
        made += scan.written(
            np.full((4, 2, 2), 10.0 * (number + 1)),
            acquired=[scan.later(600 * number + 100 * (k // 2)) for k in range(4)],
            SeriesInstanceUID=uid,
        )

    series = read_phases(made)

    assert [float(v.array.mean()) for v in series.volumes] == pytest.approx([10, 20], rel=1e-4)
    assert [phase.start_s for phase in series.phases] == [0, 600]
    assert keys_of(series) == {"slices_at_different_times"}


def test_images_that_nothing_tells_apart_are_refused():
    scan, uid = PetScan(), generate_uid()
    one = scan.written(np.full((3, 2, 2), 1.0), SeriesInstanceUID=uid, slopes=[1e-4] * 3)
    other = scan.written(np.full((3, 2, 2), 2.0), SeriesInstanceUID=uid, slopes=[1e-4] * 3)
    with pytest.raises(ImageRefused) as refusal:
        read_phases(one + other)
    assert refusal.value.key == "phases_unclear"
    assert refusal.value.text_zh


def test_a_static_series_has_one_phase_equal_to_its_volume():
    scan = PetScan()
    datasets = scan.written(np.arange(12.0).reshape(3, 2, 2))
    series = read_phases(datasets)
    assert series.kind == "static"
    np.testing.assert_array_equal(series.volumes[0].array, read_series(datasets).array)


def test_a_reconstructed_gated_heart_has_a_volume_per_slot(tmp_path):
    slots, slices = 4, 3
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = NuclearMedicineImageStorage, generate_uid()
    dataset.Modality, dataset.ImageType = (
        "NM",
        ["DERIVED", "PRIMARY", "RECON GATED TOMO", "EMISSION"],
    )
    dataset.Rows = dataset.Columns = 2
    dataset.NumberOfFrames = slots * slices
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelSpacing, dataset.SpacingBetweenSlices = [6, 6], -6
    dataset.RRIntervalVector = [1] * slots * slices
    dataset.TimeSlotVector = [slot for slot in range(1, slots + 1) for _ in range(slices)]
    dataset.SliceVector = list(range(1, slices + 1)) * slots
    dataset.DetectorInformationSequence = items(
        {"ImagePositionPatient": [0, 0, 12], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    )
    dataset.GatedInformationSequence = items(
        {
            "DataInformationSequence": items(
                {
                    "FrameTime": 200,
                    "TimeSlotInformationSequence": items(*[{"TimeSlotTime": 30000}] * slots),
                }
            )
        }
    )
    dataset.PixelData = np.repeat(np.arange(slots * slices, dtype="<u2"), 4).tobytes()

    series = read_phases([dataset])

    assert [phase.gate for phase in series.phases] == [1, 2, 3, 4]
    assert [phase.trigger_s for phase in series.phases] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert [phase.duration_s for phase in series.phases] == [30] * 4
    # The stored order runs down; slices of the volume run up to the head.
    assert [v.array[:, 0, 0].tolist() for v in series.volumes] == [
        [2, 1, 0],
        [5, 4, 3],
        [8, 7, 6],
        [11, 10, 9],
    ]
    assert series.volumes[0].world((0, 0, 0))[2] == 0


def test_time_frames_of_an_enhanced_object_are_told_by_its_functional_groups():
    (first, *_) = PetScan().written(np.ones((1, 2, 2)))
    begin = datetime(2025, 1, 1, 11)  # noqa: DTZ001
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "AcquisitionTime"):
        delattr(first, keyword)
    first.NumberOfFrames, first.RescaleSlope = 4, 1
    first.PixelData = np.repeat(np.arange(4, dtype="<u2"), 4).tobytes()
    first.PerFrameFunctionalGroupsSequence = items(
        *[
            {
                "PlanePositionSequence": items({"ImagePositionPatient": [0, 0, 4 * k]}),
                "PlaneOrientationSequence": items({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}),
                "FrameContentSequence": items(
                    {
                        "FrameAcquisitionDateTime": (begin + timedelta(seconds=60 * t)).strftime(
                            "%Y%m%d%H%M%S"
                        ),
                        "FrameAcquisitionDuration": 60000.0,
                        "TemporalPositionIndex": t + 1,
                    }
                ),
            }
            for t in range(2)
            for k in range(2)
        ]
    )

    series = read_phases([first])

    assert [v.array[:, 0, 0].tolist() for v in series.volumes] == [[0, 1], [2, 3]]
    assert [phase.start_s for phase in series.phases] == [0, 60]
    assert [phase.duration_s for phase in series.phases] == [60, 60]


@pytest.mark.data
def test_a_real_whole_body_scan_of_several_beds_is_one_phase(real_dicom):
    folder = real_dicom / "pet_ct_mr/STS_025/PET"
    series = read_phases(folder.iterdir())
    assert series.kind == "static"
    np.testing.assert_array_equal(series.volumes[0].array, read_series(folder.iterdir()).array)
    assert json.dumps(series.phases[0].start_s) == "0.0"

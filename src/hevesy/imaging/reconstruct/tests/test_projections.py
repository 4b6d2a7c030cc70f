import numpy as np
import pytest
from pydicom import dcmread

from hevesy.imaging.dicomio.nm_write import TomoHeader, tomo_dataset
from hevesy.imaging.dicomio.refusal import ImageRefused
from hevesy.imaging.phantoms.spect import Camera, Ellipsoid, project, sphere
from hevesy.imaging.reconstruct.acquisition import acquisition
from hevesy.imaging.reconstruct.filters import Filter
from hevesy.imaging.reconstruct.projections import read_tomo
from hevesy.imaging.reconstruct.run import Settings, reconstruct
from hevesy.imaging.refusal import Refused

LESION_MM = (45.0, -30.0, 40.0)
BODIES = [
    Ellipsoid((0, 0, 0), (120, 80, 90), 0.0004, 0.012),
    sphere(LESION_MM, 40, activity=0.02),
]
CAMERA = Camera(columns=32, rows=24, column_mm=9.6, row_mm=9.6, points=1)


def projections(start, step, direction, views, *, heads=(), bodies=BODIES, **changes):
    """A TOMO object of the lesion left, in front and towards the head, by the ray tracer."""
    sign = 1 if direction == "CC" else -1
    heads = tuple(heads)
    counts = np.stack(
        [
            project(
                bodies,
                CAMERA,
                angles_deg=first + sign * step * np.arange(views),
                radii_mm=200.0,
            )
            for first in (start, *heads)
        ]
    )
    header = TomoHeader(
        start_deg=start,
        step_deg=step,
        direction=direction,
        pixel_mm=(9.6, 9.6),
        radii_mm=[200.0] * views,
        heads_deg=heads,
        **changes,
    )
    return tomo_dataset(np.clip(counts[None, None], 0, 65535), header)


def where_the_lesion_is(study):
    volume = reconstruct(study, Settings(method="fbp", filter=Filter("hann", 0.4))).summed
    k, j, i = np.unravel_index(volume.array.argmax(), volume.array.shape)
    return volume.world((i, j, k)) - [0, 0, study.centre_lps[2]]


@pytest.mark.parametrize(
    ("start", "step", "direction", "views", "changes"),
    [
        (0.0, 12.0, "CC", 30, {}),
        (180.0, 12.0, "CW", 30, {}),
        (225.0, 6.0, "CW", 30, {"position": "FFS"}),
        (45.0, 6.0, "CC", 30, {"position": "HFP"}),
        (239.0, 6.5, "CW", 16, {"heads": [135.0], "centre_z_mm": 1500.0}),
        (90.0, 12.0, "CC", 15, {"heads": [270.0], "centre_z_mm": -300.0}),
    ],
)
def test_a_lesion_left_in_front_and_above_is_found_there(start, step, direction, views, changes):
    study = read_tomo(projections(start, step, direction, views, **changes))

    found = where_the_lesion_is(study)

    assert found == pytest.approx(LESION_MM, abs=9.6)


def test_angles_of_the_gantry_are_turned_by_the_position_of_the_patient():
    # The patient lies feet first: left is on the other side of the gantry, the head is down.
    turned = [
        Ellipsoid((0, 0, 0), (120, 80, 90), 0.0004, 0.012),
        sphere((-45.0, -30.0, -40.0), 40, activity=0.02),
    ]
    prone = [
        Ellipsoid((0, 0, 0), (120, 80, 90), 0.0004, 0.012),
        sphere((-45.0, 30.0, 40.0), 40, activity=0.02),
    ]
    both = [
        Ellipsoid((0, 0, 0), (120, 80, 90), 0.0004, 0.012),
        sphere((45.0, 30.0, -40.0), 40, activity=0.02),
    ]
    for bodies, position in ((BODIES, "HFS"), (turned, "FFS"), (prone, "HFP"), (both, "FFP")):
        dataset = projections(0.0, 12.0, "CC", 30, bodies=bodies, position=position)

        found = where_the_lesion_is(read_tomo(dataset, angles="gantry"))

        assert found == pytest.approx(LESION_MM, abs=9.6), position


def test_rows_and_columns_are_mirrored_where_the_orientation_says_so():
    dataset = projections(0.0, 12.0, "CC", 30, centre_z_mm=100.0)
    pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(30, 24, 32)
    dataset.PixelData = pixels[:, ::-1, ::-1].tobytes()
    head = dataset.DetectorInformationSequence[0]
    head.ImageOrientationPatient = [1, 0, 0, 0, 0, 1]
    head.ImagePositionPatient = [0, 0, 100.0 - 11.5 * 9.6]

    study = read_tomo(dataset)

    assert study.centre_lps[2] == pytest.approx(100.0)
    assert where_the_lesion_is(study) == pytest.approx(LESION_MM, abs=9.6)


def test_an_orientation_that_does_not_fit_the_angle_is_not_used():
    dataset = projections(0.0, 12.0, "CC", 30, centre_z_mm=0.0)
    dataset.DetectorInformationSequence[0].ImageOrientationPatient = [0, 1, 0, 0, 0, -1]

    study = read_tomo(dataset)

    assert "orientation_conflict" in [found.key for found in study.findings]
    assert where_the_lesion_is(study) == pytest.approx(LESION_MM, abs=9.6)


def test_windows_gates_and_heads_are_put_in_order():
    # Counts that name their own place: window, gate, head, view.
    index = np.indices((2, 3, 2, 4, 8, 8))
    counts = 1000 * index[0] + 100 * index[1] + 10 * index[2] + index[3] + 1
    header = TomoHeader(
        0.0,
        30.0,
        "CC",
        (5.0, 6.0),
        [150.0, 151.0, 152.0, 153.0],
        heads_deg=[180.0],
        windows_kev=((126, 154), (110, 120)),
    )

    study = read_tomo(tomo_dataset(counts, header))

    assert study.counts.shape == (2, 3, 8, 8, 8)
    # By time, then head.
    expected = [1000 + 200 + 10 * head + view + 1 for view in range(4) for head in range(2)]
    assert study.counts[1, 2, :, 0, 0].tolist() == expected
    assert [view.angle_deg for view in study.views][:4] == [0, 180, 30, 210]
    assert [view.radius_mm for view in study.views][:4] == [150, 150, 151, 151]
    assert [view.started_s for view in study.views][:4] == [0, 0, 20, 20]
    assert (study.column_mm, study.row_mm) == (5.0, 6.0)
    assert [window.width_kev for window in study.windows] == [28, 10]


def a_small_one(**changes):
    counts = np.full((1, 1, 1, 6, 4, 4), 7)
    header = TomoHeader(0.0, 60.0, "CC", (5.0, 5.0), [150.0] * 6)
    dataset = tomo_dataset(counts, header)
    for keyword, value in changes.items():
        place = dataset
        if keyword in ("StartAngle", "AngularStep", "RotationDirection", "ScanArc"):
            place = dataset.RotationInformationSequence[0]
        elif keyword == "CollimatorType":
            place = dataset.DetectorInformationSequence[0]
        if value is None:
            delattr(place, keyword)
        else:
            setattr(place, keyword, value)
    return dataset


def without_start():
    dataset = a_small_one(StartAngle=None)
    del dataset.DetectorInformationSequence[0].StartAngle
    return dataset


def without_steps():
    return a_small_one(AngularStep=None, ScanArc=None)


def of_one_view():
    counts = np.full((1, 1, 1, 1, 4, 4), 7)
    return tomo_dataset(counts, TomoHeader(0.0, 60.0, "CC", (5.0, 5.0), [150.0]))


def of_heads_without_angles():
    counts = np.full((1, 1, 2, 6, 4, 4), 7)
    header = TomoHeader(0.0, 30.0, "CC", (5.0, 5.0), [150.0] * 6, heads_deg=[180.0])
    dataset = tomo_dataset(counts, header)
    for head in dataset.DetectorInformationSequence:
        del head.StartAngle
    return dataset


def of_doubled_frames():
    dataset = a_small_one()
    dataset.AngularViewVector = [1, 2, 3, 4, 5, 5]
    dataset.RotationVector = [1] * 6
    return dataset


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (without_start, "angles_missing"),
        (without_steps, "angles_missing"),
        (lambda: a_small_one(RotationDirection=""), "angles_missing"),
        (lambda: a_small_one(RotationInformationSequence=[]), "angles_missing"),
        (of_heads_without_angles, "angles_missing"),
        (of_one_view, "too_few_views"),
        (of_doubled_frames, "frames_missing"),
        (lambda: a_small_one(PixelData=bytes(6 * 16 * 2)), "no_counts"),
        (lambda: a_small_one(CollimatorType="PINH"), "collimator_not_parallel"),
        (lambda: a_small_one(PixelSpacing=None), "pixel_size_missing"),
        (
            lambda: a_small_one(ImageType=["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"]),
            "not_projections",
        ),
    ],
)
def test_what_cannot_be_reconstructed_is_refused(make, key):
    with pytest.raises(Refused) as refusal:
        read_tomo(make())

    assert refusal.value.key == key
    assert refusal.value.text_en and refusal.value.text_zh


def test_truncated_pixels_are_refused():
    with pytest.raises(ImageRefused, match="pixels_truncated"):
        read_tomo(a_small_one(PixelData=bytes(100)))


def test_a_missing_step_follows_from_the_arc():
    study = read_tomo(a_small_one(AngularStep=None))

    assert [view.angle_deg for view in study.views] == pytest.approx([0, 60, 120, 180, 240, 300])
    assert "step_assumed" in [found.key for found in study.findings]


def test_a_stated_axis_offset_is_pointed_out_and_not_applied():
    dataset = a_small_one()
    dataset.DetectorInformationSequence[0].CenterOfRotationOffset = "3.5"

    study = read_tomo(dataset)

    (found,) = [one for one in study.findings if one.key == "axis_stated"]
    assert found.values == {"detector": 1, "mm": 3.5}
    assert acquisition(study, window=0).axis_u.tolist() == [1.5] * 6


def test_an_object_that_is_cut_off_is_pointed_out():
    study = read_tomo(a_small_one())

    assert "truncated" in [found.key for found in study.findings]


def test_a_real_camera_orients_its_heads_as_its_angles_say(real_dicom):
    # Headers of an IQ-SPECT, feet first: start angles 239 and 135. Its holes converge.
    path = real_dicom / "nm/tomo_mpi_siemens_headers_only/NM-NmIm-Siemens-s1-1.dcm"
    dataset = dcmread(path)
    frames = int(dataset.NumberOfFrames)
    dataset.Rows = dataset.Columns = 8
    dataset.PixelData = np.ones((frames, 8, 8), "<u2").tobytes()

    with pytest.raises(Refused, match="collimator_not_parallel"):
        read_tomo(dataset)
    for head in dataset.DetectorInformationSequence:
        head.CollimatorType = "PARA"
    study = read_tomo(dataset)

    assert study.counts.shape == (2, 1, 34, 8, 8)
    assert [view.angle_deg for view in study.views][:2] == [239, 135]
    assert study.views[2].angle_deg == pytest.approx(239 - 104 / 17)
    assert {round(view.radius_mm) for view in study.views} == {280}
    assert "orientation_conflict" not in [found.key for found in study.findings]
    assert study.nuclide == "Tc-99m"
    assert study.position_known

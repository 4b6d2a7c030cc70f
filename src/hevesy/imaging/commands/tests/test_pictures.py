"""The verbs render and slice, on a small examination with known places."""

import json
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import generate_uid

from hevesy.imaging.commands import main
from hevesy.imaging.commands.tests.running import image
from hevesy.imaging.dicomio import (
    Administration,
    SeriesIdentity,
    StudyIdentity,
    write_ct_series,
    write_pet_series,
)
from hevesy.imaging.geometry import Volume

STARTED = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
FRAME = generate_uid()
# Bone at the patient's left hip, in front; uptake in the right shoulder, behind.
BONE_LPS, HOT_LPS = (20.0, -16.0, -18.0), (-20.0, 16.0, 18.0)


def ball(spacing, shape, centre, inside, outside, units, modality):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * s for n, s in zip(shape[::-1], spacing, strict=True)]
    volume = Volume(np.full(shape, outside, np.float32), affine, units, modality)
    points = volume.world(np.moveaxis(np.indices(shape)[::-1], 0, -1))
    array = np.where(np.linalg.norm(points - centre, axis=-1) <= 9, inside, outside)
    return volume.with_values(array.astype(np.float32), units=units)


@pytest.fixture(scope="module")
def exam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exam")
    (folder / "ct").mkdir()
    (folder / "pt").mkdir()
    study = StudyIdentity("Test^Case", "P-1", "F", generate_uid(), STARTED, weight_kg=60)
    write_ct_series(
        folder / "ct",
        ball((2, 2, 3), (24, 40, 40), BONE_LPS, 900, -1000, "HU", "CT"),
        study,
        SeriesIdentity(2, "CT", frame_of_reference_uid=FRAME),
    )
    write_pet_series(
        folder / "pt",
        ball((4, 4, 4), (18, 20, 20), HOT_LPS, 5, 0.1, "SUVbw", "PT"),
        study,
        Administration(3e8, datetime(2026, 3, 4, 9, 0, tzinfo=UTC)),
        SeriesIdentity(3, "PET", frame_of_reference_uid=FRAME),
    )
    return folder


def in_process(capsys, verb, *arguments):
    """The same verb without starting a program; returns exit status and the JSON."""
    status = main([verb, *map(str, arguments), "--json"])
    told = capsys.readouterr().out
    return status, json.loads(told) if told else None


def middle(picture, chosen):
    """Where a picture fulfils something: (across, down) from its middle, in picture elements."""
    row, column = np.argwhere(chosen).mean(axis=0)
    rows, columns = picture.shape[:2]
    return column - (columns - 1) / 2, row - (rows - 1) / 2


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.mark.clause("6.21")
@pytest.mark.clause("6.22")
def test_bone_and_uptake_are_drawn_where_they_lie(exam, tmp_path):
    status, told, complaints = image(
        "render", exam / "ct", "--pet", exam / "pt", "--tissue", "bone",
        "--out", tmp_path / "front.png", "--size", 200, "--json",
    )  # fmt: skip

    assert status == 0, complaints
    front = pixels(tmp_path / "front.png")
    assert front.shape == (told["rows"], told["columns"], 3)
    bone = front.min(axis=2) > 120
    hot = front[..., 0] - front[..., 2] > 90
    mm = told["spacing_mm"]
    np.testing.assert_allclose(np.array(middle(front, bone)) * mm, (20, 18), atol=1)
    np.testing.assert_allclose(np.array(middle(front, hot)) * mm, (-20, -18), atol=2)
    assert told["pet_window"] == [2, 8]
    assert told["tissues"][0]["name_zh"] == "骨"
    assert told["tissues"][0]["source"]


@pytest.mark.clause("6.21")
def test_a_real_femur_stands_where_its_voxels_are(real_dicom, tmp_path, capsys):
    folder = real_dicom / "pet_ct_mr" / "STS_001" / "CT_cropped_same_FoR"
    slices = [pydicom.dcmread(path) for path in sorted(folder.iterdir())]
    low = [one for one in slices if float(one.ImagePositionPatient[2]) < -820]

    status, told = in_process(
        capsys, "render", folder, "--tissue", "bone", "--clip", "z:..-820",
        "--size", 150, "--out", tmp_path / "front.png",
    )  # fmt: skip

    assert status == 0
    columns = np.concatenate(
        [
            np.argwhere(one.pixel_array * one.RescaleSlope + one.RescaleIntercept > 250)[:, 1]
            for one in low
        ]
    )
    left_mm = float(low[0].ImagePositionPatient[0]) + float(low[0].PixelSpacing[1]) * columns
    front = pixels(tmp_path / "front.png")
    bone = front.min(axis=2) > 40
    across_mm = middle(front, bone)[0] * told["spacing_mm"]
    centre_mm = (told["kept_lps_mm"][0][0] + told["kept_lps_mm"][1][0]) / 2
    # The shaft of the left femur, on the right of the picture.
    assert across_mm > 20
    assert centre_mm + across_mm == pytest.approx(left_mm.mean(), abs=3)


@pytest.mark.clause("6.20")
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "avi", "mp4", "dcm", "folder"])
def test_every_format_is_read_by_another_program(exam, tmp_path, capsys, suffix):
    out = tmp_path / ("turn" if suffix == "folder" else f"turn.{suffix}")
    frames = 1 if suffix in ("png", "jpg") else 4

    status, told = in_process(
        capsys, "render", exam / "ct", "--tissue", "bone", "--out", out, "--size", 64,
        "--frames", 4,
    )  # fmt: skip

    assert status == 0
    assert told["frames"] == frames
    read = read_again(out)
    assert len(read) == frames
    # The bone lies 20 mm to the left and 16 mm in front: across from the middle at each quarter.
    for picture, across_mm in zip(read, (20, -16, -20, 16), strict=False):
        across, down = middle(picture, picture.min(axis=2) > 100)
        assert across * told["spacing_mm"] == pytest.approx(across_mm, abs=2)
        assert down * told["spacing_mm"] == pytest.approx(18, abs=2)


def read_again(path):
    """Frames of a file by Pillow, pydicom or ffmpeg."""
    if path.is_dir():
        return [pixels(one) for one in sorted(path.iterdir())]
    if path.suffix == ".dcm":
        return list(pydicom.dcmread(path).pixel_array.astype(int))
    if path.suffix == ".gif":
        with Image.open(path) as film:
            return [
                np.asarray([film.seek(n), film.convert("RGB")][1]).astype(int)
                for n in range(film.n_frames)
            ]
    if path.suffix in (".png", ".jpg"):
        return [pixels(path)]
    import imageio_ffmpeg

    film = imageio_ffmpeg.read_frames(str(path))
    columns, rows = next(film)["size"]
    return [np.frombuffer(one, np.uint8).reshape(rows, columns, 3).astype(int) for one in film]


@pytest.mark.clause("6.22")
def test_cuts_leave_what_lies_between_them(exam, tmp_path, capsys):
    def seen(*cuts):
        arguments = [part for cut in cuts for part in ("--clip", cut)]
        status, told = in_process(
            capsys,
            "render",
            exam / "ct",
            "--tissue",
            "bone",
            "--out",
            tmp_path / "a.png",
            *arguments,
        )
        assert status == 0
        bone = pixels(tmp_path / "a.png").min(axis=2) > 20
        return bone.sum() * told["spacing_mm"] ** 2, told

    whole, _ = seen()
    beside, _ = seen("x:..5")
    half, told = seen("x:20..", "z:-40..0")

    # Along the line of sight, where its voxels end at y = -23.8 and -8.2 mm.
    assert seen("y:-8..")[0] == seen("y:..-24")[0] == 0
    assert seen("y:-10..")[0] > 0
    assert seen("y:..-22")[0] > 0
    assert beside == 0
    assert half / whole == pytest.approx(0.5, abs=0.03)
    assert told["kept_lps_mm"][0][0] == 20
    assert in_process(capsys, "render", exam / "ct", "--out", tmp_path / "b.png",
                      "--clip", "z:900..")[1]["reason"] == "nothing_kept"  # fmt: skip


@pytest.mark.clause("6.21")
def test_a_pet_alone_glows_from_any_side(exam, tmp_path, capsys):
    status, told = in_process(
        capsys, "render", "--pet", exam / "pt", "--angles", 90, "--out", tmp_path / "left.png"
    )

    assert status == 0
    left = pixels(tmp_path / "left.png")
    mm = told["spacing_mm"]
    # From the left the back of the patient is on the right.
    np.testing.assert_allclose(np.array(middle(left, left[..., 0] > 60)) * mm, (16, -18), atol=2)


@pytest.mark.clause("6.19")
def test_one_view_of_a_mip_is_a_still(exam, tmp_path, capsys):
    out = tmp_path / "front.png"

    status, told = in_process(capsys, "mip", exam / "pt", "--frames", 1, "--out", out)

    assert status == 0
    front = pixels(out)
    assert (told["kind"], told["rows"]) == ("png", len(front))
    # Voxels of 4 mm, dark where uptake is.
    np.testing.assert_allclose(np.array(middle(front, front[..., 0] < 120)) * 4, (-20, -18), atol=2)
    assert in_process(capsys, "mip", exam / "pt", "--out", out)[0] == 2


@pytest.mark.clause("6.10")
def test_a_fused_slice_shows_both_where_they_lie(exam, tmp_path):
    status, told, complaints = image(
        "slice", exam / "ct", "--pet", exam / "pt", "--plane", "coronal", "--slab", 60,
        "--out", tmp_path / "a.png", "--size", 160, "--json",
    )  # fmt: skip

    assert status == 0, complaints
    found = pixels(tmp_path / "a.png")
    mm = told["spacing_mm"]
    # Half of white where bone is, half of the hottest colour where uptake is.
    grey = np.ptp(found, axis=2) < 20
    bone = grey & (found.min(axis=2) > 90)
    hot = ~grey & (found[..., 0] > 90)
    np.testing.assert_allclose(np.array(middle(found, bone)) * mm, (20, 18), atol=1.5)
    np.testing.assert_allclose(np.array(middle(found, hot)) * mm, (-20, -18), atol=2)
    assert (told["window"], told["pet_window"]) == ([-160, 240], [0, 7])


@pytest.mark.clause("6.23")
def test_a_still_at_a_point_shows_that_plane_and_no_other(exam, tmp_path, capsys):
    def lit(*arguments):
        status, _ = in_process(
            capsys, "slice", exam / "ct", "--out", tmp_path / "a.png", *arguments
        )
        assert status == 0
        return (pixels(tmp_path / "a.png") > 200).any()

    # Ball of 9 mm about z = -18; and about (20, -16), which a plane turned by 45 degrees cuts at
    # (20, -16) . (-1, 1) / sqrt 2 = -25.5 mm from the middle.
    assert lit("--at", 0, 0, -18)
    assert lit("--at", 0, 0, -11)
    assert not lit("--at", 0, 0, -6)
    assert lit("--turn", 45, "--at", 18, -18, 0)
    assert not lit("--turn", 45)
    far = in_process(capsys, "slice", exam / "ct", "--out", tmp_path / "b.png", "--at", 0, 0, 90)
    assert (far[0], far[1]["reason"]) == (1, "plane_outside")


def test_a_movie_of_slices_pages_through_every_one_from_the_head(exam, tmp_path, capsys):
    status, told = in_process(
        capsys, "slice", exam / "ct", "--out", tmp_path / "all.dcm", "--size", 40
    )

    assert status == 0
    z = [centre[2] for centre in told["centres_lps_mm"]]
    assert len(z) == 24
    np.testing.assert_allclose(np.diff(z), -3, atol=1e-3)
    bright = [(frame > 200).any() for frame in pydicom.dcmread(tmp_path / "all.dcm").pixel_array]
    assert bright == [abs(one + 18) <= 9 for one in z]


def test_a_thumbnail_is_a_square(exam, tmp_path, capsys):
    status, told = in_process(
        capsys, "slice", exam / "pt", "--thumbnail", 96, "--out", tmp_path / "a.jpg"
    )

    assert status == 0
    assert (told["rows"], told["columns"]) == pixels(tmp_path / "a.jpg").shape[:2] == (96, 96)


def test_wrong_calls_say_so(exam, tmp_path, capsys):
    out = tmp_path / "a.png"

    assert in_process(capsys, "render", "--out", out)[0] == 2
    assert in_process(capsys, "render", exam / "ct", "--out", out, "--angles", 0, 90)[0] == 2
    assert in_process(capsys, "slice", exam / "ct", "--out", out, "--window", 5, 5)[0] == 2
    unknown = in_process(capsys, "render", exam / "ct", "--out", out, "--tissue", "wood")
    assert (unknown[0], unknown[1]["reason"]) == (1, "unknown_tissue")
    assert not out.exists()

import importlib.util
import re
import shutil
import subprocess
from datetime import UTC, datetime

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from hevesy.imaging.refusal import Refused
from hevesy.imaging.render.colour import HOT_IRON, INVERSE_GREY, coloured
from hevesy.imaging.render.movie import video_program, write_movie
from hevesy.imaging.render.secondary_capture import secondary_capture


@pytest.fixture(scope="module")
def frames():
    """Twelve views of a turning body, in colour; odd sizes, so that filled rows show."""
    x, y = np.meshgrid(np.linspace(-1, 1, 67), np.linspace(-1, 1, 91))
    views = [
        7 * np.exp(-(((x - 0.4 * np.cos(t)) / 0.3) ** 2) - ((y + 0.2) / 0.4) ** 2)
        + 3 * np.exp(-(((x + 0.3 * np.cos(t)) / 0.2) ** 2) - ((y - 0.3) / 0.2) ** 2)
        for t in np.arange(12) * np.pi / 6
    ]
    return coloured(np.array(views), 0, 7, HOT_IRON)


@pytest.fixture
def ffmpeg():
    try:
        return video_program()
    except Refused as missing:
        pytest.skip(missing.text_en)


def decoded(ffmpeg, path):
    """Frames and frame rate of a file as ffmpeg reads them."""
    told = subprocess.run([ffmpeg, "-i", path], capture_output=True, text=True, check=False).stderr
    stream = next(line for line in told.splitlines() if "Video:" in line)
    columns, rows = map(int, re.search(r"\b(\d{2,})x(\d{2,})\b", stream).groups())
    fps = float(re.search(r"([\d.]+) fps", stream).group(1))
    raw = subprocess.run(
        [ffmpeg, "-loglevel", "error", "-i", path, "-fps_mode", "passthrough",
         "-vf", "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp",
         "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    return np.frombuffer(raw, np.uint8).reshape(-1, rows, columns, 3), fps


def psnr_db(one, other):
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


@pytest.mark.clause("6.20")
def test_an_uncompressed_avi_gives_back_every_picture_element(frames, ffmpeg, tmp_path):
    summary = write_movie(tmp_path / "a.avi", frames, fps=12.5, kind="avi-lossless")

    seen, fps = decoded(ffmpeg, tmp_path / "a.avi")

    assert fps == 12.5
    np.testing.assert_array_equal(seen, frames)
    assert summary.lossless
    assert summary.bytes == (tmp_path / "a.avi").stat().st_size


@pytest.mark.clause("6.20")
@pytest.mark.parametrize("name", ["a.avi", "a.mp4"])
def test_compressed_movies_keep_count_rate_and_looks(frames, ffmpeg, tmp_path, name):
    summary = write_movie(tmp_path / name, frames, fps=10)

    seen, fps = decoded(ffmpeg, tmp_path / name)

    assert (len(seen), fps) == (12, 10)
    assert seen.shape[1:3] == (summary.rows, summary.columns)
    assert psnr_db(seen[:, :91, :67], frames) > 35
    assert not summary.lossless


def test_a_gif_is_exact_where_256_colours_are_enough(frames, tmp_path):
    grey = coloured(frames[..., 0].astype(float), 0, 255, INVERSE_GREY)

    exact = write_movie(tmp_path / "a.gif", grey, fps=10)
    noise = np.random.default_rng(0).integers(0, 256, frames.shape).astype(np.uint8)
    write_movie(tmp_path / "b.gif", noise, fps=30)

    assert exact.lossless
    with Image.open(tmp_path / "a.gif") as gif:
        assert (gif.n_frames, gif.info["duration"], gif.info["loop"]) == (len(grey), 100, 0)
        for number in range(gif.n_frames):
            gif.seek(number)
            np.testing.assert_array_equal(np.asarray(gif.convert("RGB")), grey[number])
    with Image.open(tmp_path / "b.gif") as gif:
        assert (gif.n_frames, gif.info["duration"]) == (len(frames), 30)


def test_a_folder_of_pictures_is_exact_and_never_mixes_with_older_ones(frames, tmp_path):
    summary = write_movie(tmp_path / "cine", frames, fps=10)

    pictures = sorted((tmp_path / "cine").iterdir())

    assert [p.name for p in pictures][:2] == ["0001.png", "0002.png"]
    assert len(pictures) == summary.frames == 12
    np.testing.assert_array_equal(np.asarray(Image.open(pictures[5])), frames[5])
    with pytest.raises(Refused, match="movie_folder_in_use"):
        write_movie(tmp_path / "cine", frames, fps=10)


@pytest.fixture
def source():
    found = Dataset()
    found.SpecificCharacterSet = "ISO_IR 192"
    found.PatientName, found.PatientID = "Test^Case=试^例", "P-1"
    found.Modality = "PT"
    found.StudyInstanceUID, found.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    found.SOPClassUID, found.SOPInstanceUID = CTImageStorage, "1.2.3.4.5"
    return found


def test_a_dicom_movie_holds_the_frames_and_belongs_to_the_study(frames, source, tmp_path):
    made = secondary_capture(
        frames, source, fps=12.5, description="MIP", made_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    made.save_as(tmp_path / "sc.dcm", enforce_file_format=True)

    read = pydicom.dcmread(tmp_path / "sc.dcm")

    np.testing.assert_array_equal(read.pixel_array, frames)
    assert (read.NumberOfFrames, float(read.FrameTime)) == (12, 80.0)
    assert read.StudyInstanceUID == "1.2.3"
    assert str(read.PatientName) == "Test^Case=试^例"
    assert read.SeriesInstanceUID != "1.2.3.4"
    assert read.SourceImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5"
    assert read.BurnedInAnnotation == "NO"
    again = secondary_capture(
        frames, source, fps=12.5, description="MIP", made_at=datetime(2026, 1, 3, tzinfo=UTC)
    )
    other = secondary_capture(
        255 - frames, source, fps=12.5, description="MIP", made_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    assert again.SOPInstanceUID == made.SOPInstanceUID != other.SOPInstanceUID


@pytest.mark.peer
def test_dicom3tools_finds_no_error_in_a_dicom_movie(frames, source, tmp_path):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed")
    made = secondary_capture(
        frames, source, fps=12.5, description="MIP", made_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    made.save_as(tmp_path / "sc.dcm", enforce_file_format=True)

    told = subprocess.run(
        ["dciodvfy", tmp_path / "sc.dcm"], capture_output=True, text=True, check=False
    ).stderr

    assert "Error" not in told, told


def test_without_the_video_program_the_refusal_says_what_to_install(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(Refused, match="pip install imageio-ffmpeg") as refusal:
        write_movie(tmp_path / "a.mp4", frames, fps=10)

    assert refusal.value.key == "video_program_missing"
    assert write_movie(tmp_path / "a.avi", frames, fps=10).frames == 12


@pytest.mark.parametrize(
    ("key", "name", "shape", "fps"),
    [
        ("movie_unknown_kind", "a.mov", (2, 4, 4, 3), 10),
        ("movie_frames", "a.avi", (2, 4, 4), 10),
        ("movie_frames", "a.avi", (0, 4, 4, 3), 10),
        ("movie_fps", "a.avi", (2, 4, 4, 3), 0),
        ("movie_fps", "a.avi", (2, 4, 4, 3), 1000),
    ],
)
def test_what_no_movie_can_be_made_of_is_refused(tmp_path, key, name, shape, fps):
    with pytest.raises(Refused) as refusal:
        write_movie(tmp_path / name, np.zeros(shape, np.uint8), fps=fps)

    assert refusal.value.key == key

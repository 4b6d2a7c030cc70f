"""Single frames decoded in a child process are those that pydicom decodes."""

import numpy as np
import pytest
from pydicom import dcmread, examples
from pydicom.uid import RLELossless

from hevesy.imaging.dicomio import ImageRefused, decode_frames_sandboxed, read_dataset


@pytest.fixture
def a_compressed_object(tmp_path, make_slice):
    """Three frames of noise, run-length encoded."""
    rng = np.random.default_rng(7)
    pixels = rng.integers(-900, 900, (3, 16, 24), dtype="<i2")
    dataset = make_slice(rows=16, columns=24, NumberOfFrames=3, PixelData=pixels.tobytes())
    dataset.compress(RLELossless)
    path = tmp_path / "frames.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path, pixels


def test_the_named_frames_come_in_the_order_asked_for(a_compressed_object):
    path, pixels = a_compressed_object

    frames = decode_frames_sandboxed(path, [2, 0])

    assert frames == [pixels[2].tobytes(), pixels[0].tobytes()]


def test_a_frame_that_is_not_there_is_a_refusal(a_compressed_object):
    with pytest.raises(ImageRefused):
        decode_frames_sandboxed(a_compressed_object[0], [3])


def test_big_endian_values_come_little_endian(tmp_path, make_slice):
    from pydicom.uid import ExplicitVRBigEndian

    dataset = make_slice(value=0x0102)
    dataset.PixelData = np.frombuffer(dataset.PixelData, "<i2").astype(">i2").tobytes()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    path = tmp_path / "big.dcm"
    dataset.save_as(path, implicit_vr=False, little_endian=False, enforce_file_format=True)

    (frame,) = decode_frames_sandboxed(path, [0])

    assert np.frombuffer(frame, "<i2")[0] == 0x0102


def test_a_header_is_read_without_the_pixels():
    path = examples.get_path("ct")

    header = read_dataset(path, with_pixels=False)

    assert "PixelData" not in header
    assert header.Rows == dcmread(path).Rows

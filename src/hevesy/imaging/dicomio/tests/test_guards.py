import io
import struct
import tracemalloc
import zlib

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from hevesy.imaging.dicomio import (
    ChildLimits,
    ImageRefused,
    Limits,
    decode_pixels,
    read_dataset,
    read_series,
    read_series_sandboxed,
)
from hevesy.imaging.dicomio.sandbox import run_task


def encapsulated(dataset, frame, syntax):
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def jpeg_2000_header(width, height, *, tile=None):
    tile_x, tile_y = tile or (width, height)
    siz = struct.pack(">HH8IH", 41, 0, width, height, 0, 0, tile_x, tile_y, 0, 0, 1)
    return b"\xff\x4f\xff\x51" + siz + b"\x0f\x01\x01" + b"\xff\x93" + bytes(50) + b"\xff\xd9"


def jpeg_header(width, height, marker):
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8" + bytes((0xFF, marker)) + struct.pack(">H", 2 + len(frame)) + frame


def rle(count, offsets, body):
    return struct.pack("<16I", count, *offsets, *[0] * (15 - len(offsets))) + body


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (jpeg_2000_header(60000, 60000), JPEG2000Lossless),
        (jpeg_header(65535, 65535, 0xC0), JPEGBaseline8Bit),
        (jpeg_header(65535, 65535, 0xF7), JPEGLSLossless),
        (rle(15, range(64, 64 + 15), bytes(64)), RLELossless),
    ],
)
def test_a_codestream_of_another_size_than_the_header_is_refused_before_decoding(
    make_slice, frame, syntax
):
    dataset = encapsulated(make_slice(), frame, syntax)
    tracemalloc.start()

    with pytest.raises(ImageRefused) as refused:
        decode_pixels(dataset)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.key == "codestream_mismatch"
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("frame", "syntax"),
    [
        (b"\x00" * 100, JPEG2000Lossless),
        (b"\xff\xd8\xff\xda" + bytes(50), JPEGBaseline8Bit),
        (b"\xff\xd8\xff\xe0\x00\x00" + bytes(50), JPEGBaseline8Bit),
        (b"\xff\xd8", JPEGLSLossless),
        (b"\x02\x00", RLELossless),
        (rle(2, (64, 5000), bytes(64)), RLELossless),
    ],
)
def test_a_codestream_without_a_header_is_refused(make_slice, frame, syntax):
    with pytest.raises(ImageRefused) as refused:
        decode_pixels(encapsulated(make_slice(), frame, syntax))
    assert refused.value.key == "codestream_unreadable"


def test_a_million_tiles_are_refused(make_slice):
    frame = jpeg_2000_header(1000, 1000, tile=(1, 1))
    with pytest.raises(ImageRefused) as refused:
        decode_pixels(encapsulated(make_slice(Rows=1000, Columns=1000), frame, JPEG2000Lossless))
    assert refused.value.key == "too_many_pixels"


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("too_many_pixels", {"Rows": 16385}),
        ("too_many_pixels", {"Rows": 16384, "Columns": 16384, "NumberOfFrames": 9}),
        ("too_many_pixels", {"NumberOfFrames": 20001}),
        ("bad_pixel_attributes", {"Rows": 0}),
        ("bad_pixel_attributes", {"BitsAllocated": 12}),
        ("bad_pixel_attributes", {"BitsStored": 17}),
        ("bad_pixel_attributes", {"SamplesPerPixel": 2}),
        ("pixels_truncated", {"Rows": 5}),
        ("no_pixels", {"PixelData": None}),
    ],
)
def test_stated_sizes_are_checked(make_slice, reason, changes):
    with pytest.raises(ImageRefused) as refused:
        decode_pixels(make_slice(**changes))
    assert refused.value.key == reason


def test_a_series_may_not_grow_beyond_the_limit_either(make_slice):
    with pytest.raises(ImageRefused, match="too_many_pixels"):
        read_series([make_slice(3.0 * n) for n in range(9)], limits=Limits(decoded_bytes=400))


def test_bits_above_those_stored_are_no_part_of_the_value(make_slice):
    values = np.array([-5, 100, 2047, -2048], dtype="<i2")
    stored = (values.view("<u2") & 0x0FFF) | 0x3000
    dataset = make_slice(
        rows=2, columns=2, BitsStored=12, HighBit=11, PixelData=stored.astype("<u2").tobytes()
    )
    assert decode_pixels(dataset).ravel().tolist() == values.tolist()


def written(dataset, path):
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_deflated_bomb_is_stopped_while_it_inflates(make_slice, tmp_path):
    dataset = make_slice()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    path = written(dataset, tmp_path / "bomb.dcm")
    assert read_dataset(path).Rows == 4
    whole = path.read_bytes()
    meta_end = 144 + struct.unpack_from("<I", whole, 140)[0]
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    with path.open("wb") as file:
        file.write(whole[:meta_end])
        for _ in range(120):
            file.write(deflater.compress(bytes(1 << 20)))
        file.write(deflater.flush())
    tracemalloc.start()

    with pytest.raises(ImageRefused) as refused:
        read_dataset(path)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused.value.key == "inflates_too_far"
    assert peak < 8_000_000


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7 hello", b"\x00" * 5000, b"DICM" * 100])
def test_what_is_no_dicom_is_refused(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ImageRefused) as refused:
        read_dataset(path)
    assert refused.value.key == "unreadable"
    with pytest.raises(ImageRefused, match="no_such_file"):
        read_dataset(tmp_path / "nothing-here")


def test_a_damaged_file_never_raises_anything_but_a_refusal(make_slice, tmp_path):
    good = io.BytesIO()
    make_slice(3.0).save_as(good, enforce_file_format=True)
    whole = good.getvalue()
    rng = np.random.default_rng(11)
    path = tmp_path / "damaged.dcm"
    for _ in range(400):
        broken = bytearray(whole[: rng.integers(140, len(whole) + 1)])
        for place in rng.integers(132, len(broken), size=rng.integers(1, 6)):
            broken[place] = rng.integers(0, 256)
        path.write_bytes(broken)
        try:
            read_series([path])
        except ImageRefused as refusal:
            assert refusal.key


BOMBS = {
    "2026-05-26-oob-monochrome-65535.dcm": "too_many_pixels",
    "2026-05-06-Deeply-Nested-Sequence.dcm": "nested_too_deep",
    "DummyCTInvalidRows.dcm": "no_pixels",
    "2017-06-27-XSSInjection.dcm": "no_pixels",
}


@pytest.mark.data
@pytest.mark.parametrize(("name", "reason"), BOMBS.items())
def test_real_bombs_are_refused_in_a_child_of_little_memory(real_dicom, name, reason):
    with pytest.raises(ImageRefused) as refused:
        read_series_sandboxed(
            [real_dicom / "malformed/orthanc-tests" / name],
            child=ChildLimits(memory_bytes=768 * 1024**2),
        )
    assert refused.value.key == reason


@pytest.fixture
def a_series_on_disk(make_slice, tmp_path):
    return [
        written(make_slice(3.0 * n, value=n, PatientWeight=70), tmp_path / f"{n}.dcm")
        for n in range(3)
    ]


def test_the_child_gives_back_what_the_parent_would_have_read(a_series_on_disk):
    ours, theirs = read_series(a_series_on_disk), read_series_sandboxed(a_series_on_disk)

    np.testing.assert_array_equal(theirs.array, ours.array)
    np.testing.assert_array_equal(theirs.ijk_to_lps, ours.ijk_to_lps)
    assert theirs.slices == ours.slices
    assert theirs.headers == ours.headers
    assert theirs.findings == ours.findings
    assert theirs.headers[0]["PatientWeight"] == 70


def test_a_child_that_overstays_is_ended(a_series_on_disk):
    with pytest.raises(ImageRefused) as late:
        read_series_sandboxed(a_series_on_disk, child=ChildLimits(wall_s=0.001))

    assert late.value.key == "time_limit"


def test_a_child_that_outgrows_its_memory_is_a_refusal(make_slice, tmp_path):
    large = [
        written(make_slice(3.0 * n, rows=512, columns=512), tmp_path / f"{n}.dcm") for n in range(3)
    ]

    with pytest.raises(ImageRefused) as refused:
        read_series_sandboxed(large, child=ChildLimits(memory_bytes=48 * 1024**2))

    assert refused.value.key in ("memory_limit", "reader_crashed")


def test_only_known_tasks_can_be_asked_for(tmp_path):
    with pytest.raises(ImageRefused, match="reader_crashed"):
        run_task("os.system", {}, tmp_path)


@pytest.mark.data
def test_damaged_real_files_are_named(real_dicom):
    folder = real_dicom / "malformed"
    with pytest.raises(ImageRefused, match="pixels_truncated"):
        read_series([folder / "MR_truncated.dcm"])
    with pytest.raises(ImageRefused, match="bad_pixel_attributes"):
        read_series([folder / "badVR.dcm"])
    mismatch = pydicom.dcmread(folder / "J2K_pixelrep_mismatch.dcm")
    assert decode_pixels(mismatch).shape == (1, 512, 512)

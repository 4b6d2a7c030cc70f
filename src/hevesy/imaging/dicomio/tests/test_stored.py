"""Packed files: smaller, ordinary DICOM to a reader, and the received bytes when asked for them."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from hevesy.imaging.dicomio.sandbox import pack_stored_sandboxed
from hevesy.imaging.dicomio.stored import CODECS, NotPacked, is_packed, pack, unpack
from hevesy.imaging.dicomio.stored.representation import Irregular, to_explicit, to_implicit


def a_picture(frames: int, *, bits: int, signed: bool) -> np.ndarray:
    """A body with noise in empty air, as a scanner gives it, with values of `bits` bits."""
    rows, columns = np.mgrid[0:160, 0:101]
    body = 40.0 * np.exp(-((rows - 80) ** 2 + (columns - 50) ** 2) / 900)
    noise = np.random.default_rng(7).normal(0, 0.2, (frames, 160, 101))
    values = np.where(body > 8, body + noise, 0) * (1 << bits) / 64
    values = values - (1 << bits) / 4 if signed else values
    top = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    kind = f"<{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
    return np.clip(values, -top if signed else 0, top).astype(kind)


def a_file(
    *,
    frames: int = 1,
    bits: int = 12,
    signed: bool = True,
    syntax: str = ExplicitVRLittleEndian,
    **attributes: object,
) -> bytes:
    """A file with the preamble and meta information that the archive writes."""
    pixels = a_picture(frames, bits=bits, signed=signed)
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.PatientName = "Li^Si"
    dataset.NumberOfFrames = frames
    dataset.Rows, dataset.Columns = pixels.shape[1:]
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = 8 * pixels.dtype.itemsize
    dataset.BitsStored, dataset.HighBit = bits, bits - 1
    dataset.PixelRepresentation = int(signed)
    item = Dataset()
    item.RadionuclideTotalDose = "3.7e8"
    dataset.RadiopharmaceuticalInformationSequence = [item, Dataset()]
    dataset.add_new(0x00111010, "LO", "private")
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.mark.parametrize("codec", [*CODECS, "deflate"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize(
    ("bits", "signed"), [(12, True), (16, False), (16, True), (12, False), (8, False)]
)
def test_every_codec_gives_back_what_was_received(codec, syntax, bits, signed):
    file = a_file(frames=3, bits=bits, signed=signed, syntax=syntax)

    packed = pack(file, codec)

    assert unpack(packed.content) == file
    assert len(packed.content) < len(file)
    assert is_packed(packed.content[:4096]) and not is_packed(file[:4096])


@pytest.mark.parametrize("codec", [*CODECS, "deflate"])
def test_another_reader_sees_the_same_image_in_the_packed_file(codec):
    file = a_file(frames=2, syntax=ImplicitVRLittleEndian)

    read = dcmread(BytesIO(pack(file, codec).content))

    original = dcmread(BytesIO(file))
    assert np.array_equal(read.pixel_array, original.pixel_array)
    assert read.PatientName == "Li^Si"
    sequence = read.RadiopharmaceuticalInformationSequence
    assert sequence[0].RadionuclideTotalDose == 3.7e8 and len(sequence) == 2


def test_overlays_in_the_unused_bits_keep_an_image_from_being_packed_as_jpeg_ls():
    pixels = a_picture(1, bits=12, signed=False)
    pixels[0, 3, 3] |= 0x8000

    with pytest.raises(NotPacked, match="not_reproducible"):
        pack(a_file(signed=False, PixelData=pixels.tobytes()), "jpeg-ls")

    file = a_file(signed=False, PixelData=pixels.tobytes())
    assert unpack(pack(file, "htj2k").content) == file


def test_a_padding_that_is_not_zero_comes_back():
    pixels = a_picture(1, bits=8, signed=False)
    file = a_file(bits=8, signed=False, Rows=159, PixelData=pixels[:, :159].tobytes() + b"\x07")

    assert unpack(pack(file, "jpeg-ls").content) == file


@pytest.mark.parametrize(
    ("reason", "attributes"),
    [
        ("pixel_length", {"Rows": 161}),
        ("pixel_format", {"SamplesPerPixel": 3}),
        ("pixel_format", {"BitsStored": 20}),
        ("not_smaller", {"Rows": 2, "Columns": 4, "PixelData": bytes(16)}),
    ],
)
def test_what_is_not_what_it_says_stays_as_it_is(reason, attributes):
    with pytest.raises(NotPacked, match=reason):
        pack(a_file(**attributes), "jpeg-ls")


def test_a_packed_file_is_not_packed_again():
    packed = pack(a_file(), "htj2k").content

    with pytest.raises(NotPacked, match="transfer_syntax"):
        pack(packed, "jpeg-ls")


def test_a_flipped_bit_gives_an_error_and_no_other_image():
    packed = bytearray(pack(a_file(), "htj2k").content)

    for place in range(1000, len(packed), len(packed) // 25):
        damaged = bytes(packed[:place]) + bytes([packed[place] ^ 4]) + bytes(packed[place + 1 :])
        with pytest.raises(NotPacked):
            unpack(damaged)


def test_broken_lengths_are_irregular_and_end_soon():
    regular = struct.pack("<HHL", 0x0054, 0x0016, 0xFFFFFFFF) + struct.pack(
        "<HHLHHL", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE0DD, 0
    )
    assert to_implicit(to_explicit(regular, signed=False)) == regular
    too_deep = struct.pack("<HHLHHL", 0x0054, 0x0016, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF) * 500

    for broken in (regular[:-8], regular[:-5], regular + b"\1\0\0", too_deep):
        with pytest.raises(Irregular):
            to_explicit(broken, signed=False)


def test_a_child_packs_what_it_can_and_says_why_not(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(a_file())
    bad.write_bytes(b"no image at all")
    folder = tmp_path / "out"
    folder.mkdir()

    answers = pack_stored_sandboxed([good, bad], folder, "jpeg-ls")

    assert answers[0]["packed"] and unpack((folder / "0").read_bytes()) == good.read_bytes()
    assert answers[1] == {"packed": False, "reason": "not_ours"}

import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from hevesy.records.archive.headers import read_header
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.scan import Unreadable, inflate_header, scan
from hevesy.records.archive.testing import a_data_set, a_file, data_set_bytes
from hevesy.records.archive.uids import is_uid

STUDY = 0x0020000D


def element(tag: int, representation: bytes, value: bytes) -> bytes:
    """One explicit little endian element."""
    if representation in (b"OB", b"OW", b"SQ", b"UN"):
        head = struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, representation, 0, len(value))
    else:
        head = struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, representation, len(value))
    return head + value


def nested(depth: int) -> bytes:
    """A sequence in a sequence in a sequence, all of undefined length."""
    opening = struct.pack("<HH2sHL", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
    opening += struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closing = struct.pack("<HHL", 0xFFFE, 0xE00D, 0) + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    return opening * depth + closing * depth


def reason(data: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        scan(data, implicit=False, wanted=[(STUDY,)])
    return refused.value.reason


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_the_same_header_is_read_in_every_encoding(syntax):
    item = Dataset()
    item.RadionuclideTotalDose = "370000000"
    item.Radiopharmaceutical = "FDG"
    file = a_file(
        transfer_syntax_uid=syntax,
        SOPInstanceUID="1.2.3",
        RadiopharmaceuticalInformationSequence=[item],
        Rows=8,
    )

    place = locate_data_set(file)
    header = read_header(file, place.transfer_syntax_uid, place.offset)

    assert place.transfer_syntax_uid == syntax
    assert (header.sop_instance_uid, header.study_instance_uid) == ("1.2.3", "2.25.1")
    assert (header.rows, header.columns) == (8, 8)
    assert header.facts["dose_mbq"] == 370


def test_a_value_of_the_second_item_is_not_taken_for_the_first():
    first, second = Dataset(), Dataset()
    first.Radiopharmaceutical = "FDG"
    second.Radiopharmaceutical = "MDP"
    file = a_file(RadiopharmaceuticalInformationSequence=[first, second])

    header = read_header(file, ExplicitVRLittleEndian, locate_data_set(file).offset)

    assert header.facts["radiopharmaceutical"] == "FDG"


def test_deep_nesting_is_refused_without_recursion():
    assert reason(nested(20_000)) == "too_deep"


def test_nesting_that_real_objects_have_is_walked():
    assert scan(nested(8), implicit=False, wanted=[]).elements > 0


@pytest.mark.parametrize("length", [0xFFFFFFF0, 0x7FFFFFFF, 9])
def test_a_length_beyond_the_end_is_refused(length):
    head = struct.pack("<HH2sHL", 0x0009, 0x1001, b"OB", 0, length)

    assert reason(head + b"12345678") == "truncated"


def test_a_million_elements_are_refused_quickly():
    many = element(0x00091001, b"LO", b"") * 1_000_000
    began_s = time.process_time()

    assert reason(many) == "too_many_elements"
    # Of the processor, and far above what it takes: a scan that looks back at every element takes hours.
    assert time.process_time() - began_s < 20


def test_an_object_that_names_itself_twice_is_refused():
    twice = element(STUDY, b"UI", b"1.2\0") + element(STUDY, b"UI", b"1.3\0")

    assert reason(twice) == "ambiguous"


def test_a_deflated_bomb_is_counted_not_kept():
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(600)) + deflater.flush()
    began_s = time.process_time()

    inflated = inflate_header(bomb)

    assert inflated.excessive
    assert len(inflated.head) <= 64 * 1024 * 1024
    assert time.process_time() - began_s < 20


def test_a_deflated_stream_that_ends_early_is_refused():
    whole = data_set_bytes(a_file(transfer_syntax_uid=DeflatedExplicitVRLittleEndian))

    with pytest.raises(Unreadable, match="truncated"):
        inflate_header(whole[: len(whole) // 2])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_bytes_are_read_or_refused_and_nothing_else(data):
    raw = bytearray(data_set_bytes(a_file(a_data_set(SOPInstanceUID="1.2.3"))))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(raw)))
    syntax = data.draw(
        st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
    )

    try:
        header = read_header(bytes(raw[:cut]), syntax)
    except Unreadable:
        return
    assert is_uid(header.sop_instance_uid)


@pytest.mark.parametrize(
    "text",
    [
        "../../x",
        "/etc/x",
        "1..2",
        "",
        "1.2\n",
        "1.2\0",
        "1.2.三",
        ".1",
        "1.",
        "1.02",
        "1",
        "1" * 65,
    ],
)
def test_what_is_no_uid(text):
    assert not is_uid(text)


@pytest.mark.parametrize("text", ["1.2", "1.2.840.10008.1.1", "2.25." + "9" * 59, "0.0"])
def test_what_is_a_uid(text):
    assert is_uid(text)

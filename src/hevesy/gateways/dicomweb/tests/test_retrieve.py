"""WADO-RS: the bytes that were received, headers that pydicom reads, frames that pydicom decodes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
    SegmentationStorage,
)

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.store import store
from hevesy.gateways.dicomweb import frames as frames_module
from hevesy.gateways.dicomweb.tests.conftest import Program, Take, parts_of, values_of
from hevesy.records.archive.compression import pack_some
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.testing import a_data_set, a_file, data_set_bytes

OCTETS = 'multipart/related; type="application/octet-stream"'
AS_STORED = f"{OCTETS}; transfer-syntax=*"
TEST_DATA = Path(os.environ.get("HEVESY_TEST_DATA", "/nowhere")) / "transfer_syntax"


def address(instance: Instance) -> str:
    series = instance.series
    return (
        f"studies/{series.study.study_instance_uid}/series/{series.series_instance_uid}"
        f"/instances/{instance.sop_instance_uid}"
    )


@pytest.mark.clause("1.3", "12.2")
def test_an_object_comes_back_as_it_was_received(take: Take, program: Program) -> None:
    file = a_file(InstanceNumber=7)
    instance = take(file)

    ((media_type, content),) = parts_of(program.get(address(instance)))

    assert media_type == 'application/dicom; transfer-syntax="1.2.840.10008.1.2.1"'
    assert data_set_bytes(content) == data_set_bytes(file)
    assert content[:128] == bytes(128)
    assert pydicom.dcmread(BytesIO(content)).InstanceNumber == 7


@pytest.mark.clause("1.2", "12.2")
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian])
def test_a_packed_object_and_its_frames_come_as_they_were_received(
    take: Take, program: Program, syntax: str
) -> None:
    pixels = np.add.outer(np.arange(3), np.add.outer(np.arange(64), np.arange(64))).astype("<u2")
    instance = take(a_file(enhanced(pixels), transfer_syntax_uid=syntax))
    paths = (address(instance), f"{address(instance)}/metadata")
    before = [program.get(path).getvalue() for path in paths]
    Study.objects.update(stable_at=datetime(2020, 1, 1, tzinfo=UTC))

    pack_some(by=system_actor("archive"))

    assert Instance.objects.get().is_packed
    after = [parts_of(program.get(paths[0])), json.loads(program.get(paths[1]).getvalue())]
    assert after[0][0][1] in before[0] and after[1] == json.loads(before[1])
    ((_type, frame),) = parts_of(program.get(f"{address(instance)}/frames/2", accept=OCTETS))
    assert frame == pixels[1].tobytes()


@pytest.mark.clause("12.2")
def test_a_study_and_a_series_come_whole_and_in_order(a_study: Study, program: Program) -> None:
    study = parts_of(program.get("studies/2.25.1"))
    series = parts_of(program.get("studies/2.25.1/series/2.25.3"))

    read = [pydicom.dcmread(BytesIO(content)) for _type, content in study]
    assert [(one.Modality, one.InstanceNumber) for one in read] == [
        ("PT", 1), ("PT", 2), ("PT", 3), ("CT", 1), ("CT", 2),
    ]  # fmt: skip
    assert len(series) == 2


def test_what_is_not_there_is_not_found(a_study: Study, program: Program) -> None:
    instance = Instance.objects.first()
    assert instance is not None
    elsewhere = f"studies/2.25.1/series/2.25.3/instances/{instance.sop_instance_uid}"

    for path in ("studies/2.25.99", "studies/2.25.1/series/2.25.99", elsewhere):
        for tail in ("", "/metadata"):
            assert program.get(path + tail).status_code == 404
    assert program.get(f"{elsewhere}/frames/1").status_code == 404


def test_another_transfer_syntax_is_declined_by_name(a_study: Study, program: Program) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax='

    for syntax in ("*", "1.2.840.10008.1.2.1"):
        assert program.get("studies/2.25.1", accept=accept + syntax).status_code == 200
    refused = program.get("studies/2.25.1", accept=accept + "1.2.840.10008.1.2.4.90")
    assert refused.status_code == 406 and "1.2.840.10008.1.2.1" in refused.json()["error"]


def test_headers_are_those_that_pydicom_reads(take: Take, program: Program) -> None:
    icon = Dataset()
    icon.PixelData = bytes(5000)
    icon.Rows = icon.Columns = 50
    icon.BitsAllocated = 16
    icon.PixelRepresentation = 0
    file = a_file(
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Li^Si=李^四",
        PixelSpacing=[2.0, 2.0],
        IconImageSequence=[icon],
    )
    instance = take(file)

    answer = program.get(f"{address(instance)}/metadata")

    (row,) = json.loads(b"".join(answer))
    text = Dataset.from_json(row, bulk_data_uri_handler=lambda _tag, _vr, uri: uri)
    assert answer["Content-Type"] == "application/dicom+json"
    assert str(text.PatientName) == "Li^Si=李^四" and text.PixelSpacing == [2.0, 2.0]
    assert values_of(row, "00083002") == ["1.2.840.10008.1.2.1"]
    assert row["7FE00010"]["BulkDataURI"].endswith(f"{address(instance)}/bulkdata/7FE00010")
    uri = row["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"]
    ((_type, value),) = parts_of(program.get(uri.split("/dicom-web/")[1]))
    assert value == bytes(5000)


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("00880200/0/7FE00010", 404),
        ("00100010", 404),
        ("7FE0001", 400),
        ("../../../etc/passwd", 400),
        ("00880200/99999999999/7FE00010", 400),
        ("0088020g", 400),
    ],
)
def test_a_value_that_is_not_there(take: Take, program: Program, where: str, status: int) -> None:
    instance = take(a_file())

    assert program.get(f"{address(instance)}/bulkdata/{where}").status_code == status


def test_one_lost_object_does_not_hide_the_headers_of_the_others(
    a_study: Study, program: Program
) -> None:
    lost = Instance.objects.filter(series__series_instance_uid="2.25.3").first()
    assert lost is not None
    path = store().path(lost.path)
    path.unlink()

    rows = json.loads(b"".join(program.get("studies/2.25.1/metadata")))

    assert len(rows) == 5
    assert lost.sop_instance_uid in {values_of(row, "00080018")[0] for row in rows}
    assert program.get(f"{address(lost)}/frames/1").status_code == 404


def noise(frames: int, rows: int = 6, columns: int = 10) -> Any:
    return np.random.default_rng(3).integers(0, 4000, (frames, rows, columns), dtype="<u2")


def enhanced(pixels: Any, **more: Any) -> Dataset:
    frames, rows, columns = pixels.shape
    return a_data_set(
        Rows=rows, Columns=columns, NumberOfFrames=frames, PixelData=pixels.tobytes(), **more
    )


@pytest.mark.clause("8.1", "12.2")
@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.1", ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian]
)
def test_frames_are_the_pixels(take: Take, program: Program, syntax: str) -> None:
    pixels = noise(4)
    instance = take(a_file(enhanced(pixels), transfer_syntax_uid=syntax))

    parts = parts_of(program.get(f"{address(instance)}/frames/3,1", accept=OCTETS))

    assert [content for _type, content in parts] == [pixels[2].tobytes(), pixels[0].tobytes()]
    assert parts[0][0] == 'application/octet-stream; transfer-syntax="1.2.840.10008.1.2.1"'
    every = parts_of(program.get(f"{address(instance)}/bulkdata/7FE00010"))
    assert b"".join(content for _type, content in every) == pixels.tobytes()


@pytest.mark.clause("8.1")
def test_compressed_frames_travel_as_stored_or_decoded_as_the_client_likes(
    take: Take, program: Program
) -> None:
    pixels = noise(3)
    dataset = enhanced(pixels)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.compress(RLELossless)
    instance = take(a_file(dataset, transfer_syntax_uid=RLELossless))
    stored = list(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=3))
    frames = f"{address(instance)}/frames/2,3"

    decoded = parts_of(program.get(frames, accept=OCTETS))
    as_stored = parts_of(program.get(frames, accept=AS_STORED))
    by_type = parts_of(program.get(frames, accept='multipart/related; type="image/dicom-rle"'))
    anything = parts_of(program.get(frames, accept="*/*"))

    assert [content for _type, content in decoded] == [one.tobytes() for one in pixels[1:]]
    assert anything == decoded
    assert [content for _type, content in as_stored] == stored[1:]
    assert as_stored == by_type
    assert as_stored[0][0] == f'image/dicom-rle; transfer-syntax="{RLELossless}"'
    png = program.get(frames, accept='multipart/related; type="image/png"')
    assert png.status_code == 406


def test_frames_of_single_bits_that_end_within_a_byte(take: Take, program: Program) -> None:
    bits = np.random.default_rng(5).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset = a_data_set(
        SOPClassUID=SegmentationStorage, Modality="SEG", Rows=5, Columns=7, NumberOfFrames=3,
        BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed + bytes(len(packed) % 2),
    )  # fmt: skip
    instance = take(a_file(dataset))

    parts = parts_of(program.get(f"{address(instance)}/frames/1,2,3"))

    for (_type, content), frame in zip(parts, bits, strict=True):
        loose = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")[:35]
        assert (loose.reshape(5, 7) == frame).all()


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("0", 404),
        ("4", 404),
        ("999999", 404),
        ("1,0", 404),
        ("-1", 400),
        ("", 404),
        ("1,,2", 400),
        ("1;2", 400),
        ("one", 400),
        ("１", 400),
        ("99999999999999999999", 400),
        (",".join(["1"] * 1001), 400),
        (",".join(["1"] * 100_000), 400),
    ],
)
def test_frames_that_are_none(take: Take, program: Program, numbers: str, status: int) -> None:
    instance = take(a_file(enhanced(noise(3))))

    assert program.get(f"{address(instance)}/frames/{numbers}").status_code == status


def test_the_same_frame_a_thousand_times_is_decoded_once(
    take: Take, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = noise(2)
    instance = take(a_file(enhanced(pixels), transfer_syntax_uid=DeflatedExplicitVRLittleEndian))
    asked: list[list[int]] = []
    real = frames_module.decode_frames_sandboxed

    def counted(path: Any, frames: list[int], **more: Any) -> list[bytes]:
        asked.append(frames)
        return real(path, frames, **more)

    monkeypatch.setattr(frames_module, "decode_frames_sandboxed", counted)
    parts = parts_of(program.get(f"{address(instance)}/frames/{','.join(['2'] * 1000)}"))

    assert asked == [[1]] and len(parts) == 1000
    assert {content for _type, content in parts} == {pixels[1].tobytes()}


def test_too_many_at_once_are_asked_to_wait(
    take: Take, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    instance = take(a_file(enhanced(noise(2)), transfer_syntax_uid=DeflatedExplicitVRLittleEndian))
    monkeypatch.setattr(frames_module, "DECODERS", threading.BoundedSemaphore(1))
    monkeypatch.setattr(frames_module, "WAIT_S", 0.0)
    with frames_module.DECODERS:
        assert program.get(f"{address(instance)}/frames/1").status_code == 503
    assert program.get(f"{address(instance)}/frames/1").status_code == 200


def test_pixels_that_cannot_be_read_are_a_status_and_a_sentence(
    take: Take, program: Program
) -> None:
    dataset = enhanced(noise(1))
    dataset.Rows = 600
    instance = take(a_file(dataset))

    answer = program.get(f"{address(instance)}/frames/1")

    assert answer.status_code == 422 and answer.json()["error"]


def test_an_object_without_pixels_has_no_frames(take: Take, program: Program) -> None:
    without = dict.fromkeys(
        ["PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
         "SamplesPerPixel", "PixelRepresentation", "PhotometricInterpretation"]
    )  # fmt: skip
    instance = take(a_file(**without))

    assert program.get(f"{address(instance)}/frames/1").status_code == 404
    assert program.get(f"{address(instance)}/bulkdata/7FE00010").status_code == 404
    (row,) = json.loads(b"".join(program.get(f"{address(instance)}/metadata")))
    assert "7FE00010" not in row


REAL = [
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_rle_16bit_2frame.dcm",
    "dicomParser_encapsulated/CT1_UNC.fragmented_no_bot_jpeg_ls.80.dcm",
]


@pytest.mark.data
@pytest.mark.clause("8.1", "12.2")
@pytest.mark.skipif(not TEST_DATA.exists(), reason="HEVESY_TEST_DATA has no transfer_syntax")
@pytest.mark.parametrize("name", REAL)
def test_real_objects_of_every_syntax(take: Take, program: Program, name: str) -> None:
    file = (TEST_DATA / name).read_bytes()
    instance = take(file)
    theirs = pydicom.dcmread(BytesIO(file))
    frames = int(theirs.get("NumberOfFrames") or 1)
    pixels = pydicom.pixels.pixel_array(theirs, raw=True)
    pixels = pixels.reshape(frames, -1).astype(pixels.dtype.newbyteorder("<"))

    parts = parts_of(program.get(f"{address(instance)}/bulkdata/7FE00010", accept=OCTETS))
    stored = parts_of(program.get(f"{address(instance)}/frames/1", accept=AS_STORED))

    assert [content for _type, content in parts] == [frame.tobytes() for frame in pixels]
    if theirs.file_meta.TransferSyntaxUID.is_compressed:
        first = next(pydicom.encaps.generate_frames(theirs.PixelData, number_of_frames=frames))
        assert stored[0][1] == first

"""STOW-RS: each object by itself, nothing half, and bodies that no client should send."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from hevesy.gateways.dicomweb.tests.conftest import Program, multipart, parts_of, values_of
from hevesy.records.archive.models import Instance, Refusal, Study
from hevesy.records.archive.testing import a_data_set, a_file, data_set_bytes

KIND = 'multipart/related; type="application/dicom"; boundary=b0undary'
FAILED, STORED, REASON = "00081198", "00081199", "00081197"
CLASS, INSTANCE, PLACE = "00081150", "00081155", "00081190"


def uids(row: dict[str, Any], sequence: str) -> list[str]:
    return [values_of(item, INSTANCE)[0] for item in values_of(row, sequence)]


@pytest.mark.clause("1.3", "12.2")
def test_what_is_stored_comes_back(program: Program) -> None:
    dataset = a_data_set()
    file = a_file(dataset)

    answer = program.store([file])

    row = answer.json()
    assert answer.status_code == 200 and answer["Content-Type"] == "application/dicom+json"
    assert uids(row, STORED) == [dataset.SOPInstanceUID] and FAILED not in row
    (item,) = values_of(row, STORED)
    assert values_of(item, CLASS) == [dataset.SOPClassUID]
    assert values_of(row, PLACE) == ["http://testserver/dicom-web/studies/2.25.1"]
    (place,) = values_of(item, PLACE)
    ((_type, content),) = parts_of(program.get(place.split("/dicom-web/")[1]))
    assert data_set_bytes(content) == data_set_bytes(file)
    assert Instance.objects.get().received_from == "STOW"


def test_one_bad_of_a_hundred_does_not_lose_the_others(program: Program) -> None:
    files = [a_file(InstanceNumber=number) for number in range(99)]
    files.insert(50, b"this is no DICOM object")

    answer = program.store(files)

    row = answer.json()
    assert answer.status_code == 202
    assert len(values_of(row, STORED)) == Instance.objects.count() == 99
    (failure,) = values_of(row, FAILED)
    assert values_of(failure, REASON) == [0xC000]
    assert Refusal.objects.count() == 1


def test_all_bad_is_a_conflict(program: Program) -> None:
    answer = program.store([b"no", b"neither"])

    assert answer.status_code == 409 and len(values_of(answer.json(), FAILED)) == 2


def test_sending_again_changes_nothing(program: Program) -> None:
    file = a_file()

    answers = [program.store([file]) for _time in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert Instance.objects.count() == 1


def test_the_same_uid_with_other_content_is_a_failure_and_the_first_stays(program: Program) -> None:
    dataset = a_data_set()
    program.store([a_file(dataset)])
    first = Instance.objects.get()
    dataset.PatientID = "NM000002"

    answer = program.store([a_file(dataset)])

    assert answer.status_code == 409
    (failure,) = values_of(answer.json(), FAILED)
    assert values_of(failure, REASON) == [0x0111]
    assert values_of(failure, INSTANCE) == [dataset.SOPInstanceUID]
    assert Instance.objects.get().sha256 == first.sha256


def test_into_a_study_goes_only_what_belongs_to_it(program: Program) -> None:
    own = a_data_set(StudyInstanceUID="2.25.1")
    foreign = a_data_set(StudyInstanceUID="2.25.7", SeriesInstanceUID="2.25.8")

    answer = program.store([a_file(own), a_file(foreign)], path="studies/2.25.1")

    row = answer.json()
    assert answer.status_code == 202
    assert uids(row, STORED) == [own.SOPInstanceUID]
    assert uids(row, FAILED) == [foreign.SOPInstanceUID]
    assert values_of(values_of(row, FAILED)[0], REASON) == [0xA900]
    assert Study.objects.count() == 1


def test_a_single_object_needs_no_multipart(program: Program) -> None:
    assert program.post("studies", a_file(), "application/dicom").status_code == 200


def test_a_part_without_a_type_is_taken_and_a_foreign_one_is_not(program: Program) -> None:
    body = (
        b"--b0undary\r\n\r\n" + a_file() + b"\r\n"
        b"--b0undary\r\nContent-Type: image/png\r\n\r\n" + a_file() + b"\r\n--b0undary--\r\n"
    )

    answer = program.post("studies", body, KIND)

    assert answer.status_code == 202 and Instance.objects.count() == 1


def test_a_longer_line_that_begins_like_the_boundary_is_content(program: Program) -> None:
    dataset = a_data_set()
    dataset.add_new(0x00091010, "UN", b"\r\n--b0undaryX\r\nContent-Type: text/plain\r\n\r\n")
    dataset.add_new(0x00090010, "LO", "A TEST")

    assert program.store([a_file(dataset)]).status_code == 200


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"--b0undary--\r\n", KIND, 400),
        (multipart([b"", b""]), KIND, 400),
        (multipart([b"x"] * 3, "another"), KIND, 400),
        (multipart([b"x"])[:-16], KIND, 400),
        (b"--b0undary\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\nz\r\n--b0undary--", KIND, 400),
        (b"--b0undary" + b" " * 20_000 + b"\r\n\r\nz\r\n--b0undary--", KIND, 400),
        (multipart([b"x"]), 'multipart/related; type="application/dicom"', 400),
        (multipart([b"x"]), f"multipart/related; boundary={'b' * 10_240}", 400),
        (multipart([b"x"]), "multipart/related; boundary=é", 400),
        (multipart([b"x"]), 'multipart/related; type="application/dicom+xml"; boundary=b', 415),
        (multipart([b"x"]), "multipart/form-data; boundary=b0undary", 415),
        (multipart([b"x"]), "application/json", 415),
    ],
)
def test_a_body_that_is_not_as_the_standard_asks_stores_nothing(
    program: Program, body: bytes, kind: str, status: int
) -> None:
    answer = program.post("studies", body, kind)

    assert answer.status_code == status, answer.content
    assert answer.json()["error"]
    assert not Instance.objects.exists() and not Refusal.objects.exists()


def test_a_body_that_breaks_off_stores_nothing(program: Program) -> None:
    whole = multipart([a_file(InstanceNumber=number) for number in range(3)])

    for share in (0.3, 0.6, 0.99):
        assert program.post("studies", whole[: int(len(whole) * share)], KIND).status_code == 400
    assert not Instance.objects.exists()
    assert program.post("studies", whole, KIND).status_code == 200


def test_a_compressed_body_is_not_unpacked(program: Program) -> None:
    packed = gzip.compress(multipart([a_file()]))

    answer = program.post("studies", packed, KIND, **{"Content-Encoding": "gzip"})

    assert answer.status_code == 415 and not Instance.objects.exists()


def test_a_hundred_thousand_empty_parts_are_refused_quickly(program: Program) -> None:
    answer = program.post("studies", multipart([b""] * 100_000), KIND)

    assert answer.status_code == 413 and not Refusal.objects.exists()


def test_a_large_object_does_not_pass_through_memory(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hevesy.gateways.dicomweb.views import store

    monkeypatch.setattr(store, "IN_MEMORY_BYTES", 100)
    file = a_file()

    answer = program.store([file, b"x" * 300])

    assert answer.status_code == 202 and Instance.objects.count() == 1

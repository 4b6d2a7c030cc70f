"""QIDO-RS: what is found, how it is paged, and what a stranger's keys cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from hevesy.gateways.dicomweb.tests.conftest import Program, Take, values_of
from hevesy.records.archive.models import Study
from hevesy.records.archive.testing import a_file

UID, NAME, PATIENT_ID = "0020000D", "00100010", "00100020"


@pytest.fixture
def three_studies(take: Take) -> None:
    """Li Si in October, Ouyang Xue in November, Li Lei in December."""
    people = [
        ("2.25.101", "Li^Si=李^四", "NM000001", "20261005", "0815"),
        ("2.25.102", "Ouyang^Xue=欧阳^雪", "NM000002", "20261124", "101500"),
        ("2.25.103", "Li^Lei=李^雷", "NM100%_3", "20261201", "120059"),
    ]
    for uid, name, patient_id, date, time in people:
        take(
            a_file(
                SpecificCharacterSet="ISO_IR 192",
                StudyInstanceUID=uid,
                SeriesInstanceUID=f"{uid}.1",
                PatientName=name,
                PatientID=patient_id,
                StudyDate=date,
                StudyTime=time,
                AccessionNumber=f"PT26-{uid[-5:]}",
            )
        )


def found(program: Program, **query: str) -> list[str]:
    answer = program.get("studies", query)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/dicom+json"
    return sorted(values_of(row, UID)[0][-3:] for row in answer.json())


@pytest.mark.clause("12.2")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["101", "102", "103"]),
        ({"PatientName": "Li^Si"}, ["101"]),
        ({"PatientName": "li^*"}, ["101", "103"]),
        ({"PatientName": "李*"}, ["101", "103"]),
        ({"PatientName": "欧阳^雪"}, ["102"]),
        ({"PatientName": "Li^S?"}, ["101"]),
        ({"PatientName": "*Xue*"}, ["102"]),
        ({"00100010": "Li^Lei*"}, ["103"]),
        ({"PatientID": "NM000002"}, ["102"]),
        ({"PatientID": "NM00000?"}, ["101", "102"]),
        ({"PatientID": "NM100%_3"}, ["103"]),
        ({"PatientID": "NM%"}, []),
        ({"PatientID": "NM100%?3"}, ["103"]),
        ({"StudyDate": "20261124"}, ["102"]),
        ({"StudyDate": "20261101-20261231"}, ["102", "103"]),
        ({"StudyDate": "-20261124"}, ["101", "102"]),
        ({"StudyDate": "20261125-"}, ["103"]),
        ({"StudyTime": "0800-1015"}, ["101", "102"]),
        ({"StudyTime": "-1200"}, ["101", "102", "103"]),
        ({"StudyInstanceUID": "2.25.101,2.25.103"}, ["101", "103"]),
        ({"StudyInstanceUID": "2.25.101\\2.25.102"}, ["101", "102"]),
        ({"AccessionNumber": "PT26-*101"}, ["101"]),
        ({"ModalitiesInStudy": "PT"}, ["101", "102", "103"]),
        ({"ModalitiesInStudy": "CT,MR"}, []),
        ({"PatientName": "", "PatientID": "*"}, ["101", "102", "103"]),
    ],
)
def test_keys_narrow_what_is_found(
    three_studies: None, program: Program, query: dict[str, str], expected: list[str]
) -> None:
    assert found(program, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"PatientName__regex": "^Ou"},
        {"patient_name": "Ouyang^Xue"},
        {"exam__patient__name_zh": "x"},
        {"pk": "1"},
        {"order_by": "-pk"},
        {"PatientName.x": "y"},
        {"--": "1"},
        {"includefield": "all"},
        {"includefield": "00100030,PatientName"},
        {"PatientName": "*" * 150},
    ],
)
def test_keys_that_are_none_are_not_looked_at(
    three_studies: None, program: Program, query: dict[str, str]
) -> None:
    assert found(program, **query) == ["101", "102", "103"]


@pytest.mark.parametrize(
    "query",
    [
        {"StudyDate": "yesterday"},
        {"StudyDate": "20261124' OR 1=1"},
        {"limit": "ten"},
        {"limit": "-1"},
        {"offset": "1.5"},
        {"offset": "９"},
        {"PatientName": "x" * 201},
        {"StudyInstanceUID": "1." * 3000},
    ],
)
def test_a_value_that_cannot_be_matched_is_told(
    three_studies: None, program: Program, query: dict[str, str]
) -> None:
    answer = program.get("studies", query)

    assert answer.status_code == 400 and answer.json()["error"]


def test_no_pattern_takes_long(take: Take, program: Program, three_studies: None) -> None:
    """A regular expression of this kind would not end in a lifetime; LIKE must."""
    take(a_file(StudyInstanceUID="2.25.104", SeriesInstanceUID="2.25.104.1", PatientID="a" * 64))

    assert found(program, PatientID="*a" * 90 + "b") == []


def test_pages_follow_each_other_and_the_largest_is_ours(
    three_studies: None, program: Program
) -> None:
    first = program.get("studies", {"limit": "2"})
    second = program.get("studies", {"limit": "2", "offset": "2"})
    beyond = program.get("studies", {"limit": "2", "offset": "99"})
    huge = program.get("studies", {"limit": "1000000000"})

    names = [values_of(row, UID)[0] for row in first.json() + second.json()]
    assert names == ["2.25.103", "2.25.102", "2.25.101"], "the newest first"
    assert "additional results" in first["Warning"] and "Warning" not in second
    assert beyond.json() == []
    assert "limited to 1000" in huge["Warning"] and len(huge.json()) == 3


def test_fuzzy_matching_is_declined_aloud(three_studies: None, program: Program) -> None:
    answer = program.get("studies", {"fuzzymatching": "true", "PatientName": "Lee^Si"})

    assert "fuzzymatching" in answer["Warning"] and answer.json() == []


def test_a_row_says_what_a_list_needs(a_study: Study, program: Program) -> None:
    (row,) = program.get("studies").json()

    assert values_of(row, UID) == ["2.25.1"]
    assert values_of(row, NAME) == [{"Alphabetic": "Li^Si"}]
    assert values_of(row, "00080061") == ["PT", "CT"]
    assert values_of(row, "00201206") == [2] and values_of(row, "00201208") == [5]
    assert values_of(row, "00081190") == ["http://testserver/dicom-web/studies/2.25.1"]


def test_series_and_instances_are_found_below_their_study(a_study: Study, program: Program) -> None:
    series = program.get("studies/2.25.1/series").json()
    ct = program.get("studies/2.25.1/series", {"Modality": "CT"}).json()
    instances = program.get("studies/2.25.1/series/2.25.2/instances").json()
    every = program.get("studies/2.25.1/instances").json()
    one = program.get("instances", {"InstanceNumber": "2", "Modality": "CT"}).json()

    assert [values_of(row, "0020000E")[0] for row in series] == ["2.25.2", "2.25.3"]
    assert [values_of(row, "0020000E")[0] for row in ct] == ["2.25.3"]
    assert [values_of(row, "00200013")[0] for row in instances] == [1, 2, 3]
    assert len(every) == 5 and len(one) == 1
    assert program.get("studies/2.25.99/series").json() == []
    assert program.get("series", {"PatientID": "NM000001"}).json() == series


def test_only_json_is_served(a_study: Study, program: Program) -> None:
    xml = 'multipart/related; type="application/dicom+xml"'
    for accept in (
        "application/dicom+json",
        "application/json, text/plain",
        "*/*",
        "application/*",
    ):
        assert program.get("studies", accept=accept).status_code == 200
    assert program.get("studies", accept=xml).status_code == 406


def test_a_page_of_studies_is_a_few_questions(
    three_studies: None, program: Program, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        program.get("studies")
    with django_assert_max_num_queries(6):
        program.get("instances")

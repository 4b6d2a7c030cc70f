"""C-FIND on the archive: every level, every kind of matching, and what a stranger's keys cannot do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pydicom import Dataset
from pydicom.dataelem import DataElement
from pynetdicom.pdu_primitives import SOPClassExtendedNegotiation
from pynetdicom.sop_class import PatientRootQueryRetrieveInformationModelFind as PatientRoot
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as StudyRoot
from tests.integration.dicom.archived import fill, findscu, take

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.gateways.dicom import limits, status
from hevesy.records.archive import finding
from hevesy.records.archive.models import Series, Study
from hevesy.records.archive.testing import a_file
from hevesy.records.equipment.models import Device

PENDING = (status.PENDING, status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED)


@pytest.fixture
def a_reader(a_scanner: Device) -> Device:
    """The PET-CT as a workstation that may query."""
    a_scanner.dicom_rights = ["echo", "query"]
    a_scanner.save()
    return a_scanner


def identifier(level: str, /, **keys: Any) -> Dataset:
    """A query for everything that a workstation shows, narrowed by `keys`."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.QueryRetrieveLevel = level
    shown = {
        "PATIENT": ("PatientName", "PatientID", "NumberOfPatientRelatedStudies"),
        "STUDY": ("PatientName", "PatientID", "StudyDate", "StudyInstanceUID", "ModalitiesInStudy"),
        "SERIES": ("SeriesInstanceUID", "Modality", "NumberOfSeriesRelatedInstances"),
        "IMAGE": ("SOPInstanceUID", "InstanceNumber", "Rows"),
    }
    for keyword in shown[level]:
        setattr(dataset, keyword, None)
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


def ask(
    serving: Any, query: Dataset, model: str = StudyRoot, *, relational: bool = False
) -> tuple[list[Dataset], set[int], int]:
    """Answers, the pending statuses they came with, and the last status."""
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = model, b"\x01\0\0\0"
    association = serving.associate(model, ext_neg=[item] if relational else [])
    assert association.is_established
    answers, codes, last = [], set(), 0
    for code, answer in association.send_c_find(query, model):
        last = code.Status
        if last in PENDING:
            codes.add(last)
            answers.append(answer)
    association.release()
    return answers, codes, last


def studies(serving: Any, **keys: Any) -> list[str]:
    answers, _codes, last = ask(serving, identifier("STUDY", **keys))
    assert last == status.SUCCESS, hex(last)
    return sorted(str(answer.StudyInstanceUID)[-3:] for answer in answers)


@pytest.mark.clause("1.3", "12.2")
def test_all_kinds_of_matching(a_reader: Device, serving: Any) -> None:
    fill()
    everyone = ["101", "102", "103", "104"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({}, everyone),
        ({"PatientID": "*"}, everyone),
        ({"PatientID": "NM000001"}, ["101", "104"]),
        ({"PatientID": "NM00000?"}, ["101", "102", "104"]),
        ({"PatientID": "NM%"}, []),
        ({"PatientID": "NM100%_3"}, ["103"]),
        ({"PatientName": "li^*"}, ["101", "103", "104"]),
        ({"PatientName": "李*"}, ["101", "103", "104"]),
        ({"PatientName": "Li^*=*雷"}, ["103"]),
        ({"PatientName": "Ouyang*=李*"}, []),
        ({"PatientName": "=欧阳^雪"}, ["102"]),
        ({"PatientName": "Li^Si^^^"}, ["101", "104"]),
        ({"PatientName": "'; DROP TABLE archive_study; --"}, []),
        ({"StudyDate": "20261124"}, ["102"]),
        ({"StudyDate": "20261101-20261201"}, ["102", "103"]),
        ({"StudyDate": "-20261124"}, ["101", "102"]),
        ({"StudyDate": "20261201-"}, ["103", "104"]),
        ({"StudyTime": "1015"}, ["102"]),
        ({"StudyTime": "081500.000000-101500.999999"}, ["101", "102", "104"]),
        ({"StudyInstanceUID": ["2.25.101", "2.25.103", "1.2.3"]}, ["101", "103"]),
        ({"AccessionNumber": "PT26-1?2"}, ["102"]),
        ({"ModalitiesInStudy": "NM"}, ["102", "104"]),
        ({"ModalitiesInStudy": ["PT", "CT"]}, ["101", "103"]),
        ({"PatientBirthDate": "19700101", "PatientSex": "F"}, []),
    ]

    found = {str(keys): studies(serving, **keys) for keys, _expected in cases}

    assert found == {str(keys): expected for keys, expected in cases}
    assert AuditEvent.objects.filter(verb="dicom.query").count() == len(cases)


@pytest.mark.filterwarnings("ignore")
def test_values_that_cannot_be_matched_are_refused(a_reader: Device, serving: Any) -> None:
    take(a_file())
    refused = [
        identifier("STUDY", StudyDate="2026"),
        identifier("STUDY", PatientName="x" * 201),
        identifier("STUDY", StudyInstanceUID=[f"2.25.{n}" for n in range(1001)]),
        identifier("PATIENT"),
        identifier("SERIES"),
        identifier("SERIES", StudyInstanceUID=["2.25.1", "2.25.2"]),
        identifier("IMAGE", StudyInstanceUID="2.25.1"),
    ]
    strange = identifier("STUDY")
    strange.QueryRetrieveLevel = "STUDY__pk"

    ends = [ask(serving, query)[2] for query in [*refused, strange]]

    assert ends == [status.IDENTIFIER_DOES_NOT_MATCH] * len(ends)


def test_a_key_that_we_do_not_match_is_told_and_ignored(a_reader: Device, serving: Any) -> None:
    take(a_file())
    item = Dataset()
    item.RequestedProcedureID = "1"

    for query in (
        identifier("STUDY", InstitutionName="x"),
        identifier("STUDY", RequestAttributesSequence=[item]),
        identifier("STUDY", Modality="PT"),
    ):
        answers, codes, last = ask(serving, query)
        assert len(answers) == 1 and last == status.SUCCESS
        assert codes == {status.PENDING_OPTIONAL_KEYS_NOT_SUPPORTED}


def test_levels_below_and_relational(a_reader: Device, serving: Any) -> None:
    fill()

    series, _codes, _last = ask(serving, identifier("SERIES", StudyInstanceUID="2.25.101"))
    images, _codes, _last = ask(
        serving, identifier("IMAGE", StudyInstanceUID="2.25.101", SeriesInstanceUID="2.25.101.2")
    )
    nuclear, _codes, _last = ask(serving, identifier("SERIES", Modality="NM"), relational=True)
    people, _codes, _last = ask(serving, identifier("PATIENT", PatientName="Li*"), PatientRoot)
    theirs, _codes, _last = ask(serving, identifier("STUDY", PatientID="NM000001"), PatientRoot)
    nobodys = ask(serving, identifier("STUDY"), PatientRoot)[2]

    assert [str(one.SeriesInstanceUID) for one in series] == ["2.25.101.1", "2.25.101.2"]
    assert [one.NumberOfSeriesRelatedInstances for one in series] == [2, 2]
    assert [(str(one.SOPInstanceUID), one.Rows) for one in images] == [
        ("2.25.101.2.1", 8),
        ("2.25.101.2.2", 8),
    ]
    assert {str(one.StudyInstanceUID) for one in nuclear} == {"2.25.102", "2.25.104"}
    assert [(one.PatientID, one.NumberOfPatientRelatedStudies) for one in people] == [
        ("NM000001", 2),
        ("NM100%_3", 1),
    ]
    assert len(theirs) == 2
    assert nobodys == status.IDENTIFIER_DOES_NOT_MATCH


@pytest.mark.parametrize(
    ("character_set", "name", "description"),
    [
        ("ISO_IR 192", "Li^Si=李^四", "PET 全身"),
        ("GB18030", "Li^Si=李^四", "PET 全身"),
        ("ISO_IR 6", "Li^Si", "PET quan shen"),
    ],
)
def test_in_the_character_set_of_the_device(
    a_reader: Device, serving: Any, character_set: str, name: str, description: str
) -> None:
    a_reader.character_set = character_set
    a_reader.save()
    take(
        a_file(
            SpecificCharacterSet="ISO_IR 192",
            PatientName="Li^Si=李^四",
            StudyDescription="PET 全身",
        )
    )
    query = identifier("STUDY", StudyDescription="")
    query.SpecificCharacterSet = "ISO_IR 100"
    query[0x00100010] = DataElement(0x00100010, "UN", "李*".encode("gb18030"))

    [answer], _codes, _last = ask(serving, query)

    assert str(answer.PatientName) == name and answer.StudyDescription == description
    assert answer.get("SpecificCharacterSet", "ISO_IR 6") == character_set


def test_a_growing_study_is_counted_as_it_stands(a_reader: Device, serving: Any) -> None:
    take(a_file(SOPInstanceUID="2.25.9.1"))
    take(a_file(SOPInstanceUID="2.25.9.2", SeriesInstanceUID="2.25.3", Modality="CT"))
    query = identifier("STUDY", NumberOfStudyRelatedSeries=None, NumberOfStudyRelatedInstances=None)

    [answer], _codes, _last = ask(serving, query)

    assert (answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (2, 2)
    assert list(answer.ModalitiesInStudy) == ["CT", "PT"]


def test_there_is_a_limit_and_a_cancel(
    a_reader: Device, serving: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill()
    monkeypatch.setattr(limits, "QUERY_MATCHES", 3)

    answers, _codes, last = ask(serving, identifier("STUDY"))
    association = serving.associate(StudyRoot)
    codes = []
    for code, _answer in association.send_c_find(identifier("STUDY"), StudyRoot, msg_id=7):
        codes.append(code.Status)
        if len(codes) == 1:
            association.send_c_cancel(7, query_model=StudyRoot)
    association.release()

    assert len(answers) == 3 and last == status.OUT_OF_RESOURCES
    assert codes[-1] in (status.CANCEL, status.OUT_OF_RESOURCES)


@pytest.mark.parametrize("rights", [["echo", "store", "worklist"], ["retrieve", "move"]])
def test_without_the_right_there_is_no_query(
    a_reader: Device, serving: Any, rights: list[str]
) -> None:
    a_reader.dicom_rights = rights
    a_reader.save()

    association = serving.associate(StudyRoot, PatientRoot)

    assert not association.is_established


@pytest.mark.django_db
def test_queries_do_not_grow_with_the_answers() -> None:
    by = system_actor("test", "archive.view")
    Study.objects.bulk_create(
        Study(study_instance_uid=f"2.25.{n}", last_received_at="2026-11-24T00:00:00Z")
        for n in range(50)
    )
    Series.objects.bulk_create(
        Series(study=study, series_instance_uid=f"{study}.1", modality="PT")
        for study in Study.objects.all()
    )

    with CaptureQueriesContext(connection) as captured:
        found = list(finding.find_series(by, {"Modality": "PT"}))
        finding.count_growing([one.study for one in found], found)

    assert len(found) == 50 and len(captured) == 2


@pytest.mark.peer
@pytest.mark.clause("12.2")
def test_findscu_at_each_level(a_reader: Device, a_process: Any, tmp_path: Any) -> None:
    fill()
    a_process.start()
    find = lambda *arguments: findscu(a_process.port, tmp_path / "rsp", *arguments)  # noqa: E731

    patients = find("-P", "QueryRetrieveLevel=PATIENT", "PatientID=NM0*", "PatientName")
    of_a_day = find(
        "-S", "QueryRetrieveLevel=STUDY", "StudyDate=20261101-20261130", "StudyInstanceUID",
        "PatientName", "ModalitiesInStudy", "NumberOfStudyRelatedInstances",
    )  # fmt: skip
    series = find(
        "-S", "QueryRetrieveLevel=SERIES", "StudyInstanceUID=2.25.102", "SeriesInstanceUID",
        "Modality",
    )  # fmt: skip
    images = find(
        "-P", "QueryRetrieveLevel=IMAGE", "PatientID=NM000002", "StudyInstanceUID=2.25.102",
        "SeriesInstanceUID=2.25.102.1", "SOPInstanceUID", "InstanceNumber",
    )  # fmt: skip

    assert [one.PatientID for one in patients] == ["NM000001", "NM000002"]
    [study] = of_a_day
    assert str(study.PatientName) == "Ouyang^Xue=欧阳^雪"
    assert set(study.ModalitiesInStudy) == {"NM", "OT"}
    assert study.NumberOfStudyRelatedInstances == 4 and study.RetrieveAETitle == "HEVESY"
    assert [one.Modality for one in series] == ["NM", "OT"]
    assert [one.InstanceNumber for one in images] == [1, 2]
    assert a_process.stop() == 0

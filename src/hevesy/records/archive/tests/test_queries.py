from datetime import date

import pytest
from pydicom.dataset import Dataset

from hevesy.foundation.accounts.actors import PermissionRefused, system_actor
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.queries import open_data_set, search_studies, visible_studies
from hevesy.records.archive.testing import a_file, data_set_bytes

pytestmark = pytest.mark.django_db

SENDER = system_actor("dicom:PET1", "archive.store")
READER = system_actor("a reader", "archive.view")


def drug(name: str) -> list[Dataset]:
    item = Dataset()
    item.Radiopharmaceutical = name
    return [item]


@pytest.fixture
def three_studies():
    """An FDG PET/CT that is attenuation-corrected, a bone scan that is not, and a PET without drug."""
    for file in (
        a_file(
            StudyInstanceUID="2.25.1",
            SeriesInstanceUID="2.25.1.1",
            StudyDate="20261101",
            PatientName="Shan^Xiongxin",
            ManufacturerModelName="Biograph Vision",
            CorrectedImage=["DECY", "ATTN"],
            RadiopharmaceuticalInformationSequence=drug("FDG -- fluorodeoxyglucose"),
        ),
        a_file(StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.1.2", Modality="CT"),
        a_file(
            StudyInstanceUID="2.25.2",
            SeriesInstanceUID="2.25.2.1",
            StudyDate="20261110",
            Modality="NM",
            PatientName="Wang^Fang",
            RadiopharmaceuticalInformationSequence=drug("MDP"),
        ),
        a_file(
            StudyInstanceUID="2.25.3",
            SeriesInstanceUID="2.25.3.1",
            StudyDate="20261120",
            SpecificCharacterSet="GB18030",
            PatientName="Li^Si=李^四",
            PatientID="NM000777",
        ),
    ):
        receive(file, by=SENDER)


@pytest.mark.clause("1.8")
@pytest.mark.usefixtures("three_studies")
@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({}, ["2.25.3", "2.25.2", "2.25.1"]),
        ({"text": "shan"}, ["2.25.1"]),
        ({"text": "李"}, ["2.25.3"]),
        ({"text": "NM0007"}, ["2.25.3"]),
        ({"text": "li NM000777"}, ["2.25.3"]),
        ({"text": "%"}, []),
        ({"modality": "CT"}, ["2.25.1"]),
        ({"drug": "fdg"}, ["2.25.1"]),
        ({"drug": "fdg", "modality": "CT"}, []),
        ({"scanner": "vision"}, ["2.25.1"]),
        ({"attenuation_corrected": True}, ["2.25.1"]),
        ({"attenuation_corrected": False, "modality": "NM"}, ["2.25.2"]),
        ({"first": date(2026, 11, 10), "last": date(2026, 11, 19)}, ["2.25.2"]),
        ({"matched": True}, []),
        ({"matched": False, "modality": "NM"}, ["2.25.2"]),
    ],
)
def test_studies_are_found_by_what_their_headers_say(condition, found):
    studies = search_studies(READER, **condition)

    assert [study.study_instance_uid for study in studies] == found


def test_nobody_sees_studies_without_the_right():
    with pytest.raises(PermissionRefused):
        visible_studies(SENDER)


def test_the_data_set_is_read_as_it_was_received():
    file = a_file()
    receive(file, by=SENDER)

    with open_data_set(Instance.objects.get()) as data_set:
        assert data_set.read() == data_set_bytes(file)
    assert Study.objects.count() == 1

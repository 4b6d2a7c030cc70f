"""What a new department starts with: complete, consistent, checked against DICOM's own code lists."""

import pytest
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr.codedict import codes

from hevesy.foundation.accounts.seeding import run_seeders
from hevesy.imaging.nuclides import NUCLIDES
from hevesy.records.catalogue.models import (
    BodyPart,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    Nuclide,
    Policy,
    ReportTemplate,
    Tracer,
)
from hevesy.records.catalogue.numbering import shape
from hevesy.records.equipment.models import Device
from hevesy.records.exams.questions import TYPES
from hevesy.records.exams.scheduling import place

pytestmark = pytest.mark.django_db


@pytest.fixture
def seeded(db):
    run_seeders()


def dicom_codes(*cids):
    found = {}
    for cid in cids:
        for keywords in cid_concepts[cid].values():
            for keyword in keywords:
                code = getattr(getattr(codes, f"cid{cid}"), keyword)
                found[code.value, code.scheme_designator] = code.meaning
    return found


@pytest.mark.clause("2.1")
@pytest.mark.clause("10.15")
def test_a_new_department_has_its_classes_items_and_devices(seeded):
    names = set(ModalityClass.objects.values_list("name_zh", flat=True))
    assert {"核素治疗", "骨密度", "ECT", "SPECT-CT", "PET-CT"} <= names
    assert ExamItem.objects.count() >= 49
    assert Device.objects.filter(kind="scanner").count() >= 6
    assert ReportTemplate.objects.filter(code="default").exists()


def test_seeding_twice_makes_nothing_and_overwrites_nothing(seeded):
    ExamItem.objects.filter(code="fdg-body").update(name_zh="本科名称")
    Policy.objects.filter(key="hospital.name").update(value="某医院")

    assert run_seeders() == []
    assert ExamItem.objects.get(code="fdg-body").name_zh == "本科名称"
    assert Policy.objects.get(key="hospital.name").value == "某医院"


def test_half_lives_are_those_of_the_imaging_library(seeded):
    for symbol, nuclide in NUCLIDES.items():
        assert Nuclide.objects.get(code=symbol).half_life_s == nuclide.half_life_s


def test_tracer_and_nuclide_codes_are_dicoms(seeded):
    tracers = dicom_codes(25, 4021)
    for tracer in Tracer.objects.exclude(dicom_code={}):
        code = tracer.dicom_code
        key = code["CodeValue"], code["CodingSchemeDesignator"]
        assert tracers[key] == code["CodeMeaning"], tracer.code
    nuclides = dicom_codes(18, 4020)
    for nuclide in Nuclide.objects.exclude(dicom_code={}):
        assert (nuclide.dicom_code["CodeValue"], "SCT") in nuclides, nuclide.code


def test_body_part_codes_are_dicoms(seeded):
    known = dicom_codes(4, 4028, 4030)
    for part in BodyPart.objects.exclude(snomed=""):
        assert (part.snomed, "SCT") in known, part.code


def test_every_item_can_be_placed_on_its_devices(seeded):
    """Every item finds a day in an empty calendar that is open every day."""
    from datetime import timedelta

    from hevesy.records.exams.queries.calendars import calendars, devices_for, phases_of, reach
    from hevesy.records.exams.testing import at

    Policy.objects.filter(key="booking.open_weekdays").update(value=list(range(7)))
    for item in ExamItem.objects.all():
        devices = devices_for(item)
        phases = phases_of(item, devices)
        assert all(phase.devices for phase in phases), item.code
        books = calendars(devices, at(0), at(0) + timedelta(days=8) + reach(phases))
        assert place(phases, at(9), books) is not None, item.code


def test_windows_surround_their_targets_and_limits_their_activity(seeded):
    for phase in ItemPhase.objects.exclude(uptake_min=None):
        assert phase.uptake_earliest_min <= phase.uptake_min <= phase.uptake_latest_min
    for phase in ItemPhase.objects.exclude(activity_min_mbq=None):
        assert phase.activity_min_mbq <= phase.activity_mbq <= phase.activity_max_mbq


def test_texts_are_there_in_both_languages(seeded):
    for item in ExamItem.objects.all():
        assert item.preparation_zh
        assert item.preparation_en
    for template in InterviewTemplate.objects.all():
        keys = [q["key"] for q in template.questions if q["type"] != "section"]
        assert len(keys) == len(set(keys)), template.code
        for question in template.questions:
            assert question["label_zh"]
            assert question["label_en"]
            assert question["type"] in TYPES
            assert question["type"] not in ("choice", "choices") or question["options"]


def test_no_two_classes_can_give_the_same_number(seeded):
    shapes = [shape(row.number_template) for row in ModalityClass.objects.all()]
    assert len(shapes) == len(set(shapes))


def test_network_peers_are_made_for_the_demo_only(settings):
    settings.DEMO = False
    run_seeders()
    assert not Device.objects.exclude(ae_title=None).exists()
    assert not Device.objects.filter(code="demo-scu").exists()

    settings.DEMO = True
    Device.objects.all().delete()
    run_seeders()
    node = Device.objects.get(ae_title="DEMOSCU")
    assert node.is_demo
    assert node.address == "127.0.0.1"
    assert "store" in node.dicom_rights

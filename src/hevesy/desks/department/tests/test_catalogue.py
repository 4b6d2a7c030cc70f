"""Classes, items, entries and questions: what is decided on these pages works without code."""

import re

import pytest

from hevesy.desks.department.tests.pages import NEW_CLASS, NEW_DEVICE, complaints, text_of
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.catalogue.models import (
    BodyPart,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    ReportTemplate,
)
from hevesy.records.exams.actions import book_exam
from hevesy.records.exams.queries import worklist
from hevesy.records.exams.queries.statistics import counted
from hevesy.records.exams.testing import TUESDAY, at

NEW_ITEM = {
    "code": "pet-mr-brain",
    "name_zh": "PET-MR 脑显像",
    "name_en": "PET-MR of the brain",
    "sort": "1",
    "active": "on",
    "scan_min": "30",
    "preparation_zh": "去除金属。",
    "preparation_en": "No metal.",
    "source": "",
    "p-TOTAL_FORMS": "1",
    "p-INITIAL_FORMS": "0",
    "p-MIN_NUM_FORMS": "0",
    "p-MAX_NUM_FORMS": "12",
    "p-0-name_zh": "",
    "p-0-name_en": "",
    "p-0-administers": "on",
    "p-0-acquires": "on",
    "p-0-activity_mbq": "185",
    "p-0-uptake_min": "45",
    "p-0-uptake_earliest_min": "40",
    "p-0-uptake_latest_min": "60",
}


@pytest.mark.clause("2.1", "6.1")
@pytest.mark.clause("1.8")
@pytest.mark.clause("10.17")
def test_a_class_added_on_a_page_flows_through_numbering_worklist_report_and_statistics(
    head, the_desk, a_patient
):
    head.post("/department/classes/new/", NEW_CLASS)
    added = ModalityClass.objects.get(code="pet-mr-2")
    tracer = ItemPhase.objects.filter(item__code="fdg-brain").get().tracer
    answer = head.post(
        "/department/items/new/",
        NEW_ITEM | {"modality_class": added.pk, "p-0-tracer": tracer.pk},
    )
    assert answer.status_code == 302, complaints(answer)
    answer = head.post("/department/devices/new/", NEW_DEVICE | {"modality_classes": [added.pk]})
    assert answer.status_code == 302, complaints(answer)

    item = ExamItem.objects.get(code="pet-mr-brain")
    exam = book_exam(the_desk, patient=a_patient, item=item, starts_at=at(10))

    assert exam.number == "XM2611-0001"
    step = worklist(ae_title="PETMRA", first=TUESDAY, last=TUESDAY).get()
    assert step.exam == exam
    assert step.device.character_set == "GB18030"
    assert step.exam.modality_class.dicom_modalities[0] == "PT"
    assert exam.modality_class.report_kind == "imaging"
    lines = {line.name: line for line in counted(the_desk, "modality_class", TUESDAY, TUESDAY)}
    assert lines["一体化 PET-MR"].counts["waiting"] == 1
    assert "一体化 PET-MR" in text_of(head.get("/department/statistics/"))
    assert "一体化 PET-MR" in text_of(head.get("/registration/"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number_template": "XM{seq:05}"}, "重复"),
        ({"number_template": "PT{yy}-{seq:05}", "number_reset": "yearly"}, "PET-CT"),
        ({"number_template": "{yyyy}{mm}{dd}XXXX-{seq:06}"}, "16"),
        ({"code": "pet-ct"}, "pet-ct"),
        ({"code": "../etc"}, "代码"),
        ({"dicom_modalities": "核"}, "DICOM"),
    ],
)
def test_a_class_that_cannot_work_is_refused_with_a_reason(head, changes, sentence):
    before = ModalityClass.objects.count()

    answer = head.post("/department/classes/new/", NEW_CLASS | changes)

    assert answer.status_code == 400
    assert sentence in text_of(answer)
    assert ModalityClass.objects.count() == before


def test_the_numbering_is_shown_while_it_is_typed(head):
    shown = text_of(
        head.get(
            "/department/classes/preview/",
            {"number_template": "PT{yy}-{seq:05}", "number_reset": "yearly"},
        )
    )
    assert "PT26-01873" in shown
    assert "hv-note" in text_of(
        head.get("/department/classes/preview/", {"number_template": "{x}", "number_reset": "?"})
    )


def test_issued_numbers_stay_when_the_numbering_changes(head, the_desk, a_patient):
    item = ExamItem.objects.get(code="fdg-body")
    exam = book_exam(the_desk, patient=a_patient, item=item)
    row = ModalityClass.objects.get(code="pet-ct")

    head.post(
        "/department/classes/pet-ct/",
        NEW_CLASS
        | {
            "name_zh": "PET-CT",
            "name_en": "PET-CT",
            "number_template": "P{yyyy}{seq:06}",
            "number_reset": "yearly",
        },
    )

    row.refresh_from_db()
    assert row.code == "pet-ct"  # a code is chosen once
    assert row.number_template == "P{yyyy}{seq:06}"
    exam.refresh_from_db()
    assert exam.number == "PT26-00001"
    assert book_exam(the_desk, patient=a_patient, item=item).number == "P2026000002"


@pytest.mark.clause("10.15")
def test_an_item_is_changed_and_makes_a_new_version(head):
    item = ExamItem.objects.get(code="fdg-body")
    page = text_of(head.get("/department/items/fdg-body/"))
    phase = item.phases.get()
    assert str(phase.pk) in page

    answer = head.post(
        "/department/items/fdg-body/",
        NEW_ITEM
        | {
            "name_zh": item.name_zh,
            "name_en": item.name_en,
            "modality_class": item.modality_class_id,
            "p-INITIAL_FORMS": "1",
            "p-0-id": phase.pk,
            "p-0-tracer": phase.tracer_id,
            "p-0-activity_mbq": "259",
            "p-0-activity_mbq_per_kg": "4.0",
            "p-0-uptake_min": "60",
            "p-0-uptake_earliest_min": "55",
            "p-0-uptake_latest_min": "90",
        },
    )

    assert answer.status_code == 302, complaints(answer)
    item.refresh_from_db()
    phase.refresh_from_db()
    assert item.version > 1
    assert phase.activity_mbq_per_kg == 4
    assert AuditEvent.objects.filter(verb="catalogue.change").exists()


def test_an_item_whose_phases_make_no_sense_is_refused(head):
    added = ModalityClass.objects.get(code="pet-ct")

    answer = head.post(
        "/department/items/new/",
        NEW_ITEM | {"modality_class": added.pk, "p-0-uptake_earliest_min": "90"},
    )

    assert answer.status_code == 400
    assert not ExamItem.objects.filter(code="pet-mr-brain").exists()


def test_a_copied_item_begins_like_its_model(head):
    page = text_of(head.get("/department/items/new/?copy=mpi-one-day"))

    assert "mpi-one-day-2" in page
    assert 'value="296' in page


@pytest.mark.clause("10.13", "10.14")
def test_body_parts_rooms_tracers_and_templates_are_kept_on_pages(head):
    for kind in (
        "classes",
        "tracers",
        "rooms",
        "parts",
        "interviews",
        "templates",
        "colours",
        "queues",
        "screens",
        "phrases",
    ):
        assert head.get(f"/department/{kind}/").status_code == 200
    head.post(
        "/department/parts/new/",
        {
            "code": "knee",
            "name_zh": "膝",
            "name_en": "Knee",
            "sort": "1",
            "active": "on",
            "parent": BodyPart.objects.get(code="extremity").pk,
            "snomed": "72696002",
            "dicom_body_part": "KNEE",
        },
    )
    assert BodyPart.objects.get(code="knee").parent.code == "extremity"
    loop = head.post(
        "/department/parts/extremity/",
        {
            "name_zh": "四肢",
            "name_en": "Extremities",
            "sort": "1",
            "active": "on",
            "parent": BodyPart.objects.get(code="knee").pk,
        },
    )
    assert loop.status_code == 400
    head.post(
        "/department/templates/default/",
        {
            "name_zh": "通用报告",
            "name_en": "General",
            "sort": "1",
            "active": "on",
            "technique": "方法 {{tracer}}",
            "findings": "所见",
            "impression": "印象",
        },
    )
    assert ReportTemplate.objects.get(code="default").sections["findings"] == "所见"
    assert head.get("/department/nothing/").status_code == 404
    assert head.get("/department/colours/new/").status_code == 404


@pytest.mark.clause("5.2")
def test_questions_are_edited_and_answers_keep_theirs(head):
    template = InterviewTemplate.objects.get(code="core")
    page = text_of(head.get("/department/interviews/core/"))
    names = re.findall(r'name="(q-[^"]+)"', page)
    assert f"q-{len(template.questions) - 1}-key" in names

    answer = head.post(
        "/department/interviews/core/",
        {
            "name_zh": "通用",
            "name_en": "Core",
            "sort": "1",
            "active": "on",
            "q-TOTAL_FORMS": "2",
            "q-INITIAL_FORMS": "0",
            "q-MIN_NUM_FORMS": "0",
            "q-MAX_NUM_FORMS": "200",
            "q-0-key": "weight_kg",
            "q-0-type": "number",
            "q-0-label_zh": "体重",
            "q-0-label_en": "Weight",
            "q-0-unit": "kg",
            "q-0-min": "1",
            "q-0-max": "300",
            "q-0-required": "on",
            "q-1-key": "pain",
            "q-1-type": "choice",
            "q-1-label_zh": "疼痛",
            "q-1-label_en": "Pain",
            "q-1-options": "no|无|no\nyes|有|yes",
        },
    )

    assert answer.status_code == 302, complaints(answer)
    template.refresh_from_db()
    assert template.version == 2
    assert template.questions[1]["options"][1] == {
        "value": "yes",
        "label_zh": "有",
        "label_en": "yes",
    }

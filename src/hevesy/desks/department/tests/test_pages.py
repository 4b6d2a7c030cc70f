"""The department's pages: what is decided there works without code."""

import re
from datetime import date

import pytest

from hevesy.foundation.accounts.seeding import run_seeders
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.ui.models import LiveEvent
from hevesy.records.catalogue.models import (
    BodyPart,
    ExamItem,
    InterviewTemplate,
    ItemPhase,
    ModalityClass,
    Policy,
    ReportTemplate,
    Room,
)
from hevesy.records.equipment.models import Device
from hevesy.records.exams.actions import book_exam, cancel_exam, mark_arrived, move_step
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import worklist
from hevesy.records.exams.queries.statistics import DIMENSIONS, GROUPS, counted
from hevesy.records.exams.testing import TUESDAY, at
from hevesy.records.queues.models import Phrase, Screen, ServicePoint, Ticket


def text_of(response):
    return response.content.decode()


def complaints(response):
    """What a refused form says."""
    found = re.findall(
        r"(?:errorlist|is-bad|hv-note-text)[^>]*>(.*?)</(?:ul|div)>", text_of(response)
    )
    return [re.sub(r"<[^>]+>", "", part) for part in found]


@pytest.fixture
def head(tuesday_morning, a_head, client_of):
    """The head's browser, in a seeded department."""
    run_seeders()
    return client_of(a_head)


NEW_CLASS = {
    "code": "pet-mr-2",
    "name_zh": "一体化 PET-MR",
    "name_en": "Integrated PET-MR",
    "sort": "20",
    "active": "on",
    "number_template": "XM{yy}{mm}-{seq:04}",
    "number_reset": "monthly",
    "dicom_modalities": "PT, MR",
    "report_kind": "imaging",
}
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
NEW_DEVICE = {
    "code": "pet-mr-a",
    "name_zh": "PET-MR 甲",
    "name_en": "PET-MR A",
    "sort": "30",
    "active": "on",
    "kind": "scanner",
    "ae_title": "PETMRA",
    "address": "10.0.0.7",
    "port": "104",
    "character_set": "GB18030",
    "dicom_rights": ["echo", "store", "worklist", "mpps"],
    "slot_min": "10",
    "opens_at": "08:00",
    "closes_at": "18:00",
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


@pytest.mark.clause("1.8")
@pytest.mark.parametrize(
    "changes",
    [
        {"ae_title": "A\\B"},
        {"ae_title": "A" * 17},
        {"port": "70000"},
        {"address": "not an address"},
        {"opens_at": "18:00", "closes_at": "08:00"},
        {"ae_title": ""},
        {"character_set": "EBCDIC"},
        {"dicom_rights": ["everything"]},
    ],
)
def test_a_device_that_cannot_work_is_refused(head, changes):
    answer = head.post("/department/devices/new/", NEW_DEVICE | changes)

    assert answer.status_code == 400
    assert not Device.objects.filter(code="pet-mr-a").exists()


@pytest.mark.clause("10.6")
def test_what_is_booked_on_a_broken_device_is_listed_for_rescheduling(head, the_desk, a_patient):
    item = ExamItem.objects.get(code="fdg-body")
    device = Device.objects.get(code="pet-ct-1")
    exam = book_exam(the_desk, patient=a_patient, item=item, device=device, starts_at=at(10))

    head.post("/department/devices/pet-ct-1/service/", {"availability": "down", "reason": ""})
    device.refresh_from_db()
    assert device.availability == "in_service"
    head.post("/department/devices/pet-ct-1/service/", {"availability": "down", "reason": "球管"})

    assert exam.number in text_of(head.get("/department/devices/pet-ct-1/"))
    assert AuditEvent.objects.filter(verb="device.availability").exists()


def test_policies_keep_their_kind_and_tell_who_approved_them(head, a_head):
    limit = Policy.objects.get(key="interview.glucose_limit_mmol_l")

    head.post(
        f"/department/policies/{limit.pk}/",
        {"value": "10.5", "source": "科室决定", "effective_from": "2026-12-01"},
    )
    limit.refresh_from_db()
    assert (limit.value, limit.approved_by) == (10.5, a_head.name_zh)
    assert limit.effective_from == date(2026, 12, 1)

    answer = head.post(f"/department/policies/{limit.pk}/", {"value": "high"})
    assert answer.status_code == 400
    days = Policy.objects.get(key="booking.closed_days")
    assert head.post(f"/department/policies/{days.pk}/", {"value": '{"a": 1}'}).status_code == 400


def test_who_may_only_read_reads_and_who_may_not_does_not(client_of, a_registrar, an_auditor):
    run_seeders()
    desk, auditor = client_of(a_registrar), client_of(an_auditor)
    assert desk.get("/department/items/").status_code == 200
    for url in ("/department/items/new/", "/department/classes/new/", "/department/devices/"):
        assert desk.get(url).status_code == 403
        assert desk.post(url, NEW_CLASS).status_code in (403, 405)
    assert auditor.get("/department/items/").status_code == 403
    assert desk.get("/department/statistics/").status_code == 403


@pytest.mark.clause("10.17")
def test_every_number_of_the_statistics_is_the_length_of_its_list(head, the_desk, a_patient):
    for n, code in enumerate(("fdg-body", "bone-spect-ct", "bmd", "fdg-brain", "fdg-body")):
        item = ExamItem.objects.get(code=code)
        exam = book_exam(the_desk, patient=a_patient, item=item, starts_at=at(11 + n))
        if n == 0:
            cancel_exam(the_desk, exam, "试")
        if n == 2:
            mark_arrived(the_desk, exam)
            Exam.objects.filter(pk=exam.pk).update(visit_state="interviewed")
            move_step(the_desk, exam.steps.get(), "start")
    page = text_of(head.get("/department/statistics/?from=2026-11-24&to=2026-11-24"))
    links = re.findall(r'<a href="(/registration/search/\?[^"]+)">(?:<b>)?(\d+)', page)
    assert len(links) > 8

    for url, count in links:
        found = text_of(head.get(url.replace("&amp;", "&"), HTTP_HX_REQUEST="true"))
        number = re.search(r'<b class="hv-n[^"]*">(\d+)</b>', found)
        assert number, url
        assert number[1] == count, url


def test_the_groups_of_the_statistics_hold_every_state_once(the_desk, an_exam):
    from hevesy.records.exams.states import STATES

    grouped = [state for _word, states in GROUPS.values() for state in states]
    assert sorted(grouped) == sorted(STATES)
    for dimension in DIMENSIONS:
        assert counted(the_desk, dimension, TUESDAY, TUESDAY) is not None


A_QUEUE = {
    "code": "bone", "name_zh": "骨密度检查", "name_en": "Bone density", "sort": "20", "active": "on",
    "kind": "scanner", "prefix": "HX", "purpose_zh": "检查", "purpose_en": "for the scan",
}  # fmt: skip


@pytest.mark.clause("3.3")
def test_a_queue_is_set_up_and_its_letters_are_its_own(head):
    room = Room.objects.create(code="bone1", name_zh="骨密度室", name_en="DXA", kind="scanner")

    made = head.post("/department/queues/new/", A_QUEUE | {"rooms": [room.pk]})
    assert made.status_code == 302
    point = ServicePoint.objects.get(code="bone")
    assert list(point.rooms.all()) == [room] and point.purpose_zh == "检查"
    assert AuditEvent.objects.get(verb="catalogue.add").subject_type == "queues.servicepoint"
    assert LiveEvent.objects.filter(topic="wall").exists()
    assert "骨密度室" in text_of(head.get("/department/queues/"))

    for wrong, said in [
        ({"code": "bone2"}, "开头"),
        ({"code": "bone2", "prefix": "b1"}, "大写字母"),
        ({"code": "bone.2", "prefix": "Q"}, "代码"),
    ]:
        refused = head.post("/department/queues/new/", A_QUEUE | wrong)
        assert refused.status_code == 400 and said in "".join(complaints(refused))
    assert ServicePoint.objects.filter(name_zh="骨密度检查").count() == 1


def test_a_queue_in_which_somebody_waits_is_not_taken_away(head, an_exam):
    point = ServicePoint.objects.create(
        code="bone", name_zh="骨密度检查", name_en="Bone", kind="scanner", prefix="HX"
    )
    Ticket.objects.create(
        exam=an_exam, service_point=point, day=TUESDAY, number="HX001", state="waiting",
        rank_at=at(9),
    )  # fmt: skip
    closing = {name: value for name, value in A_QUEUE.items() if name != "active"}

    refused = head.post("/department/queues/bone/", closing)
    assert refused.status_code == 400 and "骨密度检查" in "".join(complaints(refused))
    Ticket.objects.update(state="done")
    assert head.post("/department/queues/bone/", closing).status_code == 302
    assert not ServicePoint.objects.get(code="bone").active


@pytest.mark.clause("3.3", "3.4")
def test_what_the_wall_says_and_what_is_announced_is_decided_here(head):
    point = ServicePoint.objects.create(
        code="inj", name_zh="注射", name_en="Injection", prefix="ZZ"
    )
    screen = {
        "code": "hall", "name_zh": "核医学科", "name_en": "NM", "sort": "1", "active": "on",
        "place_zh": "大厅", "service_points": [point.pk], "notice_zh": "请保持安静\n过号请登记",
        "ticker_zh": "请多饮水",
    }  # fmt: skip
    phrase = {
        "code": "wait",
        "name_zh": "请稍候",
        "name_en": "Please wait",
        "sort": "1",
        "active": "on",
    }

    assert head.post("/department/screens/new/", screen).status_code == 302
    assert head.post("/department/phrases/new/", phrase).status_code == 302
    row = Screen.objects.get(code="hall")
    assert list(row.service_points.all()) == [point] and row.ticker_zh == "请多饮水"
    assert Phrase.objects.get(code="wait").name == "请稍候"
    shown = text_of(head.get("/department/screens/hall/"))
    assert "请保持安静" in shown and "大厅" in shown


def test_who_only_reads_the_catalogue_changes_no_queue(client_of, a_nurse):
    desk = client_of(a_nurse)

    assert desk.get("/department/queues/").status_code == 200
    assert desk.post("/department/queues/new/", A_QUEUE).status_code == 403
    assert not ServicePoint.objects.exists()

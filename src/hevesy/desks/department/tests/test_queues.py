"""Queues, the wall and what is announced, as the department sets them up."""

import pytest

from hevesy.desks.department.tests.pages import complaints, text_of
from hevesy.foundation.audit.models import AuditEvent
from hevesy.foundation.ui.models import LiveEvent
from hevesy.records.catalogue.models import (
    Room,
)
from hevesy.records.exams.testing import TUESDAY, at
from hevesy.records.queues.models import Phrase, Screen, ServicePoint, Ticket

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

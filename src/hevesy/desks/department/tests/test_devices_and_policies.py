"""Devices, policies, and who may change what."""

from datetime import date

import pytest

from hevesy.desks.department.tests.pages import NEW_CLASS, NEW_DEVICE, text_of
from hevesy.foundation.accounts.seeding import run_seeders
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.catalogue.models import (
    ExamItem,
    Policy,
)
from hevesy.records.equipment.models import Device
from hevesy.records.exams.actions import book_exam
from hevesy.records.exams.testing import at


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

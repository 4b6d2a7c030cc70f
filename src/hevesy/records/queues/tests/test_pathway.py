"""The ticket follows the exam from queue to queue (clause 3.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hevesy.records.catalogue.models import ModalityClass
from hevesy.records.queues import actions, states
from hevesy.records.queues.models import ServicePoint, Ticket
from hevesy.records.queues.seeding import seed
from hevesy.records.queues.tests.conftest import NINE

pytestmark = [pytest.mark.django_db, pytest.mark.clause("3.1")]


def happen(exam, *, visit=None, step=None, **fields):
    """Something happens to the exam, as core's actions would write it, and the queue follows."""
    if visit:
        exam.visit_state = visit
        exam.save()
    if step:
        row = exam.steps.get(number=step)
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()
    return actions.follow(exam)


def open_ticket(exam):
    return Ticket.objects.get(exam=exam, state__in=states.OPEN)


def test_from_arrival_to_the_end(at_nine, a_patient_here):
    exam = a_patient_here()
    assert happen(exam, visit="arrived").service_point.code == "interview"
    assert happen(exam, visit="interviewed").service_point.code == "injection"
    given = NINE + timedelta(minutes=5)
    scanner = happen(exam, step=1, state="administered", administered_at=given)
    assert scanner.service_point.code == "scan-petct"
    assert scanner.rank_at == given + timedelta(minutes=60)
    assert scanner.not_before == given + timedelta(minutes=55)
    assert happen(exam, step=1, state="acquiring").state == states.SERVING
    assert happen(exam, step=1, state="acquired") is None
    assert not Ticket.objects.filter(exam=exam, state__in=states.OPEN).exists()
    assert list(exam.tickets.order_by("id").values_list("state", flat=True)) == ["done"] * 3


def test_rest_and_stress_go_round_twice(at_nine, a_patient_here):
    exam = a_patient_here(steps=2, state="interviewed")
    way = []
    for number in (1, 2):
        way.append(happen(exam, visit="interviewed").service_point.code)
        happen(exam, step=number, state="administered", administered_at=NINE)
        way.append(open_ticket(exam).service_point.code)
        happen(exam, step=number, state="acquired")
    assert way == ["injection", "scan-petct"] * 2


def test_a_delayed_picture_waits_from_the_same_injection(at_nine, a_patient_here):
    exam = a_patient_here(steps=2, state="interviewed")
    exam.steps.filter(number=2).update(administers=False, uptake_min=120, uptake_earliest_min=110)
    happen(exam, step=1, state="administered", administered_at=NINE)
    delayed = happen(exam, step=1, state="acquired")
    assert delayed.service_point.code == "scan-petct"
    assert delayed.rank_at == NINE + timedelta(minutes=120)


def test_an_injection_under_the_camera_skips_the_injection_room(at_nine, a_patient_here):
    exam = a_patient_here(state="interviewed")
    exam.steps.update(uptake_min=0)
    assert happen(exam, visit="interviewed").service_point.code == "scan-petct"


def test_an_item_without_interview_goes_straight_on(at_nine, department, a_patient_here):
    department["item"].requires_interview = False
    department["item"].save()
    assert happen(a_patient_here(), visit="arrived").service_point.code == "injection"


@pytest.mark.parametrize("visit", ["cancelled", "no_show", "scheduled"])
def test_who_is_not_here_has_no_ticket(at_nine, a_patient_here, visit):
    exam = a_patient_here()
    happen(exam, visit="arrived")
    assert happen(exam, visit=visit) is None
    assert exam.tickets.get().state == states.CANCELLED


def test_following_twice_changes_nothing(at_nine, a_patient_here):
    exam = a_patient_here()
    first = happen(exam, visit="arrived")
    assert actions.follow(exam) == first and exam.tickets.count() == 1


def test_finishing_by_hand_issues_the_next_and_a_late_event_does_not_send_back(
    at_nine, department, a_patient_here, nurse
):
    exam = a_patient_here()
    happen(exam, visit="arrived")
    nxt = actions.finish(nurse, open_ticket(exam))
    assert nxt.service_point.code == "injection"
    assert actions.follow(exam) == nxt


def test_the_clock_makes_good_what_an_event_missed(at_nine, a_patient_here):
    from hevesy.records.queues.jobs import catch_up

    exam = a_patient_here()
    catch_up()
    assert open_ticket(exam).service_point.code == "interview"
    at_nine.move_to(NINE + timedelta(days=1))
    catch_up()
    assert not Ticket.objects.filter(state__in=states.OPEN).exists()


def test_a_class_that_shares_its_scanner_gets_no_queue_of_its_own(department):
    therapy = ModalityClass.objects.create(
        code="therapy", name_zh="核素治疗", name_en="Therapy", number_template="RT{yy}-{seq:05}",
        report_kind="therapy", sort=9,
    )  # fmt: skip
    department["scanner"].modality_classes.add(therapy)

    list(seed())

    scanners = ServicePoint.objects.filter(kind="scanner").values_list("code", flat=True)
    assert list(scanners) == ["scan-petct"]

"""Who is called, where to, in which order (clauses 3.1, 3.2, 3.4, 4.4; I1, I2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hevesy.foundation.accounts.actors import PermissionRefused
from hevesy.foundation.ui.models import LiveEvent
from hevesy.records.queues import actions, queries, states
from hevesy.records.queues.actions import TicketRefused
from hevesy.records.queues.models import Call, Phrase
from hevesy.records.queues.tests.conftest import NINE

pytestmark = [pytest.mark.django_db, pytest.mark.clause("3.2")]


@pytest.fixture
def waiting(at_nine, department, a_patient_here, nurse):
    """`waiting("陈建国", …)`: tickets for the injection, one after the other."""

    def make(*names, **more):
        tickets = []
        for name in names:
            exam = a_patient_here(name, state="interviewed", **more)
            at_nine.shift(timedelta(seconds=1))
            tickets.append(actions.issue_ticket(nurse, exam, department["injection"]))
        return tickets

    return make


def test_numbers_count_per_point_and_day(at_nine, department, a_patient_here, nurse):
    first, second, third = (a_patient_here(name) for name in "甲乙丙")
    injection, interview = department["injection"], department["interview"]
    assert actions.issue_ticket(nurse, first, injection).number == "Z001"
    assert actions.issue_ticket(nurse, second, injection).number == "Z002"
    assert actions.issue_ticket(nurse, third, interview).number == "I001"
    assert actions.issue_ticket(nurse, second, injection).number == "Z002"  # asking twice
    at_nine.shift(timedelta(hours=15, minutes=1))  # past midnight in Shanghai
    actions.close_yesterday()
    assert actions.issue_ticket(nurse, first, injection).number == "Z001"


def test_calls_go_in_order_of_arrival_and_emergencies_first(waiting, department, nurse):
    chen, sun = waiting("陈建国", "孙秀珍")
    (emergency,) = waiting("高远", priority=0)
    room = department["injection1"]
    order = []
    for _patient in range(3):
        ticket = actions.call_next(nurse, department["injection"], room)
        order.append(ticket)
        actions.serve(nurse, ticket)
        actions.finish(nurse, ticket)
    assert order == [emergency, chen, sun]
    with pytest.raises(TicketRefused):
        actions.call_next(nurse, department["injection"], room)


@pytest.mark.clause("3.4")
def test_the_call_is_shown_with_a_masked_name_and_said_without_the_given_name(
    waiting, department, nurse
):
    (ticket,) = waiting("陈建国")
    actions.call_next(nurse, department["injection"], department["injection1"])
    call = ticket.calls.get()
    assert call.text == "请 Z001 陈*国 到 注射室1 注射"
    assert call.spoken == "请 Z 零 零 幺 号，陈先生，到 注射室一，注射。"
    assert "建国" not in call.text + call.spoken


def test_a_double_click_calls_once(at_nine, waiting, department, nurse):
    first, _second = waiting("陈建国", "孙秀珍")
    point, room = department["injection"], department["injection1"]
    assert actions.call_next(nurse, point, room) == first
    at_nine.shift(timedelta(seconds=3))
    assert actions.call_next(nurse, point, room) == first
    assert actions.call(nurse, first, room) == first
    assert Call.objects.count() == 1
    at_nine.shift(timedelta(seconds=10))
    again = actions.recall(nurse, first)
    assert again.called_count == 2 and Call.objects.count() == 2


def test_a_room_takes_as_many_as_it_holds(at_nine, waiting, department, nurse):
    first, second = waiting("陈建国", "孙秀珍")
    point, room = department["injection"], department["injection1"]
    actions.call_next(nurse, point, room)
    at_nine.shift(timedelta(seconds=10))
    with pytest.raises(TicketRefused, match="Z001"):
        actions.call_next(nurse, point, room)
    actions.miss(nurse, first)
    assert actions.call_next(nurse, point, room) == second
    with pytest.raises(TicketRefused):
        actions.call(nurse, first, department["pet1"])


def test_a_patient_in_one_room_is_not_called_to_another(
    at_nine, waiting, department, a_patient_here, nurse
):
    (first,) = waiting("陈建国")
    same_person = a_patient_here(patient=first.exam.patient, state="interviewed")
    bone_scan = actions.issue_ticket(nurse, same_person, department["injection"])
    actions.call(nurse, first, department["injection1"])
    with pytest.raises(TicketRefused, match="陈建国"):
        actions.call(nurse, bone_scan, department["injection2"])
    with pytest.raises(TicketRefused):
        actions.call_next(nurse, department["injection"], department["injection2"])


def test_who_missed_the_call_comes_after_the_next_two(at_nine, waiting, department, nurse):
    first, *others = waiting("甲", "乙", "丙", "丁")
    point, room = department["injection"], department["injection1"]
    actions.call_next(nurse, point, room)
    actions.miss(nurse, first)
    actions.back(nurse, first)
    queue = queries.open_tickets(nurse, [point])[point.pk]
    assert queue == [others[0], others[1], first, others[2]]


def test_on_hold_is_passed_over_and_keeps_the_rank(at_nine, waiting, department, nurse):
    first, second = waiting("甲", "乙")
    point, room = department["injection"], department["injection1"]
    actions.hold(nurse, first, "血糖复测")
    assert actions.call_next(nurse, point, room) == second
    actions.back(nurse, first)
    assert actions.call_next(nurse, point, department["injection2"]) == first


def test_going_first_wants_a_reason(at_nine, waiting, department, nurse):
    _first, second = waiting("甲", "乙")
    with pytest.raises(TicketRefused):
        actions.jump(nurse, second, "")
    actions.jump(nurse, second, "胸痛")
    assert actions.call_next(nurse, department["injection"], department["injection1"]) == second


@pytest.mark.clause("3.1")
def test_the_scanner_calls_by_the_time_the_scan_is_due_and_not_before_the_window(
    at_nine, department, a_patient_here, nurse
):
    point = department["scan-petct"]
    given_later, given_first = (
        a_patient_here("甲", state="interviewed"),
        a_patient_here("乙", state="interviewed"),
    )
    for exam, given in [(given_later, 20), (given_first, 5)]:
        step = exam.steps.get()
        step.state, step.administered_at = "administered", NINE + timedelta(minutes=given)
        step.save()
        actions.follow(exam)
    at_nine.move_to(NINE + timedelta(minutes=30))
    with pytest.raises(TicketRefused, match="10:00"):
        actions.call_next(nurse, point, department["pet1"])
    at_nine.move_to(NINE + timedelta(minutes=61))
    assert actions.call_next(nurse, point, department["pet1"]).exam == given_first
    # By hand everybody may be called.
    actions.hold(nurse, given_first.tickets.get())
    assert actions.call(nurse, given_later.tickets.get(), department["pet1"]).state == states.CALLED


@pytest.mark.clause("3.4")
def test_a_phrase_is_announced_to_everybody_who_waits(at_nine, department, nurse):
    phrase = Phrase.objects.get(code="drink-water")
    said = actions.announce(nurse, department["injection"], phrase)
    assert said.text == phrase.name_zh and said.ticket is None
    with pytest.raises(TicketRefused):
        actions.announce(nurse, department["injection"], None, "  ")


def test_a_move_that_the_table_does_not_know_is_refused_in_words(waiting, nurse):
    (ticket,) = waiting("甲")
    with pytest.raises(TicketRefused, match="Z001"):
        actions.miss(nurse, ticket)
    with pytest.raises(TicketRefused):
        actions.recall(nurse, ticket)


def test_who_may_not_call_does_not(waiting, department, actor_for, a_doctor):
    waiting("甲")
    with pytest.raises(PermissionRefused):
        actions.call_next(actor_for(a_doctor), department["injection"], department["injection1"])


@pytest.mark.clause("3.3")
def test_the_wall_is_told_of_every_call(waiting, department, nurse):
    events = LiveEvent.objects
    waiting("甲")
    before = events.filter(topic="wall").count()
    actions.call_next(nurse, department["injection"], department["injection1"])
    assert events.filter(topic="wall").count() == before + 1
    assert events.filter(topic="queue:injection").exists()

"""Two rooms press “call next” at once (I1), a nervous finger presses twice (I6)."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection

from hevesy.records.queues import actions, states
from hevesy.records.queues.models import Call, Ticket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clause("3.2")]


def together(*acts):
    """Run the acts in threads that start at one moment; what each returned or raised."""
    barrier = threading.Barrier(len(acts))
    results: list = [None] * len(acts)

    def run(index, act):
        try:
            barrier.wait()
            results[index] = act()
        except Exception as refusal:
            results[index] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_rooms_never_take_the_same_patient(at_nine, department, a_patient_here, nurse):
    point = department["injection"]
    expected = []
    for number in range(20):
        exam = a_patient_here(f"患者{number}", state="interviewed")
        at_nine.shift(timedelta(seconds=1))
        expected.append(actions.issue_ticket(nurse, exam, point).number)
    called = []
    for _turn in range(10):
        pair = together(
            *(
                partial(actions.call_next, nurse, point, department[room])
                for room in ("injection1", "injection2")
            )
        )
        called += sorted(ticket.number for ticket in pair)
        for ticket in pair:
            actions.finish(nurse, ticket)
        at_nine.shift(timedelta(seconds=10))
    assert called == expected


def test_a_nervous_finger_makes_one_call(at_nine, department, a_patient_here, nurse):
    point = department["injection"]
    for name in "甲乙丙":
        actions.issue_ticket(nurse, a_patient_here(name, state="interviewed"), point)
    results = together(*[partial(actions.call_next, nurse, point, department["injection1"])] * 4)
    assert len({ticket.number for ticket in results}) == 1
    assert Call.objects.count() == 1


def test_numbers_stay_unique_when_many_arrive_at_once(at_nine, department, a_patient_here, nurse):
    point = department["injection"]
    exams = [a_patient_here(f"患者{number}", state="interviewed") for number in range(12)]
    results = together(*(partial(actions.issue_ticket, nurse, exam, point) for exam in exams))
    assert sorted(ticket.number for ticket in results) == [f"Z{n:03}" for n in range(1, 13)]


def test_one_patient_arriving_twice_at_once_gets_one_ticket(
    at_nine, department, a_patient_here, nurse
):
    exam = a_patient_here()
    together(*[partial(actions.follow, exam)] * 4)
    assert Ticket.objects.filter(exam=exam, state__in=states.OPEN).count() == 1

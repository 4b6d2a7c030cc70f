"""One patient through the day: every step in its order, every other order refused with the right step named."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hevesy.foundation.accounts.actors import PermissionRefused, Refused
from hevesy.records.exams import events, states
from hevesy.records.exams.actions import (
    InterviewRefused,
    MoveRefused,
    cancel_exam,
    discontinue_exam,
    mark_arrived,
    mark_no_show,
    move_step,
    record_interview,
    reschedule,
    set_report_state,
    take_arrival_back,
)
from hevesy.records.exams.models import Exam, SlotHold
from hevesy.records.exams.queries import by_code, counts_by_state, day_list, visible_to, worklist
from hevesy.records.exams.testing import TUESDAY, at

ANSWERS = {"weight_kg": "70", "height_cm": 172, "glucose_mmol_l": "6.1", "fasting_h": 7}


@pytest.mark.clause("1.4")
def test_a_patient_goes_through_the_day(the_desk, an_exam):
    exam = mark_arrived(the_desk, an_exam)
    assert exam.state == "arrived"
    record_interview(the_desk, exam, ANSWERS)
    step = exam.steps.get()
    step = move_step(the_desk, step, "ready")
    step = move_step(the_desk, step, "administer")
    assert Exam.objects.get().state == "uptake"
    step = move_step(the_desk, step, "start")
    assert Exam.objects.get().state == "scanning"
    step = move_step(the_desk, step, "finish")
    for report_state in ("reporting", "submitted", "audited", "published"):
        exam = set_report_state(the_desk, exam, report_state)

    assert exam.state == "published"
    assert [row.event for row in exam.timeline.all()] == [
        "book",
        "arrive",
        "interview",
        "step.ready",
        "step.administer",
        "step.start",
        "step.finish",
        "report.reporting",
        "report.submitted",
        "report.audited",
        "report.published",
    ]
    assert step.administered_at <= step.started_at <= step.ended_at


@pytest.mark.clause("5.3")
def test_an_interview_puts_its_numbers_onto_the_examination(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)
    record_interview(the_desk, an_exam, ANSWERS | {"glucose_mmol_l": 12.4, "deaf": "yes"})

    exam = Exam.objects.get()
    assert exam.weight_kg == 70
    assert exam.glucose_mmol_l == Decimal("12.4")
    assert exam.flags == ["diabetes", "deaf"]
    assert exam.steps.get().planned_activity_mbq == Decimal("259.0")

    record_interview(the_desk, an_exam, ANSWERS | {"deaf": "no"})
    exam = Exam.objects.get()
    assert exam.interviews.count() == 2
    assert "deaf" not in exam.flags
    assert exam.state == "interviewed"


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ({}, "weight_kg"),
        ({"weight_kg": "heavy"}, "weight_kg"),
        ({"weight_kg": "700"}, "weight_kg"),
        ({"weight_kg": "nan"}, "weight_kg"),
        ({"weight_kg": "70", "deaf": "maybe"}, "deaf"),
    ],
)
def test_answers_that_do_not_fit_are_refused_by_question_and_nothing_is_saved(
    the_desk, an_exam, answers, key
):
    mark_arrived(the_desk, an_exam)

    with pytest.raises(InterviewRefused) as refusal:
        record_interview(the_desk, an_exam, answers)

    assert key in refusal.value.faults
    assert Exam.objects.get().state == "arrived"


def test_a_man_is_not_asked_about_pregnancy(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)

    record_interview(the_desk, an_exam, ANSWERS | {"pregnancy": "3"})

    assert Exam.objects.get().pregnancy is None


def test_out_of_order_is_refused_with_the_right_step(the_desk, an_exam):
    step = an_exam.steps.get()
    for move in ("ready", "administer", "start", "finish"):
        with pytest.raises(MoveRefused) as refusal:
            move_step(the_desk, step, move)
        assert an_exam.number in str(refusal.value)
    mark_arrived(the_desk, an_exam)
    with pytest.raises(MoveRefused, match=r".+"):
        move_step(the_desk, step, "administer")  # no interview yet
    record_interview(the_desk, an_exam, ANSWERS)
    with pytest.raises(MoveRefused):
        move_step(the_desk, step, "start")  # nothing administered yet

    assert an_exam.steps.get().state == "planned"


def test_the_refusal_is_a_chinese_sentence_that_names_state_and_next_step(the_desk, an_exam):
    with pytest.raises(MoveRefused) as refusal:
        move_step(the_desk, an_exam.steps.get(), "start")

    sentence = str(refusal.value)
    assert "已预约" in sentence
    assert "报到" in sentence
    assert refusal.value.status == 409


def test_a_scanner_reports_facts_even_when_the_paper_lags_behind(actor_with, an_exam):
    scanner = actor_with("exams.acquire", channel="dicom")

    step = move_step(scanner, an_exam.steps.get(), "start", at=at(8, 1))

    assert step.started_at == at(8, 1)
    assert Exam.objects.get().state == "scanning"


def test_a_time_in_the_future_becomes_now(the_desk, an_exam, actor_with):
    step = move_step(
        actor_with("exams.acquire", channel="dicom"), an_exam.steps.get(), "start", at=at(23)
    )

    assert step.started_at < at(9)


def test_backwards_wants_a_reason_and_keeps_what_was_given(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)
    record_interview(the_desk, an_exam, ANSWERS)
    step = an_exam.steps.get()
    for move in ("administer", "start"):
        step = move_step(the_desk, step, move)

    with pytest.raises(MoveRefused):
        move_step(the_desk, step, "back")
    step = move_step(the_desk, step, "back", reason="患者移动，重扫")

    assert step.state == "administered"
    assert step.administered_at
    assert step.started_at is None


def test_an_examination_that_has_begun_is_discontinued_not_cancelled(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)
    record_interview(the_desk, an_exam, ANSWERS)
    move_step(the_desk, an_exam.steps.get(), "administer")

    with pytest.raises(MoveRefused):
        cancel_exam(the_desk, an_exam, "不想做了")
    with pytest.raises(MoveRefused):
        reschedule(the_desk, an_exam, starts_at=at(15))
    with pytest.raises(MoveRefused):
        take_arrival_back(the_desk, an_exam, "误点")
    exam = discontinue_exam(the_desk, an_exam, "患者不适")

    assert exam.state == "discontinued"
    assert not SlotHold.objects.exists()


def test_another_day_is_said_before_it_is_accepted(the_desk, an_exam, tuesday_morning):
    tuesday_morning.move_to(at(9, days=1))

    with pytest.raises(MoveRefused):
        mark_arrived(the_desk, an_exam)

    assert mark_arrived(the_desk, an_exam, other_day_reason="昨日堵车").state == "arrived"


@pytest.mark.parametrize(
    ("booked", "comes"), [(at(0, 20, days=1), at(23, 30)), (at(23, 50), at(0, 40, days=1))]
)
def test_midnight_does_not_part_somebody_from_the_time_of_the_same_night(
    the_desk, an_exam, tuesday_morning, booked, comes
):
    Exam.objects.filter(pk=an_exam.pk).update(booked_for=booked)
    tuesday_morning.move_to(comes)

    assert mark_arrived(the_desk, an_exam).state == "arrived"


def test_no_show_only_after_the_time_and_then_a_new_time(the_desk, an_exam, tuesday_morning):
    with pytest.raises(MoveRefused):
        mark_no_show(the_desk, an_exam)
    tuesday_morning.move_to(at(10, 30))
    assert mark_no_show(the_desk, an_exam).state == "no_show"

    exam = reschedule(the_desk, an_exam, starts_at=at(9, days=1))

    assert exam.state == "scheduled"


def test_a_later_time_today_keeps_the_arrival_another_day_does_not(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)
    assert reschedule(the_desk, an_exam, starts_at=at(15)).state == "arrived"

    with pytest.raises(MoveRefused):
        reschedule(the_desk, an_exam, starts_at=at(9, days=1))
    exam = reschedule(the_desk, an_exam, starts_at=at(9, days=1), reason="设备故障")
    assert exam.state == "scheduled"


def test_only_who_may_read_examinations_sees_any(actor_with, an_exam):
    assert visible_to(actor_with("exams.view")).count() == 1
    assert visible_to(actor_with("audit.read")).count() == 0
    assert counts_by_state(actor_with("exams.view"), TUESDAY) == {"scheduled": 1}
    assert by_code(an_exam.code.lower()) == an_exam


def test_the_day_list_asks_two_queries_however_long_it_is(
    the_desk, an_exam, django_assert_num_queries
):
    with django_assert_num_queries(2):
        for exam in day_list(the_desk, TUESDAY):
            assert exam.patient.name_zh
            assert [step.tracer and step.device for step in exam.steps.all()]


def test_the_worklist_shows_what_is_to_be_acquired_and_forgets_what_is_done(the_desk, an_exam):
    assert [s.exam for s in worklist(ae_title="PETCT1", first=TUESDAY, last=TUESDAY)] == [an_exam]
    assert not worklist(ae_title="OTHER").exists()
    assert not worklist(first=at(0, days=1).date()).exists()
    cancel_exam(the_desk, an_exam, "患者要求")
    assert not worklist().exists()


def test_permissions_are_asked_for_every_move(actor_with, an_exam):
    nobody = actor_with("exams.view")
    for act in (
        lambda: mark_arrived(nobody, an_exam),
        lambda: cancel_exam(nobody, an_exam, "x"),
        lambda: record_interview(nobody, an_exam, ANSWERS),
    ):
        with pytest.raises(PermissionRefused):
            act()


@pytest.mark.django_db(transaction=True)
def test_events_are_sent_after_commit_and_a_failing_listener_stops_nobody(the_desk, an_exam):
    heard = []

    def listener(exam, **_rest):
        heard.append(exam.state)
        raise RuntimeError("a broken listener")

    events.exam_arrived.connect(listener)
    try:
        mark_arrived(the_desk, an_exam)
    finally:
        events.exam_arrived.disconnect(listener)

    assert heard == ["arrived"]


MOVES = sorted({move for _state, move in states.STEP})


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=st.lists(st.sampled_from(MOVES), min_size=1, max_size=8))
def test_whatever_is_pressed_the_row_stays_within_the_table(the_desk, an_exam, moves):
    Exam.objects.update(visit_state="interviewed", state="interviewed")
    an_exam.steps.update(state="planned", administered_at=None, started_at=None, ended_at=None)
    step = an_exam.steps.get()

    for move in moves:
        before = step.state
        try:
            step = move_step(the_desk, step, move, reason="试")
        except Refused:
            step.refresh_from_db()
            assert step.state == before
        else:
            assert (before, move) in states.STEP
    exam = Exam.objects.get()
    assert exam.state == states.derive(exam.visit_state, [step.state], "")


@pytest.mark.clause("1.4")
def test_what_happened_cannot_be_rewritten_even_in_the_database(the_desk, an_exam):
    mark_arrived(the_desk, an_exam)
    record_interview(the_desk, an_exam, ANSWERS)

    for rows in (an_exam.timeline, an_exam.interviews):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(exam=an_exam)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.all().delete()

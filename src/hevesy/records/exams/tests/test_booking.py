"""Booking and numbering on the configured database, alone and in a crowd."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from hevesy.foundation.accounts.actors import PermissionRefused, system_actor
from hevesy.foundation.audit.models import AuditEvent
from hevesy.records.catalogue.models import ItemPhase, Policy
from hevesy.records.exams.actions import (
    AlreadyBooked,
    BookingRefused,
    MoveRefused,
    SlotTaken,
    book_exam,
    cancel_exam,
    correct_exam,
    reschedule,
    reschedule_step,
    restore_exam,
)
from hevesy.records.exams.models import Exam, SlotHold, TimelineRow
from hevesy.records.exams.queries import booking_notes, day_options, first_free, week, worklist
from hevesy.records.exams.testing import TUESDAY, at
from hevesy.records.patients.actions import register_patient
from hevesy.records.patients.models import Patient

pytestmark = pytest.mark.usefixtures("tuesday_morning")


@pytest.mark.clause("2.2")
def test_a_booking_makes_number_code_uid_steps_and_holds(the_desk, a_patient, an_fdg_item):
    exam = book_exam(
        the_desk, patient=a_patient, item=an_fdg_item, starts_at=at(10), weight_kg=Decimal(62)
    )

    step = exam.steps.get()
    assert exam.number == "PT26-00001"
    assert exam.state == exam.visit_state == "scheduled"
    assert exam.booked_for == step.starts_at == at(10)
    assert exam.study_instance_uid.startswith("2.25.")
    assert len(exam.study_instance_uid) <= 64
    assert len(exam.code) == 16
    assert step.planned_activity_mbq == Decimal("229.4")  # 3.7 MBq/kg × 62 kg
    assert SlotHold.objects.filter(step=step).count() == 5  # 25 min on a grid of 5
    row = exam.timeline.get()
    assert (row.event, row.to_state, row.actor_name) == ("book", "scheduled", "a test")
    assert AuditEvent.objects.filter(verb="exam.book", patient_id=a_patient.pk).exists()


@pytest.mark.parametrize(
    ("weight", "planned"), [(None, 300), (Decimal(40), 185), (Decimal(200), 555), (Decimal(3), 185)]
)
def test_activity_by_weight_stays_within_its_limits(
    the_desk, a_patient, an_fdg_item, weight, planned
):
    exam = book_exam(the_desk, patient=a_patient, item=an_fdg_item, weight_kg=weight)

    assert exam.steps.get().planned_activity_mbq == planned


def test_without_a_time_an_examination_waits_and_gets_one_later(the_desk, a_patient, an_fdg_item):
    exam = book_exam(the_desk, patient=a_patient, item=an_fdg_item)
    assert exam.state == "ordered"

    exam = reschedule(the_desk, exam, starts_at=at(9))

    assert exam.state == "scheduled"
    assert exam.number == "PT26-00001"


def test_a_second_click_leads_to_the_first_booking(the_desk, an_exam):
    with pytest.raises(AlreadyBooked) as refusal:
        book_exam(
            the_desk, patient=an_exam.patient, item=an_exam.item, starts_at=an_exam.booked_for
        )

    assert refusal.value.exam == an_exam
    assert Exam.objects.count() == 1


@pytest.mark.parametrize("minutes", [-20, -5, 5, 20])
def test_overlapping_times_are_refused_with_the_next_free_one(
    the_desk, an_exam, another_patient, minutes
):
    with pytest.raises(SlotTaken) as refusal:
        book_exam(
            the_desk,
            patient=another_patient,
            item=an_exam.item,
            starts_at=an_exam.booked_for + timedelta(minutes=minutes),
        )

    assert refusal.value.next_free is not None
    assert Exam.objects.count() == 1


@pytest.mark.parametrize(
    "moment",
    [at(7, 30), at(17, 10), at(10, 3), at(7), at(10, days=-1)],
    ids=["before opening", "past closing", "off the grid", "over", "yesterday"],
)
def test_impossible_times_are_refused(the_desk, a_patient, an_fdg_item, moment):
    with pytest.raises(BookingRefused):
        book_exam(the_desk, patient=a_patient, item=an_fdg_item, starts_at=moment)

    assert not Exam.objects.exists()
    assert not SlotHold.objects.exists()


def test_an_emergency_may_come_outside_the_hours(the_desk, a_patient, an_fdg_item):
    exam = book_exam(
        the_desk,
        patient=a_patient,
        item=an_fdg_item,
        starts_at=at(19),
        priority=Exam.Priority.EMERGENCY,
    )

    assert exam.flags == ["emergency"]


def test_closed_days_and_a_broken_device_are_refused(the_desk, a_patient, an_fdg_item, a_pet_ct):
    Policy.objects.create(
        key="booking.closed_days", value=["2026-11-25"], label_zh="休息日", label_en="Closed"
    )
    with pytest.raises(BookingRefused):
        book_exam(the_desk, patient=a_patient, item=an_fdg_item, starts_at=at(10, days=1))

    a_pet_ct.availability = "down"
    a_pet_ct.save()
    with pytest.raises(BookingRefused):
        book_exam(the_desk, patient=a_patient, item=an_fdg_item, device=a_pet_ct, starts_at=at(10))


def test_the_right_is_needed(actor_with, a_patient, an_fdg_item):
    with pytest.raises(PermissionRefused):
        book_exam(actor_with("exams.view"), patient=a_patient, item=an_fdg_item)


def test_options_show_arrival_and_injection_and_what_is_taken(the_desk, an_exam):
    options = day_options(an_exam.item, TUESDAY, not_before=at(8, 30))

    first = options[0]
    assert first.starts_at == at(
        9, 15
    )  # 08:00 + 3 × 25 min; it is 08:05, and the drug needs an hour
    assert first.chain.injects_at == at(8, 15)
    assert first.arrives_at == at(7, 45)
    assert not [o for o in options if at(9, 35) < o.starts_at < at(10, 25)]
    assert first_free(an_exam.item, at(9, 40)).starts_at == at(10, 25)
    assert [day.count > 0 for day in week(an_exam.item, TUESDAY)] == [True] * 7


def test_options_ask_a_fixed_number_of_queries(the_desk, an_exam, django_assert_max_num_queries):
    with django_assert_max_num_queries(10):
        week(an_exam.item, TUESDAY)


@pytest.fixture
def a_delayed_item(an_fdg_item, fdg):
    """Whole body at 60 min, the same activity again at 120 (110 to 150) min."""
    ItemPhase.objects.create(
        item=an_fdg_item,
        number=2,
        tracer=fdg,
        administers=False,
        scan_min=10,
        uptake_min=120,
        uptake_earliest_min=110,
        uptake_latest_min=150,
    )
    return an_fdg_item


@pytest.mark.clause("4.2")
def test_a_delayed_phase_is_placed_in_its_window_and_moves_when_its_time_is_taken(
    the_desk, a_patient, another_patient, a_delayed_item
):
    blocker = book_exam(the_desk, patient=another_patient, item=a_delayed_item, starts_at=at(11))
    exam = book_exam(the_desk, patient=a_patient, item=a_delayed_item, starts_at=at(10))

    first, second = exam.steps.all()
    assert first.starts_at == at(10)
    # Injected at 09:00, so due at 11:00; the scanner is taken from 11:00 to 11:25.
    assert second.starts_at in (at(10, 50), at(11, 25))
    assert {*first.holds.values_list("starts_at")}.isdisjoint(
        blocker.steps.first().holds.values_list("starts_at")
    )
    assert worklist(first=TUESDAY, last=TUESDAY).count() == 4


def test_a_delayed_phase_can_be_moved_alone(the_desk, a_patient, a_delayed_item):
    exam = book_exam(the_desk, patient=a_patient, item=a_delayed_item, starts_at=at(10))
    first, second = exam.steps.all()

    with pytest.raises(SlotTaken):
        reschedule_step(the_desk, second, starts_at=at(10, 5))
    moved = reschedule_step(the_desk, second, starts_at=at(11, 20))

    assert moved.starts_at == at(11, 20)
    assert SlotHold.objects.filter(step=second).count() == 2
    assert SlotHold.objects.filter(step=first).count() == 5


def test_cancelling_frees_the_time_but_never_the_number(the_desk, an_exam, another_patient):
    cancelled = cancel_exam(the_desk, an_exam, "患者要求")

    again = book_exam(the_desk, patient=another_patient, item=an_exam.item, starts_at=at(10))

    assert cancelled.state == "cancelled"
    assert again.number == "PT26-00002"
    assert restore_exam(the_desk, an_exam, "误取消").state == "ordered"
    with pytest.raises(SlotTaken):
        reschedule(the_desk, an_exam, starts_at=at(10))


def test_a_cancellation_wants_a_reason(the_desk, an_exam):
    with pytest.raises(MoveRefused):
        cancel_exam(the_desk, an_exam, "  ")

    an_exam.refresh_from_db()
    assert an_exam.state == "scheduled"


def test_rescheduling_keeps_the_history_and_frees_the_old_time(the_desk, an_exam):
    exam = reschedule(the_desk, an_exam, starts_at=at(14), reason="设备检修")

    assert exam.booked_for == at(14)
    assert {h.starts_at for h in SlotHold.objects.all()} == {at(14, m) for m in (0, 5, 10, 15, 20)}
    assert [row.event for row in exam.timeline.all()] == ["book", "reschedule"]


def test_rescheduling_by_a_few_minutes_may_overlap_the_own_old_time(the_desk, an_exam):
    assert reschedule(the_desk, an_exam, starts_at=at(10, 5)).booked_for == at(10, 5)


def test_a_correction_plans_the_activity_anew(the_desk, an_exam):
    exam = correct_exam(
        the_desk, an_exam, version=an_exam.version, weight_kg=Decimal(100), priority=0
    )

    assert exam.steps.get().planned_activity_mbq == Decimal("370.0")
    assert exam.flags == ["emergency"]
    with pytest.raises(BookingRefused):
        correct_exam(the_desk, an_exam, version=1, bed="3")
    with pytest.raises(TypeError):
        correct_exam(the_desk, an_exam, state="published")


def test_a_child_is_flagged(the_desk, an_fdg_item):
    child = register_patient(
        the_desk, name_zh="刘小洋", sex="M", birth_date=TUESDAY.replace(year=2017)
    )

    assert book_exam(the_desk, patient=child, item=an_fdg_item).flags == ["child"]


def test_what_speaks_against_a_time_is_said(the_desk, an_exam):
    notes = booking_notes(an_exam.patient, an_exam.item, at(14))

    assert len(notes) >= 1
    assert an_exam.number in notes[0]
    later = booking_notes(an_exam.patient, an_exam.item, at(14, days=3))
    assert any(an_exam.number in note for note in later)


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("2.2")
def test_twenty_desks_want_the_last_slot_and_one_gets_it(an_fdg_item, the_desk):
    patients = [
        register_patient(the_desk, name_zh=f"患者{chr(0x4E00 + i)}", sex="M") for i in range(20)
    ]
    ready = threading.Barrier(20)

    def book(patient):
        try:
            ready.wait(timeout=30)
            return book_exam(the_desk, patient=patient, item=an_fdg_item, starts_at=at(10)).number
        except SlotTaken as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as desks:
        results = list(desks.map(book, patients))

    booked = [result for result in results if isinstance(result, str)]
    refused = [result for result in results if isinstance(result, SlotTaken)]
    assert len(booked) == 1
    assert len(refused) == 19
    assert all(refusal.next_free.starts_at == at(10, 25) for refusal in refused)
    assert SlotHold.objects.count() == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("2.1")
def test_twenty_writers_take_twenty_different_numbers(an_fdg_item, the_desk):
    patients = [
        register_patient(the_desk, name_zh=f"患者{chr(0x4E00 + i)}", sex="M") for i in range(20)
    ]
    ready = threading.Barrier(20)

    def order(patient):
        try:
            ready.wait(timeout=30)
            return book_exam(the_desk, patient=patient, item=an_fdg_item).number
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as desks:
        numbers = list(desks.map(order, patients))

    assert sorted(numbers) == [f"PT26-{n:05}" for n in range(1, 21)]


def test_a_number_handed_in_or_given_earlier_is_skipped(the_desk, a_patient, an_fdg_item):
    book_exam(the_desk, patient=a_patient, item=an_fdg_item, number="PT26-00001")

    assert book_exam(the_desk, patient=a_patient, item=an_fdg_item).number == "PT26-00002"


def test_a_merged_record_is_not_booked(the_desk, a_patient, another_patient, an_fdg_item):
    Patient.objects.filter(pk=a_patient.pk).update(merged_into=another_patient)
    a_patient.refresh_from_db()

    with pytest.raises(BookingRefused):
        book_exam(the_desk, patient=a_patient, item=an_fdg_item)


def test_jobs_and_commands_may_enter_the_past(a_patient, an_fdg_item):
    history = system_actor("import", "exams.book", channel="command")

    exam = book_exam(history, patient=a_patient, item=an_fdg_item, starts_at=at(10, days=-7))

    assert exam.booked_for.astimezone(UTC) < at(8)
    assert TimelineRow.objects.filter(exam=exam).count() == 1

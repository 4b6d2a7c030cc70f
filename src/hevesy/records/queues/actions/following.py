"""The ticket goes where the exam goes: finished here, issued there (clause 3.1)."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.records.exams.models import Exam
from hevesy.records.queues import pathway, states
from hevesy.records.queues.actions.tickets import issue_ticket, local_today, locked, move
from hevesy.records.queues.models import ServicePoint, Ticket


@transaction.atomic
def finish(by: Actor, ticket: Ticket) -> Ticket | None:
    """Close the ticket and issue the next one of the exam's pathway, which is returned (None: the way ends)."""
    by.require("queues.call")
    exam = Exam.objects.select_for_update(no_key=True).get(pk=ticket.exam_id)
    ticket = locked(ticket)
    way = _way(exam)
    here = pathway.find_stop(way, kind=ticket.service_point.kind, step_id=ticket.step_id)
    move(by, ticket, "finish")
    return _issue(by, exam, pathway.next_stop(way, after=here))


def _way(exam: Exam) -> list[pathway.Stop]:
    steps = list(exam.steps.select_related("phase", "device").order_by("number"))
    return pathway.stops(exam, steps, arrived_at=pathway.arrived_at(exam))


def _issue(by: Actor, exam: Exam, stop: pathway.Stop | None) -> Ticket | None:
    """A ticket for the stop, if the patient is here and a service point is set up for it."""
    if stop is None or exam.visit_state not in pathway.HERE:
        return None
    starts = stop.step.starts_at if stop.step else None
    if starts and timezone.localdate(starts) > local_today():
        # The 24 h picture of an iodine scan: the patient goes home and has a ticket on that day.
        return None
    point = pathway.point_for(exam, stop.kind, stop.step)
    if point is None:
        return None
    return issue_ticket(
        by, exam, point, step=stop.step, rank_at=stop.rank_at, not_before=stop.not_before
    )


@transaction.atomic
def follow(exam: Exam) -> Ticket | None:
    """Bring the exam's ticket into line with what happened to the exam; safe to repeat.

    Only ever forward: a patient whom somebody sent ahead by hand is not called back by a late event.
    """
    by = system_actor("queues", "queues.call")
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam.pk)
    ticket = (
        Ticket.objects.select_for_update(no_key=True)
        .filter(exam=exam, state__in=states.OPEN)
        .first()
    )
    if exam.visit_state not in pathway.HERE:
        if ticket:
            move(by, ticket, "cancel")
        return None
    way = _way(exam)
    due = pathway.next_stop(way)
    if due is None:
        if ticket:
            move(by, ticket, "finish")
        return None
    if ticket:
        here = pathway.find_stop(way, kind=ticket.service_point.kind, step_id=ticket.step_id)
        if here is not None and way.index(here) >= way.index(due):
            return _follow_step(by, ticket, here)
        move(by, ticket, "finish")
    ticket = _issue(by, exam, due)
    return _follow_step(by, ticket, due) if ticket else None


def _follow_step(by: Actor, ticket: Ticket, stop: pathway.Stop) -> Ticket:
    """A scan that runs means the patient is in the room, called or not; a moved due time moves the rank."""
    if stop.kind != ServicePoint.Kind.SCANNER or stop.step is None:
        return ticket
    scanning = stop.step.state == "acquiring"
    if scanning and (ticket.state, "serve") in states.TICKET:
        room = stop.step.device.room if stop.step.device else ticket.room
        return move(by, ticket, "serve", room=room, served_at=timezone.now())
    moved = (ticket.rank_at, ticket.not_before) != (stop.rank_at, stop.not_before)
    if ticket.state == states.WAITING and ticket.priority > 0 and moved:
        ticket.rank_at, ticket.not_before = stop.rank_at, stop.not_before
        ticket.save(update_fields=["rank_at", "not_before"])
    return ticket


def close_yesterday() -> int:
    """Close tickets of earlier days: nobody waits over night. Returns how many."""
    by = system_actor("queues", "queues.call")
    closed = 0
    for ticket in list(Ticket.objects.filter(state__in=states.OPEN, day__lt=local_today())):
        with transaction.atomic():
            fresh = locked(ticket)
            if (fresh.state, "cancel") in states.TICKET:
                move(by, fresh, "cancel", room=None)
                closed += 1
    return closed

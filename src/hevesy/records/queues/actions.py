"""Everything that moves a ticket. One writer, one table, one row lock (clauses 3.1-3.5, 2.7, 4.4, 5.5)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused, system_actor
from hevesy.foundation.audit.actions import record
from hevesy.records.catalogue.models import Room
from hevesy.records.exams.live import publish
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.patients.models import Patient
from hevesy.records.queues import announcing, pathway, states
from hevesy.records.queues.models import Call, Phrase, ServicePoint, Ticket, TicketSequence

DOUBLE_CLICK = timedelta(seconds=5)
RECALL_AFTER = 2
"""A patient who missed the call waits until this many others have been called (hospitals' usual rule)."""


class TicketRefused(Refused):
    """The ticket cannot do that now."""


def _today() -> date:
    return timezone.localdate()


def _tell(ticket: Ticket) -> None:
    """Let the lists of the queue and the wall screens know."""
    publish(f"queue:{ticket.service_point.code}", ticket=ticket.number, state=ticket.state)
    publish("queue", ticket=ticket.number, state=ticket.state)
    publish("wall", point=ticket.service_point.code)


@transaction.atomic
def issue_ticket(
    by: Actor,
    exam: Exam,
    service_point: ServicePoint,
    *,
    step: ExamStep | None = None,
    rank_at: datetime | None = None,
    not_before: datetime | None = None,
) -> Ticket:
    """Give the exam's patient a place in the queue; an open ticket elsewhere is closed by it.

    Asking twice for the same point gives the ticket there is. Numbers are unique per point and day, gaps allowed.
    """
    by.require("queues.call")
    exam = Exam.objects.select_for_update(no_key=True).get(pk=exam.pk)
    open_ticket = (
        Ticket.objects.select_for_update(no_key=True)
        .filter(exam=exam, state__in=states.OPEN)
        .first()
    )
    if open_ticket:
        same_step = open_ticket.step_id == (step.pk if step else None)
        if open_ticket.service_point_id == service_point.pk and same_step:
            return open_ticket
        _move(by, open_ticket, "finish")
    day = _today()
    sequence, _new = TicketSequence.objects.select_for_update(no_key=True).get_or_create(
        service_point=service_point, day=day
    )
    sequence.last += 1
    sequence.save(update_fields=["last"])
    ticket = Ticket.objects.create(
        exam=exam,
        step=step,
        service_point=service_point,
        day=day,
        number=f"{service_point.prefix}{sequence.last:03}",
        state=states.WAITING,
        priority=exam.priority,
        rank_at=rank_at or timezone.now(),
        not_before=not_before,
    )
    record(by, "queue.issue", ticket, patient_id=exam.patient_id, number=ticket.number)
    _tell(ticket)
    return ticket


def _locked(ticket: Ticket) -> Ticket:
    return (
        Ticket.objects.select_for_update(of=("self",), no_key=True)
        .select_related("exam__patient", "service_point", "room")
        .get(pk=ticket.pk)
    )


def _move(by: Actor, ticket: Ticket, step: str, **fields: Any) -> Ticket:
    """Move a locked ticket by the table, save, audit, tell. Raises `TicketRefused` for a step it cannot do."""
    try:
        state, permission = states.TICKET[ticket.state, step]
    except KeyError:
        raise TicketRefused(
            _("Ticket %(number)s is “%(state)s”; this is not possible now. Reload the queue.")
            % {"number": ticket.number, "state": states.LABELS[ticket.state]}
        ) from None
    by.require(permission)
    before, ticket.state = ticket.state, state
    if state in (states.DONE, states.CANCELLED):
        fields["closed_at"] = timezone.now()
    for name, value in fields.items():
        setattr(ticket, name, value)
    ticket.save(update_fields=["state", *fields])
    record(
        by,
        f"queue.{step}",
        ticket,
        patient_id=ticket.exam.patient_id,
        number=ticket.number,
        before=before,
        after=state,
    )
    _tell(ticket)
    return ticket


def _announce(by: Actor, ticket: Ticket, room: Room) -> Call:
    """Write what is shown and said. In the language of the site: the patients hear it, not the caller."""
    with translation.override(settings.LANGUAGE_CODE):
        patient = ticket.exam.patient
        purpose = ticket.service_point.purpose or ticket.service_point.name
        return Call.objects.create(
            ticket=ticket,
            service_point=ticket.service_point,
            room=room,
            text=announcing.call_text(
                number=ticket.number, name=patient.name_zh, room=room.name, purpose=purpose
            ),
            spoken=announcing.spoken_text(
                number=ticket.number, patient=patient, room=room.name, purpose=purpose, on=_today()
            ),
            by=by.user,
        )


def _call(by: Actor, ticket: Ticket, room: Room) -> Ticket:
    """Call a locked ticket to a room of a locked service point, unless the same call was made just now."""
    now = timezone.now()
    if (
        ticket.state == states.CALLED
        and ticket.room_id == room.pk
        and ticket.called_at
        and now - ticket.called_at < DOUBLE_CLICK
    ):
        return ticket
    # The patient may have a second exam today: while they are in one room, nobody else may call them.
    Patient.objects.select_for_update(no_key=True).get(pk=ticket.exam.patient_id)
    elsewhere = (
        Ticket.objects.filter(
            exam__patient=ticket.exam.patient_id, state__in=states.IN_A_ROOM, day=ticket.day
        )
        .exclude(pk=ticket.pk)
        .select_related("room", "service_point")
        .first()
    )
    if elsewhere:
        raise TicketRefused(
            _("%(name)s is now at %(place)s (ticket %(number)s). Wait until that is finished.")
            % {
                "name": ticket.exam.patient.name_zh,
                "place": (elsewhere.room or elsewhere.service_point).name,
                "number": elsewhere.number,
            }
        )
    called_count = ticket.called_count + 1
    _move(by, ticket, "call", room=room, called_at=now, called_count=called_count, note="")
    _announce(by, ticket, room)
    return ticket


def _check_room(service_point: ServicePoint, room: Room, but: Ticket | None = None) -> None:
    """Refuse a call to a room that is no room of this queue or is full."""
    if not service_point.rooms.filter(pk=room.pk).exists():
        raise TicketRefused(
            _("%(room)s does not belong to the queue “%(queue)s”. Choose one of its rooms.")
            % {"room": room.name, "queue": service_point.name}
        )
    inside = Ticket.objects.filter(room=room, day=_today(), state__in=states.IN_A_ROOM)
    if but:
        inside = inside.exclude(pk=but.pk)
    if len(present := list(inside)) >= room.capacity:
        raise TicketRefused(
            _("%(room)s still has ticket %(number)s. Finish it, mark it missed or put it on hold.")
            % {"room": room.name, "number": ", ".join(ticket.number for ticket in present)}
        )


@transaction.atomic
def call_next(by: Actor, service_point: ServicePoint, room: Room) -> Ticket:
    """Call whoever is next to the room. Two rooms pressing at once get two patients; a double click gets one.

    The row of the service point is the lock: calls of one queue happen one after the other, in order.
    """
    by.require("queues.call")
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(pk=service_point.pk)
    now, today = timezone.now(), _today()
    just_called = Ticket.objects.filter(
        service_point=service_point,
        day=today,
        room=room,
        state=states.CALLED,
        called_at__gt=now - DOUBLE_CLICK,
    ).first()
    if just_called:
        return just_called
    _check_room(service_point, room)
    busy = Ticket.objects.filter(day=today, state__in=states.IN_A_ROOM).values("exam__patient")
    waiting = (
        Ticket.objects.filter(service_point=service_point, day=today, state=states.WAITING)
        .exclude(exam__patient__in=busy)
        .order_by(*order_of(service_point))
    )
    first = waiting.exclude(not_before__gt=now).first()
    if first is None:
        opens = waiting.order_by("not_before").values_list("not_before", flat=True).first()
        if opens:
            raise TicketRefused(
                _("Nobody has rested long enough. The first may be called at %(time)s.")
                % {"time": timezone.localtime(opens).strftime("%H:%M")}
            )
        raise TicketRefused(_("Nobody is waiting for “%(queue)s”.") % {"queue": service_point.name})
    return _call(by, _locked(first), room)


def order_of(service_point: ServicePoint) -> tuple[str, ...]:
    """The order of a queue. A scanner queue goes by the time the scan is due: decay waits for nobody."""
    if service_point.kind == ServicePoint.Kind.SCANNER:
        return ("rank_at", "priority", "id")
    return ("priority", "rank_at", "id")


@transaction.atomic
def call(by: Actor, ticket: Ticket, room: Room) -> Ticket:
    """Call this patient to the room, out of order if need be (emergency, missed, on hold)."""
    by.require("queues.call")
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = _locked(ticket)
    _check_room(service_point, room, but=ticket)
    return _call(by, ticket, room)


@transaction.atomic
def recall(by: Actor, ticket: Ticket) -> Ticket:
    """Say the same call once more."""
    by.require("queues.call")
    ServicePoint.objects.select_for_update(no_key=True).get(pk=ticket.service_point_id)
    ticket = _locked(ticket)
    if ticket.state != states.CALLED or ticket.room is None:
        raise TicketRefused(
            _("Ticket %(number)s has not been called. Call it to a room first.")
            % {"number": ticket.number}
        )
    return _call(by, ticket, ticket.room)


@transaction.atomic
def serve(by: Actor, ticket: Ticket, room: Room | None = None) -> Ticket:
    """The patient came in: the call disappears from the wall."""
    ticket = _locked(ticket)
    return _move(by, ticket, "serve", room=room or ticket.room, served_at=timezone.now(), note="")


@transaction.atomic
def miss(by: Actor, ticket: Ticket) -> Ticket:
    """Nobody came. The ticket keeps its number and waits to be called back."""
    return _move(by, _locked(ticket), "miss", room=None)


@transaction.atomic
def hold(by: Actor, ticket: Ticket, reason: str = "") -> Ticket:
    """Take the patient out of the order for a while: glucose to repeat, consent missing."""
    return _move(by, _locked(ticket), "hold", room=None, note=reason.strip()[:120])


@transaction.atomic
def back(by: Actor, ticket: Ticket) -> Ticket:
    """Put the patient back into the queue. Who missed a call comes after the next few, who was held keeps the rank."""
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = _locked(ticket)
    fields: dict[str, Any] = {"room": None, "note": ""}
    if ticket.state == states.MISSED:
        ahead = list(
            Ticket.objects.filter(
                service_point=service_point, day=ticket.day, state=states.WAITING
            ).order_by(*order_of(service_point))[:RECALL_AFTER]
        )
        if ahead:
            last = ahead[-1]
            fields["rank_at"] = max(ticket.rank_at, last.rank_at + timedelta(microseconds=1))
            if service_point.kind != ServicePoint.Kind.SCANNER:
                fields["priority"] = max(ticket.priority, last.priority)
    return _move(by, ticket, "back", **fields)


@transaction.atomic
def jump(by: Actor, ticket: Ticket, reason: str) -> Ticket:
    """Let an emergency go first (clause 3.2). The reason is kept."""
    by.require("queues.call")
    if not reason.strip():
        raise TicketRefused(_("Say why this patient goes first."))
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = _locked(ticket)
    if ticket.state != states.WAITING:
        raise TicketRefused(
            _("Ticket %(number)s is “%(state)s”; only a waiting patient can go first.")
            % {"number": ticket.number, "state": states.LABELS[ticket.state]}
        )
    first = (
        Ticket.objects.filter(service_point=service_point, day=ticket.day, state=states.WAITING)
        .order_by("rank_at")
        .first()
    )
    if first and first.pk != ticket.pk:
        ticket.rank_at = first.rank_at - timedelta(microseconds=1)
    ticket.priority, ticket.not_before = 0, None
    ticket.save(update_fields=["rank_at", "priority", "not_before"])
    record(
        by,
        "queue.jump",
        ticket,
        patient_id=ticket.exam.patient_id,
        number=ticket.number,
        reason=reason.strip()[:120],
    )
    _tell(ticket)
    return ticket


@transaction.atomic
def finish(by: Actor, ticket: Ticket) -> Ticket | None:
    """Close the ticket and issue the next one of the exam's pathway, which is returned (None: the way ends)."""
    by.require("queues.call")
    exam = Exam.objects.select_for_update(no_key=True).get(pk=ticket.exam_id)
    ticket = _locked(ticket)
    way = _way(exam)
    here = pathway.find_stop(way, kind=ticket.service_point.kind, step_id=ticket.step_id)
    _move(by, ticket, "finish")
    return _issue(by, exam, pathway.next_stop(way, after=here))


@transaction.atomic
def cancel(by: Actor, ticket: Ticket) -> Ticket:
    """Give the place up: the exam was cancelled or the patient left."""
    return _move(by, _locked(ticket), "cancel", room=None)


@transaction.atomic
def announce(by: Actor, service_point: ServicePoint, phrase: Phrase | None, text: str = "") -> Call:
    """Say a sentence to everybody who waits (clause 3.4): a stored phrase or free text."""
    by.require("queues.call")
    with translation.override(settings.LANGUAGE_CODE):
        words = (phrase.name if phrase else text).strip()
    if not words:
        raise TicketRefused(_("Choose a phrase or write what is to be said."))
    said = Call.objects.create(
        service_point=service_point, text=words[:200], spoken=words[:240], by=by.user
    )
    record(by, "queue.announce", said, text=words[:200])
    publish("wall", point=service_point.code)
    return said


def _way(exam: Exam) -> list[pathway.Stop]:
    steps = list(exam.steps.select_related("phase", "device").order_by("number"))
    return pathway.stops(exam, steps, arrived_at=pathway.arrived_at(exam))


def _issue(by: Actor, exam: Exam, stop: pathway.Stop | None) -> Ticket | None:
    """A ticket for the stop, if the patient is here and a service point is set up for it."""
    if stop is None or exam.visit_state not in pathway.HERE:
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
            _move(by, ticket, "cancel")
        return None
    way = _way(exam)
    due = pathway.next_stop(way)
    if due is None:
        if ticket:
            _move(by, ticket, "finish")
        return None
    if ticket:
        here = pathway.find_stop(way, kind=ticket.service_point.kind, step_id=ticket.step_id)
        if here is not None and way.index(here) >= way.index(due):
            return _follow_step(by, ticket, here)
        _move(by, ticket, "finish")
    ticket = _issue(by, exam, due)
    return _follow_step(by, ticket, due) if ticket else None


def _follow_step(by: Actor, ticket: Ticket, stop: pathway.Stop) -> Ticket:
    """A scan that runs means the patient is in the room, called or not; a moved due time moves the rank."""
    if stop.kind != ServicePoint.Kind.SCANNER or stop.step is None:
        return ticket
    scanning = stop.step.state == "acquiring"
    if scanning and (ticket.state, "serve") in states.TICKET:
        room = stop.step.device.room if stop.step.device else ticket.room
        return _move(by, ticket, "serve", room=room, served_at=timezone.now())
    moved = (ticket.rank_at, ticket.not_before) != (stop.rank_at, stop.not_before)
    if ticket.state == states.WAITING and ticket.priority > 0 and moved:
        ticket.rank_at, ticket.not_before = stop.rank_at, stop.not_before
        ticket.save(update_fields=["rank_at", "not_before"])
    return ticket


def close_yesterday() -> int:
    """Close tickets of earlier days: nobody waits over night. Returns how many."""
    by = system_actor("queues", "queues.call")
    closed = 0
    for ticket in list(Ticket.objects.filter(state__in=states.OPEN, day__lt=_today())):
        with transaction.atomic():
            locked = _locked(ticket)
            if (locked.state, "cancel") in states.TICKET:
                _move(by, locked, "cancel", room=None)
                closed += 1
    return closed

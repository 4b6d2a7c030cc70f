"""Calling: next, again, missed, on hold, first; and sentences for everybody (clauses 3.2, 3.4, 3.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.records.catalogue.models import Room
from hevesy.records.patients.models import Patient
from hevesy.records.queues import announcing, states
from hevesy.records.queues.actions.tickets import (
    TicketRefused,
    local_today,
    locked,
    move,
    order_of,
    tell,
)
from hevesy.records.queues.models import Call, Phrase, Screen, ServicePoint, Ticket

DOUBLE_CLICK = timedelta(seconds=5)
RECALL_AFTER = 2
"""A patient who missed the call waits until this many others have been called (hospitals' usual rule)."""


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
                number=ticket.number,
                patient=patient,
                room=room.name,
                purpose=purpose,
                on=local_today(),
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
    move(by, ticket, "call", room=room, called_at=now, called_count=called_count, note="")
    _announce(by, ticket, room)
    return ticket


def _check_room(service_point: ServicePoint, room: Room, but: Ticket | None = None) -> None:
    """Refuse a call to a room that is no room of this queue or is full."""
    if not service_point.rooms.filter(pk=room.pk).exists():
        raise TicketRefused(
            _("%(room)s does not belong to the queue “%(queue)s”. Choose one of its rooms.")
            % {"room": room.name, "queue": service_point.name}
        )
    inside = Ticket.objects.filter(room=room, day=local_today(), state__in=states.IN_A_ROOM)
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
    now, today = timezone.now(), local_today()
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
    return _call(by, locked(first), room)


@transaction.atomic
def call(by: Actor, ticket: Ticket, room: Room) -> Ticket:
    """Call this patient to the room, out of order if need be (emergency, missed, on hold)."""
    by.require("queues.call")
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = locked(ticket)
    _check_room(service_point, room, but=ticket)
    return _call(by, ticket, room)


@transaction.atomic
def recall(by: Actor, ticket: Ticket) -> Ticket:
    """Say the same call once more."""
    by.require("queues.call")
    ServicePoint.objects.select_for_update(no_key=True).get(pk=ticket.service_point_id)
    ticket = locked(ticket)
    if ticket.state != states.CALLED or ticket.room is None:
        raise TicketRefused(
            _("Ticket %(number)s has not been called. Call it to a room first.")
            % {"number": ticket.number}
        )
    return _call(by, ticket, ticket.room)


@transaction.atomic
def serve(by: Actor, ticket: Ticket, room: Room | None = None) -> Ticket:
    """The patient came in: the call disappears from the wall."""
    ticket = locked(ticket)
    return move(by, ticket, "serve", room=room or ticket.room, served_at=timezone.now(), note="")


@transaction.atomic
def miss(by: Actor, ticket: Ticket) -> Ticket:
    """Nobody came. The ticket keeps its number and waits to be called back."""
    return move(by, locked(ticket), "miss", room=None)


@transaction.atomic
def hold(by: Actor, ticket: Ticket, reason: str = "") -> Ticket:
    """Take the patient out of the order for a while: glucose to repeat, consent missing."""
    return move(by, locked(ticket), "hold", room=None, note=reason.strip()[:120])


@transaction.atomic
def back(by: Actor, ticket: Ticket) -> Ticket:
    """Put the patient back into the queue. Who missed a call comes after the next few, who was held keeps the rank."""
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = locked(ticket)
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
    return move(by, ticket, "back", **fields)


@transaction.atomic
def jump(by: Actor, ticket: Ticket, reason: str) -> Ticket:
    """Let an emergency go first (clause 3.2). The reason is kept."""
    by.require("queues.call")
    if not reason.strip():
        raise TicketRefused(_("Say why this patient goes first."))
    service_point = ServicePoint.objects.select_for_update(no_key=True).get(
        pk=ticket.service_point_id
    )
    ticket = locked(ticket)
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
    tell(ticket)
    return ticket


@transaction.atomic
def cancel(by: Actor, ticket: Ticket) -> Ticket:
    """Give the place up: the exam was cancelled or the patient left."""
    return move(by, locked(ticket), "cancel", room=None)


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


def screen_reports(screen: Screen, sound: str) -> None:
    """A wall screen says that it lives and whether it can be heard. No audit row: it does so twice a minute."""
    known = sound if sound in Screen.Sound.values else Screen.Sound.UNKNOWN
    Screen.objects.filter(pk=screen.pk).update(seen_at=timezone.now(), sound=known)

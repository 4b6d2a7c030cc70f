"""Queues for programs: number machines, screens of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from hevesy.foundation.accounts.actors import Actor
from hevesy.gateways.api.asking import FAULTS, ApiRequest
from hevesy.records.catalogue.models import Room
from hevesy.records.patients.masking import mask_name
from hevesy.records.queues import actions
from hevesy.records.queues.models import ServicePoint, Ticket
from hevesy.records.queues.queries import open_tickets, service_points

router = Router()


class TicketOut(Schema):
    """A place in a queue; the name is masked as on the wall."""

    id: int
    number: str
    state: str
    name: str
    exam: str
    room: str | None
    called_count: int

    @staticmethod
    def resolve_name(ticket: Ticket) -> str:
        return mask_name(ticket.exam.patient.name_zh)

    @staticmethod
    def resolve_exam(ticket: Ticket) -> str:
        return ticket.exam.number

    @staticmethod
    def resolve_room(ticket: Ticket) -> str | None:
        return ticket.room.code if ticket.room else None


class QueueOut(Schema):
    """A queue with its rooms and today's open tickets."""

    code: str
    name_zh: str
    rooms: list[str]
    tickets: list[TicketOut]


class RoomIn(Schema):
    """Where to."""

    room: str


def _queue(point: ServicePoint, tickets: list[Ticket]) -> dict[str, Any]:
    rooms = [room.code for room in point.rooms.all()]
    return {"code": point.code, "name_zh": point.name_zh, "rooms": rooms, "tickets": tickets}


@router.get("/queues", response={200: list[QueueOut], **FAULTS})
def all_queues(request: ApiRequest) -> Any:
    """Every queue of today."""
    points = list(service_points(request.actor))
    tickets = open_tickets(request.actor, points)
    return [_queue(point, tickets[point.pk]) for point in points]


@router.post("/queues/{code}/call-next", response={200: TicketOut, **FAULTS})
def call_next(request: ApiRequest, code: str, body: RoomIn) -> Ticket:
    """Call the next patient to a room."""
    point = get_object_or_404(ServicePoint, code=code, active=True)
    return actions.call_next(request.actor, point, get_object_or_404(Room, code=body.room))


@router.post("/tickets/{ticket_id}/call", response={200: TicketOut, **FAULTS})
def call(request: ApiRequest, ticket_id: int, body: RoomIn) -> Ticket:
    """Call this patient to a room."""
    request.actor.require("queues.call")
    room = get_object_or_404(Room, code=body.room)
    return actions.call(request.actor, get_object_or_404(Ticket, pk=ticket_id), room)


MOVES: dict[str, Callable[[Actor, Ticket], Ticket]] = {
    "recall": actions.recall,
    "serve": actions.serve,
    "miss": actions.miss,
    "hold": actions.hold,
    "back": actions.back,
}


def _mover(name: str) -> None:
    action = MOVES[name]

    def move(request: ApiRequest, ticket_id: int) -> Ticket:
        request.actor.require("queues.call")
        return action(request.actor, get_object_or_404(Ticket, pk=ticket_id))

    move.__doc__ = (action.__doc__ or name).partition("\n")[0]
    address = f"/tickets/{{ticket_id}}/{name}"
    router.post(address, response={200: TicketOut, **FAULTS}, operation_id=f"ticket_{name}")(move)


for _name in MOVES:
    _mover(_name)

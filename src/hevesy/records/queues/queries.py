"""What pages and screens show of the queues."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.queues import actions, states
from hevesy.records.queues.models import Call, Phrase, ServicePoint, Ticket

SHOWN_FOR = timedelta(minutes=3)
"""A call older than this is not shown as the current one."""


def service_points(by: Actor) -> QuerySet[ServicePoint]:
    """The queues of the department with their rooms."""
    by.require("queues.view")
    return ServicePoint.objects.filter(active=True).prefetch_related("rooms").order_by("sort", "id")


def open_tickets(by: Actor, points: Iterable[ServicePoint]) -> dict[int, list[Ticket]]:
    """Today's open tickets of each point, in the order of its queue; one query for all points."""
    by.require("queues.view")
    by_point: dict[int, list[Ticket]] = {point.pk: [] for point in points}
    tickets = (
        Ticket.objects.filter(
            service_point__in=by_point, day=timezone.localdate(), state__in=states.OPEN
        )
        .select_related("exam__patient", "exam__item", "room", "service_point", "step")
        .order_by("id")
    )
    for ticket in tickets:
        by_point[ticket.service_point_id].append(ticket)
    for queue in by_point.values():
        queue.sort(key=order_key)
    return by_point


def order_key(ticket: Ticket) -> tuple[object, ...]:
    """Who is being seen first, then who waits in the order of the queue, then missed and held."""
    groups = (states.SERVING, states.CALLED, states.WAITING, states.MISSED, states.HELD)
    order = actions.order_of(ticket.service_point)
    return (groups.index(ticket.state), *(getattr(ticket, name) for name in order))


def open_ticket(exam_id: int) -> Ticket | None:
    """The exam's open ticket, if the patient is in a queue."""
    return (
        Ticket.objects.filter(exam=exam_id, state__in=states.OPEN)
        .select_related("service_point", "room")
        .first()
    )


def phrases() -> QuerySet[Phrase]:
    """The stored sentences, most used first."""
    return Phrase.objects.filter(active=True)


def calls_since(points: Iterable[int], since: datetime) -> QuerySet[Call]:
    """Announcements of the points after `since`, oldest first: what a screen still has to say."""
    return (
        Call.objects.filter(service_point__in=list(points), at__gt=since)
        .select_related("ticket__exam__patient", "room")
        .order_by("id")
    )


def points_with_tickets(points: Iterable[int]) -> QuerySet[ServicePoint]:
    """Service points with rooms and today's open tickets, for a wall screen. Names are masked by the page."""
    tickets = (
        Ticket.objects.filter(day=timezone.localdate(), state__in=states.OPEN)
        .select_related("exam__patient", "room", "service_point")
        .order_by("id")
    )
    return (
        ServicePoint.objects.filter(pk__in=list(points), active=True)
        .prefetch_related("rooms", Prefetch("tickets", queryset=tickets, to_attr="open_tickets"))
        .order_by("sort", "id")
    )

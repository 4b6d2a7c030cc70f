"""What a wall screen shows: the call, the rooms, who rests, and what the department wants to say (clause 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import get_language

from hevesy.records.catalogue.models import Room
from hevesy.records.equipment.models import Device
from hevesy.records.patients.masking import mask_name
from hevesy.records.queues import queries, states
from hevesy.records.queues.models import Call, Screen, ServicePoint, Ticket

SPOKEN_WITHIN = timedelta(seconds=30)
"""After a reload the screen says again what was called so recently, and nothing older."""
LINES = 5
"""Rows that fit under the call; more rooms take turns."""
TURN_S = 10
LISTED = 6


@dataclass(frozen=True, slots=True)
class Person:
    """A patient as strangers may see one: number and masked name."""

    number: str
    name: str


@dataclass(frozen=True, slots=True)
class Line:
    """A room: who is there, who is next, or why it stands still."""

    room: str
    now: Person | None
    next: Person | None
    down: bool


@dataclass(frozen=True, slots=True)
class Rest:
    """Somebody who rests after the injection, and in how many minutes the call may come (None: any moment)."""

    person: Person
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Current:
    """The call in the only warm colour."""

    person: Person | None
    room: str
    text: str
    again: bool


@dataclass(frozen=True, slots=True)
class Wall:
    """Everything on the screen."""

    title: str
    place: str
    current: Current | None
    lines: list[Line]
    resting: list[Rest]
    waiting: list[Person]
    notices: list[str]
    ticker: str
    video_url: str
    caption: str
    speak: list[Call]


def find(code: str) -> tuple[Screen | None, list[ServicePoint]]:
    """The screen of that code with its service points, or one service point as a screen of its own."""
    screen = Screen.objects.filter(code=code, active=True).select_related("video").first()
    if screen:
        chosen = list(screen.service_points.filter(active=True))
        return screen, chosen or list(ServicePoint.objects.filter(active=True))
    point = ServicePoint.objects.filter(code=code, active=True).first()
    return None, [point] if point else []


def show(screen: Screen | None, points: Sequence[ServicePoint]) -> Wall:
    """Put the screen together. Names are masked here; nothing else about a patient leaves."""
    now = timezone.now()
    ids = [point.pk for point in points]
    queues = list(queries.points_with_tickets(ids))
    calls = list(queries.calls_since(ids, now - queries.SHOWN_FOR))
    return Wall(
        title=_word(screen, "name") if screen else points[0].name,
        place=_word(screen, "place") if screen else "",
        current=_current(calls),
        lines=_turn(_lines(queues), now),
        resting=_resting(queues, now)[:LISTED],
        waiting=_waiting(queues)[:LISTED],
        notices=[line for line in _word(screen, "notice").splitlines() if line.strip()],
        ticker=_word(screen, "ticker"),
        video_url="",
        caption=_word(screen, "video_caption"),
        speak=[call for call in calls if now - call.at < SPOKEN_WITHIN],
    )


def _word(screen: Screen | None, name: str) -> str:
    if screen is None:
        return ""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    return str(getattr(screen, f"{name}_{language}") or getattr(screen, f"{name}_zh"))


def _person(ticket: Ticket) -> Person:
    return Person(ticket.number, mask_name(ticket.exam.patient.name_zh))


def _current(calls: Sequence[Call]) -> Current | None:
    """The newest announcement that still holds: a patient who came in or missed it is not called any more."""
    for call in reversed(calls):
        ticket = call.ticket
        if ticket is None:
            return Current(None, "", call.text, again=False)
        if ticket.state == states.CALLED:
            room = call.room.name if call.room else ""
            return Current(_person(ticket), room, call.text, again=ticket.called_count > 1)
    return None


def _lines(queues: Sequence[ServicePoint]) -> list[Line]:
    rooms = {room.pk: room for queue in queues for room in queue.rooms.all() if room.active}
    standing = set(
        Device.objects.filter(room__in=rooms, availability=Device.Availability.DOWN).values_list(
            "room_id", flat=True
        )
    )
    lines = []
    for queue in queues:
        tickets: list[Ticket] = sorted(queue.open_tickets, key=queries.order_key)  # type: ignore[attr-defined]
        waiting = iter([t for t in tickets if t.state == states.WAITING and _may_come(t)])
        for room in queue.rooms.all():
            if room.pk not in rooms:
                continue
            here = next(
                (t for t in tickets if t.room_id == room.pk and t.state in states.IN_A_ROOM), None
            )
            down = room.pk in standing
            coming = None if down else next(waiting, None)
            lines.append(
                Line(
                    room.name,
                    _person(here) if here else None,
                    _person(coming) if coming else None,
                    down,
                )
            )
    return lines


def _turn(lines: list[Line], now: datetime) -> list[Line]:
    """The rows of this turn: rooms where something happens, five at a time."""
    busy = [line for line in lines if line.now or line.next or line.down] or lines
    pages = max(1, -(-len(busy) // LINES))
    size = max(1, -(-len(busy) // pages))
    first = (int(now.timestamp()) // TURN_S % pages) * size
    return busy[first : first + size]


def _waiting(queues: Sequence[ServicePoint]) -> list[Person]:
    """Who waits and may be called, in the order of the queues, without those in the rows already."""
    found: list[Person] = []
    for queue in queues:
        tickets: list[Ticket] = sorted(queue.open_tickets, key=queries.order_key)  # type: ignore[attr-defined]
        waiting = [t for t in tickets if t.state == states.WAITING and not t.not_before]
        found += [_person(ticket) for ticket in waiting[len(queue.rooms.all()) :]]
    return found


def _may_come(ticket: Ticket) -> bool:
    return not (ticket.not_before and ticket.not_before > timezone.now())


def _resting(queues: Sequence[ServicePoint], now: datetime) -> list[Rest]:
    rows = [
        ticket
        for queue in queues
        for ticket in queue.open_tickets  # type: ignore[attr-defined]
        if ticket.state == states.WAITING and ticket.not_before
    ]
    found = []
    for ticket in sorted(rows, key=lambda row: (row.rank_at, row.pk)):
        left = (ticket.rank_at - now).total_seconds() / 60
        found.append(Rest(_person(ticket), round(left) if left >= 1 else None))
    return found


def rooms_of(points: Sequence[ServicePoint]) -> list[Room]:
    """The rooms that the points call to."""
    return list(Room.objects.filter(servicepoint__in=points, active=True).distinct())

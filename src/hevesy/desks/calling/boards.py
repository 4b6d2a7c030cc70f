"""How the queues look on a page: rooms with who is in them, who is next, who missed the call, who is on hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.ui.chips import Chip
from hevesy.records.catalogue.models import Room
from hevesy.records.queues import queries, states
from hevesy.records.queues.models import ServicePoint, Ticket

CHIPS = {
    states.WAITING: Chip("plain", states.LABELS[states.WAITING], "clock"),
    states.CALLED: Chip("amber", states.LABELS[states.CALLED], "speakerphone"),
    states.SERVING: Chip("ok", states.LABELS[states.SERVING], "door-enter"),
    states.MISSED: Chip("red", states.LABELS[states.MISSED], "user-x"),
    states.HELD: Chip("scheduled", states.LABELS[states.HELD], "player-pause"),
}

MOVES = ("call", "recall", "serve", "miss", "hold", "back", "jump", "finish", "cancel")
"""What a button on a ticket may ask for."""


@dataclass(slots=True)
class Row:
    """A ticket as a list shows it."""

    ticket: Ticket
    now: datetime

    @property
    def chip(self) -> Chip:
        """State as icon and word."""
        return CHIPS[self.ticket.state]

    @property
    def waited_min(self) -> int:
        """Minutes since the ticket was issued."""
        return max(0, int((self.now - self.ticket.created_at).total_seconds() // 60))

    @property
    def due_min(self) -> int | None:
        """At a scanner: minutes until the scan is due, negative when late."""
        if self.ticket.service_point.kind != ServicePoint.Kind.SCANNER or not self.ticket.step:
            return None
        return round((self.ticket.rank_at - self.now).total_seconds() / 60)

    @property
    def late_min(self) -> int:
        """Minutes past the due time."""
        return -(self.due_min or 0)

    @property
    def resting(self) -> bool:
        """Whether the uptake window is not open yet."""
        return bool(self.ticket.not_before and self.ticket.not_before > self.now)

    @property
    def tone(self) -> str:
        """Colour of the row: emergency and late red, soon amber."""
        if self.ticket.priority == 0:
            return "is-red"
        if self.due_min is not None and self.due_min < 0:
            return "is-red" if self.due_min < -10 else "is-amber"
        return ""


@dataclass(slots=True)
class RoomRow:
    """A room of a queue and who is called to it or in it."""

    room: Room
    rows: list[Row] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether nobody else fits in."""
        return len(self.rows) >= self.room.capacity

    @property
    def why_full(self) -> str:
        """Whom to finish first."""
        return "、".join(row.ticket.number for row in self.rows)


@dataclass(slots=True)
class Board:
    """One queue."""

    point: ServicePoint
    rooms: list[RoomRow]
    waiting: list[Row]
    missed: list[Row]
    held: list[Row]
    my_room: str = ""

    @property
    def free_room(self) -> Room | None:
        """Where a patient may be called out of order: this workstation's room if it is free, else the first free."""
        free = [row.room for row in self.rooms if not row.full]
        return next((room for room in free if room.code == self.my_room), None) or next(
            iter(free), None
        )

    @property
    def missed_and_held(self) -> list[Row]:
        """Who must not be forgotten."""
        return [*self.missed, *self.held]

    @property
    def callable_count(self) -> int:
        """How many may be called now."""
        return sum(not row.resting for row in self.waiting)

    def room(self, code: str) -> RoomRow | None:
        """The room of that code, else the first."""
        by_code = {row.room.code: row for row in self.rooms}
        return by_code.get(code) or (self.rooms[0] if self.rooms else None)


def boards(by: Actor, codes: Iterable[str] = ()) -> list[Board]:
    """The queues (all, or those of `codes`) with today's tickets: three queries, however many queues."""
    points = list(queries.service_points(by))
    wanted = set(codes)
    if wanted:
        points = [point for point in points if point.code in wanted]
    tickets = queries.open_tickets(by, points)
    return [board(point, tickets[point.pk]) for point in points]


def board(point: ServicePoint, tickets: list[Ticket]) -> Board:
    """Sort a queue's tickets (in its order) into rooms and lists."""
    now = timezone.now()
    rows = [Row(ticket, now) for ticket in tickets]
    rooms = [RoomRow(room) for room in point.rooms.all() if room.active]
    by_room = {entry.room.pk: entry for entry in rooms}
    for row in rows:
        if row.ticket.state in states.IN_A_ROOM and row.ticket.room_id in by_room:
            by_room[row.ticket.room_id].rows.append(row)
    return Board(
        point=point,
        rooms=rooms,
        waiting=[row for row in rows if row.ticket.state == states.WAITING],
        missed=[row for row in rows if row.ticket.state == states.MISSED],
        held=[row for row in rows if row.ticket.state == states.HELD],
    )


SOUND_WORDS = {
    "off": _("offline"),
    "on": _("online, speaks"),
    "blocked": _("online, silent: click the screen once"),
    "missing": _("online, silent: no Chinese voice installed"),
    "unknown": _("online"),
}
SOUND_CHIPS = {
    "off": Chip("red", SOUND_WORDS["off"], "plug-connected-x"),
    "on": Chip("ok", SOUND_WORDS["on"], "volume"),
    "blocked": Chip("amber", SOUND_WORDS["blocked"], "volume-off"),
    "missing": Chip("amber", SOUND_WORDS["missing"], "volume-off"),
    "unknown": Chip("plain", SOUND_WORDS["unknown"], "device-tv"),
}

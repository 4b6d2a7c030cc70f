"""Everything that moves a ticket: one table, one row lock (clauses 3.1-3.5, 2.7, 4.4, 5.5)."""

from hevesy.records.queues.actions.calls import (
    announce,
    back,
    call,
    call_next,
    cancel,
    hold,
    jump,
    miss,
    recall,
    screen_reports,
    serve,
)
from hevesy.records.queues.actions.following import close_yesterday, finish, follow
from hevesy.records.queues.actions.tickets import TicketRefused, issue_ticket, order_of

__all__ = [
    "TicketRefused",
    "announce",
    "back",
    "call",
    "call_next",
    "cancel",
    "close_yesterday",
    "finish",
    "follow",
    "hold",
    "issue_ticket",
    "jump",
    "miss",
    "order_of",
    "recall",
    "screen_reports",
    "serve",
]

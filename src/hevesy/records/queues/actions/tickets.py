"""The one writer of a ticket's state: issued, moved by the table, told to the screens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.ui.live import publish
from hevesy.records.exams.models import Exam, ExamStep
from hevesy.records.queues import states
from hevesy.records.queues.models import ServicePoint, Ticket, TicketSequence


class TicketRefused(Refused):
    """The ticket cannot do that now."""


def local_today() -> date:
    """The day of the queue: the site's."""
    return timezone.localdate()


def tell(ticket: Ticket) -> None:
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
        move(by, open_ticket, "finish")
    day = local_today()
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
    tell(ticket)
    return ticket


def locked(ticket: Ticket) -> Ticket:
    """The ticket as it is now, locked until the transaction ends."""
    return (
        Ticket.objects.select_for_update(of=("self",), no_key=True)
        .select_related("exam__patient", "service_point", "room")
        .get(pk=ticket.pk)
    )


def move(by: Actor, ticket: Ticket, step: str, **fields: Any) -> Ticket:
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
    tell(ticket)
    return ticket


def order_of(service_point: ServicePoint) -> tuple[str, ...]:
    """The order of a queue. A scanner queue goes by the time the scan is due: decay waits for nobody."""
    if service_point.kind == ServicePoint.Kind.SCANNER:
        return ("rank_at", "priority", "id")
    return ("priority", "rank_at", "id")

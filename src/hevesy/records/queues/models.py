"""Tickets and calls (clauses 3.1-3.5, 2.7, 4.4, 5.5)."""

from __future__ import annotations

from django.db import models

from hevesy.records.catalogue.models import ModalityClass, Named, Room
from hevesy.records.exams.models import Exam, ExamStep


class ServicePoint(Named):
    """Where patients wait for something: interview, injection, scanner. Its rooms are the sub-queues."""

    prefix = models.CharField(max_length=4)
    rooms = models.ManyToManyField(Room, blank=True)
    modality_classes = models.ManyToManyField(ModalityClass, blank=True)


class Ticket(models.Model):
    """A patient's place in a queue. `state` moves by the table in states.py."""

    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="tickets")
    step = models.ForeignKey(ExamStep, null=True, on_delete=models.PROTECT)
    service_point = models.ForeignKey(
        ServicePoint, on_delete=models.PROTECT, related_name="tickets"
    )
    day = models.DateField(db_index=True)
    number = models.CharField(max_length=8)
    state = models.CharField(max_length=12, db_index=True)
    priority = models.PositiveSmallIntegerField(default=2)
    rank_at = models.DateTimeField(
        help_text="what the queue orders by: arrival, appointment or scan-due time"
    )
    room = models.ForeignKey(Room, null=True, on_delete=models.PROTECT)
    called_count = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service_point", "day", "number"], name="one_ticket_per_number"
            ),
            models.UniqueConstraint(
                fields=["exam"],
                condition=models.Q(state__in=["waiting", "called", "serving", "missed", "held"]),
                name="one_open_ticket_per_exam",
            ),
        ]


class Call(models.Model):
    """One announcement, as spoken and shown."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="calls")
    room = models.ForeignKey(Room, null=True, on_delete=models.PROTECT)
    text = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)

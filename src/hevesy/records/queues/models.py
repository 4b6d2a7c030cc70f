"""Tickets and calls (clauses 3.1-3.5, 2.7, 4.4, 5.5)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import get_language, pgettext_lazy

from hevesy.records.catalogue.models import ModalityClass, Named, Room
from hevesy.records.exams.models import Exam, ExamStep


class ServicePoint(Named):
    """Where patients wait for something: interview, injection, scanner. Its rooms are the sub-queues."""

    class Kind(models.TextChoices):
        INTERVIEW = "interview", pgettext_lazy("service point", "interview")
        INJECTION = "injection", pgettext_lazy("service point", "injection")
        SCANNER = "scanner", pgettext_lazy("service point", "acquisition")
        OTHER = "other", pgettext_lazy("service point", "other")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    prefix = models.CharField(max_length=4)
    rooms = models.ManyToManyField(Room, blank=True)
    modality_classes = models.ManyToManyField(
        ModalityClass, blank=True, help_text="whose patients wait here; empty: of every class"
    )
    purpose_zh = models.CharField(
        max_length=20, blank=True, help_text="last word of a call: 注射, 问诊, 检查"
    )
    purpose_en = models.CharField(max_length=40, blank=True)

    @property
    def purpose(self) -> str:
        """What a called patient comes for, in the language of the request."""
        return self.purpose_en if (get_language() or "").startswith("en") else self.purpose_zh


class TicketSequence(models.Model):
    """The last number given at a service point on a day; locked while a number is taken."""

    service_point = models.ForeignKey(ServicePoint, on_delete=models.CASCADE)
    day = models.DateField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service_point", "day"], name="one_ticket_sequence_per_day"
            )
        ]


class Ticket(models.Model):
    """A patient's place in a queue. `state` moves by the table in states.py."""

    exam = models.ForeignKey(Exam, on_delete=models.PROTECT, related_name="tickets")
    step = models.ForeignKey(ExamStep, null=True, on_delete=models.PROTECT, related_name="tickets")
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
    not_before = models.DateTimeField(
        null=True, help_text="'call next' passes over it until then: the uptake window is not open"
    )
    room = models.ForeignKey(Room, null=True, on_delete=models.PROTECT)
    called_count = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(null=True)
    served_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=120, blank=True, help_text="why it is on hold or missed")
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
        indexes = [models.Index(fields=["service_point", "day", "state"], name="ticket_queue")]

    def __str__(self) -> str:
        return self.number


class Call(models.Model):
    """One announcement, as shown and as spoken. Without a ticket: a phrase for everybody who waits there."""

    ticket = models.ForeignKey(Ticket, null=True, on_delete=models.PROTECT, related_name="calls")
    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="calls")
    room = models.ForeignKey(Room, null=True, on_delete=models.PROTECT)
    text = models.CharField(max_length=200)
    spoken = models.CharField(
        max_length=240, help_text="the same for a voice: digits one by one, surname readings"
    )
    at = models.DateTimeField(auto_now_add=True, db_index=True)
    by = models.ForeignKey("accounts.User", null=True, on_delete=models.PROTECT)


class Phrase(Named):
    """A sentence that is often announced (clause 3.4): 请憋尿, 请排空膀胱. The name is the sentence."""


class Screen(Named):
    """A wall screen of a waiting area (clause 3.3): which queues it shows, and what it says beside them."""

    class Sound(models.TextChoices):
        UNKNOWN = "unknown", pgettext_lazy("screen", "not heard of")
        ON = "on", pgettext_lazy("screen", "speaks")
        BLOCKED = "blocked", pgettext_lazy("screen", "silent: the browser wants a click")
        MISSING = "missing", pgettext_lazy("screen", "silent: no Chinese voice")

    service_points = models.ManyToManyField(ServicePoint, blank=True)
    place_zh = models.CharField(max_length=60, blank=True)
    place_en = models.CharField(max_length=60, blank=True)
    notice_zh = models.TextField(blank=True, help_text="box on the right, one line a paragraph")
    notice_en = models.TextField(blank=True)
    ticker_zh = models.CharField(max_length=300, blank=True)
    ticker_en = models.CharField(max_length=300, blank=True)
    video = models.ForeignKey("files.StoredFile", null=True, blank=True, on_delete=models.PROTECT)
    video_caption_zh = models.CharField(max_length=80, blank=True)
    video_caption_en = models.CharField(max_length=80, blank=True)
    seen_at = models.DateTimeField(
        null=True, help_text="when the screen last asked for its content"
    )
    sound = models.CharField(
        max_length=10,
        choices=Sound,
        default=Sound.UNKNOWN,
        help_text="what the screen said about its voice when it last spoke or could not",
    )

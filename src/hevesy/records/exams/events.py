"""Past-tense events of examinations, sent after commit (`sender=Exam`). A failing receiver stops nobody."""

from __future__ import annotations

from django.dispatch import Signal

exam_booked = Signal()
"""`exam`"""
exam_rescheduled = Signal()
"""`exam`"""
exam_arrived = Signal()
"""`exam`"""
exam_interviewed = Signal()
"""`exam`, `interview`"""
exam_moved = Signal()
"""`exam`, `event`: every move of visit, step or report, also those that have an event of their own."""
exam_cancelled = Signal()
"""`exam`: cancelled, missed or discontinued."""

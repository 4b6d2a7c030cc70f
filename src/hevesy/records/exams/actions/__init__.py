"""The only writers of examinations. One file per act; everything public is named here."""

from hevesy.records.exams.actions.book import (
    book_exam,
    correct_exam,
    reschedule,
    reschedule_step,
)
from hevesy.records.exams.actions.claim import AlreadyBooked, BookingRefused, SlotTaken
from hevesy.records.exams.actions.export import ExportRefused, export_exams
from hevesy.records.exams.actions.interview import InterviewRefused, record_interview
from hevesy.records.exams.actions.moves import MoveRefused, set_report_state
from hevesy.records.exams.actions.steps import discontinue_exam, move_step
from hevesy.records.exams.actions.visit import (
    cancel_exam,
    mark_arrived,
    mark_no_show,
    restore_exam,
    take_arrival_back,
)

__all__ = [
    "AlreadyBooked",
    "BookingRefused",
    "ExportRefused",
    "InterviewRefused",
    "MoveRefused",
    "SlotTaken",
    "book_exam",
    "cancel_exam",
    "correct_exam",
    "discontinue_exam",
    "export_exams",
    "mark_arrived",
    "mark_no_show",
    "move_step",
    "record_interview",
    "reschedule",
    "reschedule_step",
    "restore_exam",
    "set_report_state",
    "take_arrival_back",
]

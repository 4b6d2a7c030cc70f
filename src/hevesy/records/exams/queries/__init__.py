"""Reading examinations, narrowed to what the reader may see."""

from hevesy.records.exams.queries.finding import Criteria, find, waiting
from hevesy.records.exams.queries.lists import (
    by_code,
    by_number,
    counts_by_state,
    day_list,
    on_day,
    visible_to,
    with_rows,
)
from hevesy.records.exams.queries.overdue import due_soon, overdue
from hevesy.records.exams.queries.slots import (
    Option,
    booking_notes,
    day_options,
    first_free,
    next_step_of,
    week,
)
from hevesy.records.exams.queries.worklist import worklist

__all__ = [
    "Criteria",
    "Option",
    "booking_notes",
    "by_code",
    "by_number",
    "counts_by_state",
    "day_list",
    "day_options",
    "due_soon",
    "find",
    "first_free",
    "next_step_of",
    "on_day",
    "overdue",
    "visible_to",
    "waiting",
    "week",
    "with_rows",
    "worklist",
]

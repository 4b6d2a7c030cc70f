"""How an examination looks: ages, marks, path."""

from datetime import date

import pytest
from django.utils import translation

from hevesy.records.exams import states
from hevesy.records.exams.actions import cancel_exam, mark_arrived
from hevesy.records.exams.presenting import age, chip, event_word, marks, path


@pytest.mark.parametrize(
    ("born", "words"),
    [
        (date(1964, 11, 24), "62 岁"),
        (date(1964, 11, 25), "61 岁"),
        (date(2024, 11, 24), "24 个月"),
        (date(2023, 11, 24), "3 岁"),
        (date(2026, 11, 20), "4 天"),
        (None, ""),
    ],
)
def test_ages_are_said_in_years_months_or_days(born, words):
    with translation.override("zh-hans"):
        assert age(born, date(2026, 11, 24)) == words


def test_every_state_has_a_chip_and_every_flag_a_mark():
    with translation.override("zh-hans"):
        assert [str(mark.char) for mark in marks(["emergency", "diabetes", "child"])] == [
            "急",
            "糖",
            "童",
        ]
        assert str(chip("submitted").word) == "待审核"
        assert event_word("arrive") == "报到"
    for state in states.STATES:
        assert chip(state).icon


def test_the_path_shows_what_is_done_now_and_to_come(the_desk, an_exam):
    exam = mark_arrived(the_desk, an_exam)

    items = path(exam, list(exam.steps.all()), list(exam.timeline.all()))

    assert [item["status"] for item in items][:4] == ["done", "now", "next", "next"]
    assert items[0]["note"] == "08:05"


def test_a_cancelled_path_ends_with_its_end(the_desk, an_exam):
    exam = cancel_exam(the_desk, an_exam, "患者要求")

    items = path(exam, list(exam.steps.all()), list(exam.timeline.all()))

    assert items[-1]["status"] == "now"
    assert items[-1]["key"] == "cancelled"
    assert items[0]["status"] == "done"

"""Every number of the statistics is the length of a list."""

import re

import pytest

from hevesy.desks.department.tests.pages import text_of
from hevesy.records.catalogue.models import (
    ExamItem,
)
from hevesy.records.exams.actions import book_exam, cancel_exam, mark_arrived, move_step
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries.statistics import DIMENSIONS, GROUPS, counted
from hevesy.records.exams.testing import TUESDAY, at


@pytest.mark.clause("10.17")
def test_every_number_of_the_statistics_is_the_length_of_its_list(head, the_desk, a_patient):
    for n, code in enumerate(("fdg-body", "bone-spect-ct", "bmd", "fdg-brain", "fdg-body")):
        item = ExamItem.objects.get(code=code)
        exam = book_exam(the_desk, patient=a_patient, item=item, starts_at=at(11 + n))
        if n == 0:
            cancel_exam(the_desk, exam, "试")
        if n == 2:
            mark_arrived(the_desk, exam)
            Exam.objects.filter(pk=exam.pk).update(visit_state="interviewed")
            move_step(the_desk, exam.steps.get(), "start")
    page = text_of(head.get("/department/statistics/?from=2026-11-24&to=2026-11-24"))
    links = re.findall(r'<a href="(/registration/search/\?[^"]+)">(?:<b>)?(\d+)', page)
    assert len(links) > 8

    for url, count in links:
        found = text_of(head.get(url.replace("&amp;", "&"), HTTP_HX_REQUEST="true"))
        number = re.search(r'<b class="hv-n[^"]*">(\d+)</b>', found)
        assert number, url
        assert number[1] == count, url


def test_the_groups_of_the_statistics_hold_every_state_once(the_desk, an_exam):
    from hevesy.records.exams.states import STATES

    grouped = [state for _word, states in GROUPS.values() for state in states]
    assert sorted(grouped) == sorted(STATES)
    for dimension in DIMENSIONS:
        assert counted(the_desk, dimension, TUESDAY, TUESDAY) is not None

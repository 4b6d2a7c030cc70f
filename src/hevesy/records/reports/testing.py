"""Pytest plugin: an examination on its way to a published report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hevesy.foundation.accounts.actors import Actor
    from hevesy.foundation.accounts.models import User
    from hevesy.records.exams.models import Exam
    from hevesy.records.reports.models import Publication, Report

ActorFor = Callable[["User"], "Actor"]
SECTIONS = {
    "technique": "静脉注射显像剂后 60 分钟显像。",
    "findings": "右肺上叶见一实性结节，代谢增高，SUVmax 12.8。",
    "impression": "1. 右肺上叶结节，符合周围型肺癌。\n2. 余未见明显异常。",
}


@pytest.fixture
def an_acquired_exam(an_exam: Exam) -> Exam:
    """An exam whose images are complete. The walk there has tests of its own."""
    an_exam.steps.update(state="acquired")
    an_exam.visit_state, an_exam.state = "interviewed", "acquired"
    an_exam.save()
    return an_exam


@pytest.fixture
def a_report_in_work(an_acquired_exam: Exam, a_doctor: User, actor_for: ActorFor) -> Report:
    """The doctor's draft."""
    from hevesy.records.reports.actions import start_report

    return start_report(actor_for(a_doctor), an_acquired_exam, SECTIONS)


@pytest.fixture
def an_audited_report(
    a_report_in_work: Report, a_doctor: User, a_chief: User, actor_for: ActorFor
) -> Report:
    """The doctor's report as the chief made it final; not published."""
    from hevesy.records.reports.actions import audit_report, submit_report

    submitted = submit_report(actor_for(a_doctor), a_report_in_work, SECTIONS, base_number=1)
    return audit_report(actor_for(a_chief), submitted, SECTIONS, base_number=2)


@pytest.fixture
def a_publication(an_audited_report: Report, a_chief: User, actor_for: ActorFor) -> Publication:
    """That report, published."""
    from hevesy.records.reports.actions import publish_report

    return publish_report(actor_for(a_chief), an_audited_report)

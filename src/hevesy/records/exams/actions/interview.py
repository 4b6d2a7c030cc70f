"""Recording an interview (clauses 5.2, 5.3): several are possible, none is edited; numbers go onto the exam."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.catalogue.models import InterviewTemplate
from hevesy.records.catalogue.queries import policy
from hevesy.records.exams import events
from hevesy.records.exams.actions.book import plan_activities
from hevesy.records.exams.actions.moves import MoveRefused, lock, move_visit
from hevesy.records.exams.models import Exam, Interview
from hevesy.records.exams.questions import check_answers, raised_flags

GLUCOSE_LIMIT_MMOL_L = 11.1
"""Above it an FDG study is usually put off: EANM procedure guideline 2.0 for FDG PET/CT tumour imaging (2015),
11 mmol/L; the department's limit is the policy `interview.glucose_limit_mmol_l`."""

NUMBERS = {
    "weight_kg": "0.01",
    "height_cm": "0.1",
    "glucose_mmol_l": "0.1",
    "fasting_h": "0.1",
}
"""Answers copied onto the exam, with the places kept."""


class InterviewRefused(MoveRefused):
    """Answers do not fit; `faults` maps question keys to sentences. Nothing was written."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        super().__init__(
            _("%(count)d answers need another look; nothing was saved yet.")
            % {"count": len(faults)}
        )


@transaction.atomic
def record_interview(
    by: Actor, exam: Exam, answers: Mapping[str, Any], *, template: InterviewTemplate | None = None
) -> Interview:
    """Check the answers against the item's template, keep them with their questions, set what follows from them.

    Weight, height, glucose, fasting and pregnancy go onto the exam, flags are raised or taken back by the rules of
    the questions, and activities by weight are planned anew. Raises `InterviewRefused` with faults by question.
    """
    by.require("exams.interview")
    exam = lock(exam)
    template = template or template_for(exam)
    clean, faults = check_answers(template.questions, answers, sex=exam.patient.sex)
    if faults:
        raise InterviewRefused(faults)
    interview = Interview.objects.create(
        exam=exam,
        template_code=template.code,
        template_version=template.version,
        questions=template.questions,
        answers=clean,
        interviewer=by.user,
    )
    for key, places in NUMBERS.items():
        if key in clean:
            setattr(exam, key, Decimal(str(clean[key])).quantize(Decimal(places)))
    if "pregnancy" in clean:
        exam.pregnancy = int(clean["pregnancy"])
    exam.flags = _flags(exam, template, clean)
    plan_activities(exam)
    move_visit(by, exam, "interview", tell=events.exam_interviewed, interview=interview)
    return interview


def template_for(exam: Exam) -> InterviewTemplate:
    """The item's own template, else the core questions; refuses when the catalogue has neither."""
    template = exam.item.interview_template or InterviewTemplate.objects.filter(code="core").first()
    if template is None:
        raise MoveRefused(
            _("%(item)s has no interview template. Choose one in the catalogue.")
            % {"item": exam.item.name}
        )
    return template


def _flags(exam: Exam, template: InterviewTemplate, clean: Mapping[str, Any]) -> list[str]:
    raised, denied = raised_flags(template.questions, clean)
    flags = (set(exam.flags) - denied) | raised
    limit = float(policy("interview.glucose_limit_mmol_l", GLUCOSE_LIMIT_MMOL_L))
    if exam.glucose_mmol_l is not None and float(exam.glucose_mmol_l) > limit:
        flags.add("diabetes")
    if exam.pregnancy in (Exam.Pregnancy.POSSIBLE, Exam.Pregnancy.DEFINITE):
        flags.add("pregnancy")
    elif exam.pregnancy == Exam.Pregnancy.NOT:
        flags.discard("pregnancy")
    order = ("emergency", "pregnancy", "child", "diabetes", "allergy", "deaf")
    return [flag for flag in order if flag in flags] + sorted(flags - set(order))

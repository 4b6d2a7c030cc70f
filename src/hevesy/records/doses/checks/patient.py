"""The patient in the chair: pregnancy, glucose, weight, allergies, and how it was found out who it is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.records.doses.checks.findings import Finding, Intent, Level, Limits
from hevesy.records.exams.models import Exam

AGE_MAY_BE_PREGNANT: Final = range(12, 56)


def age_on(exam: Exam, at: datetime) -> int | None:
    """Age in whole years, None if the birth date is unknown."""
    born = exam.patient.birth_date
    if born is None:
        return None
    on = timezone.localdate(at)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def patient(intent: Intent, limits: Limits) -> list[Finding]:
    return [
        *_pregnancy(intent.step.exam, intent.now),
        *_glucose(intent, limits),
        *_notes(intent),
    ]


def _pregnancy(exam: Exam, now: datetime) -> list[Finding]:
    if exam.pregnancy == Exam.Pregnancy.DEFINITE:
        return [Finding("pregnancy", Level.STOP, _("The patient is pregnant."))]
    if exam.pregnancy == Exam.Pregnancy.POSSIBLE:
        return [Finding("pregnancy", Level.SECOND, _("The patient may be pregnant"))]
    age = age_on(exam, now)
    asked = exam.pregnancy == Exam.Pregnancy.NOT
    of_age = age is None or age in AGE_MAY_BE_PREGNANT
    if exam.patient.sex != "M" and of_age and not asked:
        return [
            Finding(
                "pregnancy",
                Level.STOP,
                _("Pregnancy is not answered. Ask, and record it in the interview."),
            )
        ]
    return [Finding("pregnancy", Level.OK, _("Not pregnant"))] if asked else []


def _glucose(intent: Intent, limits: Limits) -> list[Finding]:
    if intent.unit.batch.tracer.short != "FDG":
        return []
    glucose = intent.step.exam.glucose_mmol_l
    if glucose is None:
        return [Finding("glucose", Level.NOTE, _("Glucose not measured"))]
    values = {"glucose": f"{glucose:.1f}", "limit": f"{limits.glucose_mmol_l:g}"}
    if float(glucose) > limits.glucose_mmol_l:
        return [
            Finding(
                "glucose", Level.WARN, _("Glucose %(glucose)s, above %(limit)s mmol/L") % values
            )
        ]
    return [
        Finding("glucose", Level.OK, _("Glucose %(glucose)s, not above %(limit)s mmol/L") % values)
    ]


def _notes(intent: Intent) -> list[Finding]:
    found = []
    exam = intent.step.exam
    if exam.weight_kg is None:
        found.append(Finding("weight", Level.NOTE, _("Weight not recorded: no SUV possible")))
    else:
        found.append(
            Finding(
                "weight", Level.OK, _("Weight %(weight)s kg") % {"weight": f"{exam.weight_kg:.1f}"}
            )
        )
    if exam.patient.allergies:
        found.append(
            Finding(
                "allergy", Level.NOTE, _("Allergies: %(what)s") % {"what": exam.patient.allergies}
            )
        )
    if intent.identified_by != "scan":
        found.append(Finding("manual", Level.WARN, _("Identified by hand, not by scan")))
    return found

"""What a report states about its examination besides its prose: drug, activity, times, device, body (clause 6.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from hevesy.records.doses.models import Administration
from hevesy.records.exams.models import Exam


def administrations(exam: Exam) -> list[Administration]:
    """Every administration of the exam, first one first."""
    rows = Administration.objects.filter(step__exam=exam).select_related(
        "unit__batch__tracer__nuclide", "step"
    )
    return list(rows.order_by("started_at"))


def exam_facts(exam: Exam) -> dict[str, Any]:
    """The facts as JSON: numbers with units in their names, times in UTC; kept with every version of the report."""
    given = administrations(exam)
    steps = list(exam.steps.select_related("device", "tracer").order_by("number"))
    started = [step.started_at for step in steps if step.started_at]
    uptake_min = None
    if given and started:
        uptake_min = round((min(started) - given[0].started_at).total_seconds() / 60)
    dose_msv = _effective_dose_msv(given)
    return {
        "exam_number": exam.number,
        "item_zh": exam.item.name_zh,
        "item_en": exam.item.name_en,
        "device": next((step.device.name_zh for step in steps if step.device), ""),
        "tracers": [
            {
                "name": row.unit.batch.tracer.plain,
                "administered_mbq": float(row.administered_mbq)
                if row.administered_mbq is not None
                else None,
                "at": row.started_at.isoformat(),
                "route": row.route,
                "batch": row.unit.batch.number,
            }
            for row in given
        ],
        "acquired_at": min(started).isoformat() if started else None,
        "uptake_min": uptake_min,
        "weight_kg": _number(exam.weight_kg),
        "height_cm": _number(exam.height_cm),
        "glucose_mmol_l": _number(exam.glucose_mmol_l),
        "fasting_h": _number(exam.fasting_h),
        "effective_dose_msv": dose_msv,
    }


def _number(value: Any) -> float | None:
    return float(value) if value is not None else None


def _effective_dose_msv(given: list[Administration]) -> float | None:
    """Sum of activity times the adult coefficient; none when a coefficient is missing rather than a guess."""
    total = 0.0
    for row in given:
        coefficient = row.unit.batch.tracer.effective_dose_msv_per_mbq
        if coefficient is None or row.administered_mbq is None:
            return None
        total += float(row.administered_mbq) * coefficient
    return round(total, 1) if given else None


def template_values(exam: Exam) -> dict[str, str]:
    """What `{{name}}` in a report template becomes; a missing value stays as its field, so that the check finds it."""
    facts = exam_facts(exam)
    tracer = facts["tracers"][0] if facts["tracers"] else {}
    values: dict[str, Any] = {
        "tracer": tracer.get("name") or _planned_tracer(exam),
        "activity_mbq": _rounded(tracer.get("administered_mbq"), 0),
        "uptake_min": facts["uptake_min"],
        "weight_kg": _rounded(facts["weight_kg"], 1),
        "height_cm": _rounded(facts["height_cm"], 0),
        "glucose_mmol_l": _rounded(facts["glucose_mmol_l"], 1),
        "fasting_h": _rounded(facts["fasting_h"], 0),
        "device": facts["device"],
        "diagnosis": exam.clinical_diagnosis,
        "patient": exam.patient.name_zh,
        "today": timezone.localdate().isoformat(),
    }
    return {name: str(value) for name, value in values.items() if value not in (None, "")}


def _planned_tracer(exam: Exam) -> str:
    first = exam.steps.select_related("tracer").first()
    return first.tracer.plain if first and first.tracer else ""


def _rounded(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"


def fill(sections: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Template text with its `{{fields}}` replaced. Text only: a template can neither run code nor read objects."""

    def value(match: re.Match[str]) -> str:
        return values.get(match.group(1).strip(), match.group(0))

    return {name: re.sub(r"\{\{(.*?)\}\}", value, text) for name, text in sections.items()}

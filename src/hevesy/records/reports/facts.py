"""What a report states about its examination besides its prose: drug, activity, times, device, body (clause 6.7)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.records.doses.models import Administration
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import age


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
    """What `{{name}}` in a report template becomes, with units, in the language of the page.

    A missing value becomes its word in brackets, 【血糖】, which the check of the text finds.
    """
    facts = exam_facts(exam)
    given = facts["tracers"][0] if facts["tracers"] else {}
    injected_at, scanned_at = given.get("at"), facts["acquired_at"]
    values = {
        "patient": exam.patient.name_zh,
        "sex": exam.patient.get_sex_display(),
        "age": age(exam.patient.birth_date),
        "item": exam.item.name,
        "tracer": given.get("name") or _planned_tracer(exam),
        "activity": _quantity(given.get("administered_mbq"), 0, "MBq"),
        "injected_at": _clock(injected_at),
        "scanned_at": _clock(scanned_at),
        "uptake": _("%(n)d minutes") % {"n": facts["uptake_min"]} if facts["uptake_min"] else "",
        "weight": _quantity(facts["weight_kg"], 1, "kg"),
        "height": _quantity(facts["height_cm"], 0, "cm"),
        "glucose": _quantity(facts["glucose_mmol_l"], 1, "mmol/L"),
        "fasting": _quantity(facts["fasting_h"], 0, "h"),
        "device": facts["device"],
        "diagnosis": exam.clinical_diagnosis,
    }
    words = {
        "tracer": _("radiopharmaceutical"),
        "activity": _("activity"),
        "injected_at": _("injection time"),
        "scanned_at": _("scan time"),
        "uptake": _("uptake time"),
        "weight": _("weight"),
        "height": _("height"),
        "glucose": _("glucose"),
        "fasting": _("fasting time"),
        "device": _("device"),
        "diagnosis": _("diagnosis"),
        "age": _("age"),
        "sex": _("sex"),
    }
    return {name: value or f"【{words.get(name, name)}】" for name, value in values.items()}


def _planned_tracer(exam: Exam) -> str:
    first = exam.steps.select_related("tracer").first()
    return first.tracer.plain if first and first.tracer else ""


def _quantity(value: float | None, digits: int, unit: str) -> str:
    return "" if value is None else f"{value:.{digits}f} {unit}"


def _clock(at: str | None) -> str:
    return f"{timezone.localtime(datetime.fromisoformat(at)):%H:%M}" if at else ""


def fill(sections: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Template text with its `{{fields}}` replaced. Text only: a template can neither run code nor read objects."""

    def value(match: re.Match[str]) -> str:
        return values.get(match.group(1).strip(), match.group(0))

    return {name: re.sub(r"\{\{(.*?)\}\}", value, text) for name, text in sections.items()}

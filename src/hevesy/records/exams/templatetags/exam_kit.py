"""Filters that every page about examinations uses: `{% load exam_kit %}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

from hevesy.foundation.ui.chips import Chip
from hevesy.records.catalogue.models import Tracer
from hevesy.records.exams import presenting
from hevesy.records.exams.models import ExamStep
from hevesy.records.patients import masking
from hevesy.records.patients.models import Patient

register = template.Library()


@register.filter
def exam_chip(state: str) -> Chip:
    """`exam.state|exam_chip`: the chip for `<c-ui.state :chip=…>`."""
    return presenting.chip(state)


@register.filter
def flag_marks(flags: Iterable[str]) -> list[presenting.Mark]:
    """`exam.flags|flag_marks`: characters with colour and meaning for `<c-ui.flag>`."""
    return presenting.marks(flags or ())


@register.filter
def age(patient: Patient) -> str:
    """`patient|age`: 62 岁."""
    return presenting.age(patient.birth_date)


@register.filter
def figure(value: Any) -> str:
    """A decimal number without idle zeros: 3.7000 → 3.7, 185.000000 → 185."""
    if value in (None, ""):
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def latin(name: str) -> str:
    """`patient.name_latin|latin`: Shan Xiongxin, without the caret of DICOM."""
    return name.replace("^", " ")


@register.filter
def event_word(event: str) -> str:
    """`row.event|event_word`: what happened, in words."""
    return presenting.event_word(event)


@register.filter
def tracers(steps: Iterable[ExamStep]) -> list[Tracer]:
    """`exam.steps.all|tracers`: the different tracers of the steps, in their order."""
    return list({step.tracer_id: step.tracer for step in steps if step.tracer}.values())


@register.filter
def devices(steps: Iterable[ExamStep]) -> list[Any]:
    """`exam.steps.all|devices`: the different devices of the steps, in their order."""
    return list({step.device_id: step.device for step in steps if step.device}.values())


@register.filter
def masked_number(number: str) -> str:
    """An ID number with the birth date hidden."""
    return masking.mask_id_card(number)


@register.filter
def masked_phone(phone: str) -> str:
    """A phone number with its middle hidden."""
    return masking.mask_phone(phone)

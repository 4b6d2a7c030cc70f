"""Handing a list of examinations out of the system: allowed to few, always audited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.exams.exporting import csv_lines
from hevesy.records.exams.models import Exam
from hevesy.records.exams.presenting import age
from hevesy.records.exams.states import LOOKS

MOST_ROWS = 50_000


class ExportRefused(Refused):
    """Too much for one file."""


def export_exams(by: Actor, exams: QuerySet[Exam], *, query: dict[str, Any]) -> Iterator[str]:
    """The lines of a CSV file of `exams`; who took which rows by which query is written to the audit trail first."""
    by.require("patients.export")
    count = exams.count()
    if count > MOST_ROWS:
        raise ExportRefused(
            _("%(count)d rows are too many for one file. Narrow the search to %(most)d at most.")
            % {"count": count, "most": MOST_ROWS}
        )
    with transaction.atomic():
        record(by, "exam.export", None, rows=count, query=query)
    return csv_lines(_heads(), (_row(exam) for exam in exams.iterator(chunk_size=500)))


def _heads() -> list[str]:
    return [
        _("Examination number"),
        _("State"),
        _("Name"),
        _("Name in Latin letters"),
        _("Sex"),
        _("Age"),
        _("Patient number"),
        _("Examination"),
        _("Modality class"),
        _("Tracer"),
        _("Device"),
        _("Time"),
        _("Source"),
        _("Requesting department"),
        _("Requesting physician"),
        _("Clinical diagnosis"),
        _("Weight (kg)"),
        _("Registered"),
    ]


def _row(exam: Exam) -> list[object]:
    patient = exam.patient
    steps = list(exam.steps.all())
    tracers = dict.fromkeys(step.tracer.plain for step in steps if step.tracer)
    devices = dict.fromkeys(step.device.name for step in steps if step.device)
    return [
        exam.number,
        LOOKS[exam.state].word,
        patient.name_zh,
        patient.name_latin,
        patient.get_sex_display(),
        age(patient.birth_date),
        patient.patient_id,
        exam.item.name,
        exam.modality_class.name,
        " / ".join(tracers),
        " / ".join(devices),
        _local(exam.booked_for),
        exam.get_source_display(),
        exam.requesting_department,
        exam.requesting_physician,
        exam.clinical_diagnosis,
        exam.weight_kg,
        _local(exam.created_at),
    ]


def _local(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M}" if moment else ""

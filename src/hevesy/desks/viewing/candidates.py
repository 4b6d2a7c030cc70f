"""Which exams an unmatched study may belong to, and what agrees and differs, for the person who decides."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import visible_to
from hevesy.records.patients.models import Patient
from hevesy.records.patients.queries import search

MOST = 12


@dataclass(frozen=True)
class Line:
    """One field as the images and the exam have it; `agrees` is None where one of the two says nothing."""

    label: str
    images: str
    exam: str
    agrees: bool | None


@dataclass(frozen=True)
class Comparison:
    """One exam beside the study."""

    exam: Exam
    lines: list[Line]

    @property
    def agreements(self) -> int:
        """How many lines agree; the best candidate has most."""
        return sum(line.agrees is True for line in self.lines)

    @property
    def differing(self) -> list[str]:
        """The fields in which images and exam contradict each other."""
        return [line.label for line in self.lines if line.agrees is False]


def candidates(study: Study, by: Actor, text: str = "") -> list[Comparison]:
    """Exams of the same number, patient or day without images; with `text` those that it finds."""
    rows = (
        visible_to(by)
        .exclude(visit_state="cancelled")
        .select_related("patient", "item", "modality_class")
    )
    if text:
        people = [patient.pk for patient in search(text, by, 20)]
        rows = rows.filter(Q(number__istartswith=text) | Q(patient__in=people))
    else:
        rows = rows.filter(_likely(study))
    found = [compare(study, exam) for exam in rows.order_by("-booked_for")[:60]]
    return sorted(found, key=lambda comparison: -comparison.agreements)[:MOST]


def _likely(study: Study) -> Q:
    likely = Q(number=study.accession_number) if study.accession_number else Q(pk=None)
    if study.patient_id:
        likely |= Q(patient__patient_id=study.patient_id)
    day = _date(study.study_date)
    if day:
        start = timezone.make_aware(dt.datetime.combine(day, dt.time()))
        on_day = Q(booked_for__gte=start, booked_for__lt=start + dt.timedelta(days=1))
        likely |= on_day & Q(studies=None)
    return likely


def compare(study: Study, exam: Exam) -> Comparison:
    """Field by field: name, number of the patient and of the exam, birth date, sex, weight, date, modality.

    `study.series` are read for the weight (kg); a difference of half a kilogram is rounding.
    """
    patient, own = exam.patient, exam.modality_class.dicom_modalities
    sexes = dict(Patient.Sex.choices)
    sent_weight = _weight_kg(study)
    weight = float(exam.weight_kg) if exam.weight_kg else None
    booked = timezone.localdate(exam.booked_for) if exam.booked_for else None
    same_weight = bool(sent_weight and weight and abs(sent_weight - weight) <= 0.5)
    return Comparison(
        exam,
        [
            _line(
                _("Name"),
                study.patient_name.replace("^", " ").replace("=", " "),
                f"{patient.name_zh} {patient.name_latin.replace('^', ' ')}",
                bool(_names(study.patient_name) & _names(patient.name_latin, patient.name_zh)),
            ),
            _line(
                _("Patient ID"),
                study.patient_id,
                patient.patient_id,
                study.patient_id.strip() == patient.patient_id,
            ),
            _line(
                _("Sex"),
                str(sexes.get(study.patient_sex, study.patient_sex)),
                patient.get_sex_display(),
                study.patient_sex == patient.sex,
            ),
            _line(
                _("Birth date"),
                _shown(_date(study.patient_birth_date)) or study.patient_birth_date,
                _shown(patient.birth_date),
                _date(study.patient_birth_date) == patient.birth_date,
            ),
            _line(
                _("Weight"),
                f"{sent_weight:g} kg" if sent_weight else "",
                f"{weight:g} kg" if weight else "",
                same_weight,
            ),
            _line(
                _("Exam number"),
                study.accession_number,
                exam.number,
                study.accession_number.strip() == exam.number,
            ),
            _line(
                _("Date"),
                _shown(_date(study.study_date)) or study.study_date,
                _shown(booked),
                _date(study.study_date) == booked,
            ),
            _line(
                _("Modality"),
                ", ".join(study.modalities),
                exam.modality_class.name,
                bool(set(study.modalities) & set(own)),
            ),
        ],
    )


def _line(label: str, images: str, exam: str, agrees: bool) -> Line:
    return Line(label, images, exam, agrees if images.strip() and exam.strip() else None)


def _names(*texts: str) -> set[str]:
    """The groups of a DICOM name, without what separates their parts."""
    groups = "=".join(texts).upper().split("=")
    return {re.sub(r"[\^\s·•・]", "", group) for group in groups} - {""}


def _date(text: str) -> dt.date | None:
    try:
        return dt.datetime.strptime(text.replace("-", ""), "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


def _shown(day: dt.date | None) -> str:
    return day.isoformat() if day else ""


def _weight_kg(study: Study) -> float | None:
    weights = (series.header.get("patient_weight_kg") for series in study.series.all())
    return next((float(weight) for weight in weights if weight), None)

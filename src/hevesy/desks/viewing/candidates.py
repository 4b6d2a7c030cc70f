"""Which exams an unmatched study may belong to, and what agrees and differs, for the person who decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import visible_to
from hevesy.records.patients.queries import search

MOST = 12


@dataclass(frozen=True)
class Comparison:
    """One exam beside the study: each line is (field, images say, exam says, whether they agree)."""

    exam: Exam
    lines: list[tuple[str, str, str, bool]]

    @property
    def agreements(self) -> int:
        """How many lines agree; the best candidate has most."""
        return sum(agrees for _field, _images, _exam, agrees in self.lines)


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
    day = _day(study)
    if day:
        start = timezone.make_aware(dt.datetime.combine(day, dt.time()))
        on_day = Q(booked_for__gte=start, booked_for__lt=start + dt.timedelta(days=1))
        likely |= on_day & Q(studies=None)
    return likely


def _day(study: Study) -> dt.date | None:
    try:
        return dt.datetime.strptime(study.study_date, "%Y%m%d").replace(tzinfo=dt.UTC).date()
    except ValueError:
        return None


def compare(study: Study, exam: Exam) -> Comparison:
    """Field by field; an empty value on the images agrees with nothing."""
    patient = exam.patient
    day = timezone.localdate(exam.booked_for) if exam.booked_for else None
    names = {
        part
        for part in study.patient_name.replace("^", "").replace(" ", "").upper().split("=")
        if part
    }
    own_names = {patient.name_zh, patient.name_latin.replace("^", "").upper()}
    birth = patient.birth_date.strftime("%Y%m%d") if patient.birth_date else ""
    sent_birth = study.patient_birth_date.replace("-", "")
    modalities = ", ".join(study.modalities)
    lines = [
        (
            "name",
            study.patient_name,
            f"{patient.name_zh} {patient.name_latin}",
            bool(names & own_names),
        ),
        (
            "patient_id",
            study.patient_id,
            patient.patient_id,
            study.patient_id == patient.patient_id,
        ),
        ("number", study.accession_number, exam.number, study.accession_number == exam.number),
        ("birth_date", sent_birth, birth, bool(birth) and sent_birth == birth),
        ("sex", study.patient_sex, patient.sex, study.patient_sex == patient.sex),
        (
            "date",
            study.study_date,
            day.strftime("%Y%m%d") if day else "",
            bool(day) and _day(study) == day,
        ),
        (
            "modality",
            modalities,
            exam.modality_class.name,
            bool(set(study.modalities) & set(exam.modality_class.dicom_modalities)),
        ),
    ]
    return Comparison(exam, lines)

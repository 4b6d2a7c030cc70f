"""Which examination do these images belong to? Never guessed: what disagrees waits for a person (reliability A15)."""

from __future__ import annotations

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.advancing import advance
from hevesy.records.archive.announcing import announce, tell
from hevesy.records.archive.events import study_linked
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.patients.models import Patient

MISMATCHES: dict[str, str | Promise] = {
    "no_examination": _("No examination has this study UID or this examination number."),
    "patient_id_missing": _("The images carry no patient number."),
    "patient_id_differs": _("The patient number of the images is not that of the examination."),
    "patient_id_differs_within_study": _(
        "The images of the study carry different patient numbers."
    ),
    "accession_differs": _("The examination number of the images is another one."),
    "exam_cancelled": _("The examination was cancelled."),
    "unlinked": _("A person took the images from their examination."),
    "birth_date_differs": _("The birth date of the images differs."),
    "sex_differs": _("The sex of the images differs."),
}
LASTING = frozenset(("patient_id_differs_within_study", "unlinked"))
"""Found once, these stay until a person links the study."""
_REMARKS = frozenset(("birth_date_differs", "sex_differs"))
"""Worth showing, not enough to keep images from their examination."""


def mismatch_texts(study: Study) -> list[str]:
    """What speaks against a match, as sentences in the language of the request."""
    return [str(MISMATCHES.get(code, code)) for code in study.mismatch]


def match_study(study: Study, *, by: Actor) -> Exam | None:
    """Find the examination of a locked study inside a transaction: by Study Instance UID, then by number and patient.

    Sets `exam`, `match` and `mismatch`; moves the examination on. A study that is linked already only moves it on.
    """
    if study.exam is None:
        exam, reasons = find(study)
        study.mismatch = [code for code in study.mismatch if code in LASTING] + reasons
        blocking = [code for code in study.mismatch if code not in _REMARKS]
        if exam is not None and not blocking:
            study.exam, study.match = exam, Study.Match.AUTOMATIC
            record(
                by,
                "archive.match",
                study,
                patient_id=exam.patient_id,
                exam=exam.number,
                remarks=study.mismatch,
            )
            transaction.on_commit(lambda: tell(study_linked, study=study, exam=exam))
        study.save(update_fields=["exam", "match", "mismatch"])
    if study.exam is not None:
        advance(study, by=by)
    announce(study)
    return study.exam


def find(study: Study) -> tuple[Exam | None, list[str]]:
    """The examination that the study names, and what disagrees with it (keys of `MISMATCHES`)."""
    exams = Exam.objects.select_related("patient")
    exam = exams.filter(study_instance_uid=study.study_instance_uid).first()
    by_uid = exam is not None
    accession = study.accession_number.strip()
    if exam is None and accession:
        exam = exams.filter(number=accession).first()
    if exam is None:
        return None, ["no_examination"]
    reasons = differences(study, exam)
    if not study.patient_id.strip() and not by_uid:
        reasons.insert(0, "patient_id_missing")
    return exam, reasons


def differences(study: Study, exam: Exam) -> list[str]:
    """What the headers of a study say otherwise than the examination (keys of `MISMATCHES`)."""
    reasons = []
    patient_id, accession = study.patient_id.strip(), study.accession_number.strip()
    if patient_id and patient_id not in numbers_of(exam.patient):
        reasons.append("patient_id_differs")
    if accession and accession != exam.number:
        reasons.append("accession_differs")
    if exam.visit_state == "cancelled":
        reasons.append("exam_cancelled")
    born = exam.patient.birth_date
    if born and study.patient_birth_date and study.patient_birth_date != f"{born:%Y%m%d}":
        reasons.append("birth_date_differs")
    if {study.patient_sex, exam.patient.sex} == {"M", "F"}:
        reasons.append("sex_differs")
    return reasons


def numbers_of(patient: Patient) -> set[str]:
    """The department's numbers of a person: also those of records merged into theirs, or theirs into."""
    root = patient
    while root.merged_into is not None:
        root = root.merged_into
    numbers, level = {root.patient_id}, [root.pk]
    while level:
        rows = list(Patient.objects.filter(merged_into__in=level))
        numbers.update(row.patient_id for row in rows)
        level = [row.pk for row in rows]
    return numbers

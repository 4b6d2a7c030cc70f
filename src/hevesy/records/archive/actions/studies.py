"""Linking images to examinations by hand, and settling what was kept aside."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.records.archive.advancing import advance
from hevesy.records.archive.announcing import announce, tell
from hevesy.records.archive.events import study_linked, study_unlinked
from hevesy.records.archive.matching import differences
from hevesy.records.archive.models import Refusal, Study
from hevesy.records.exams.models import Exam


class LinkRefused(Refused):
    """The study cannot be linked or taken off so."""


@transaction.atomic
def link_study(by: Actor, study: Study, exam: Exam, *, reason: str) -> Study:
    """Say that a study belongs to an examination although the headers do not agree. Moves the examination on."""
    by.require("archive.link")
    reason = _reason(reason)
    study = Study.objects.select_for_update(of=("self",)).select_related("exam").get(pk=study.pk)
    exam = Exam.objects.select_related("patient", "modality_class").get(pk=exam.pk)
    if study.exam is not None:
        raise LinkRefused(
            _("These images belong to examination %(number)s. Take them off there first.")
            % {"number": study.exam.number}
        )
    if exam.visit_state == "cancelled":
        raise LinkRefused(
            _("Examination %(number)s was cancelled. Restore it or choose another one.")
            % {"number": exam.number}
        )
    against = differences(study, exam)
    study.exam, study.match, study.mismatch = exam, Study.Match.MANUAL, []
    study.save(update_fields=["exam", "match", "mismatch"])
    record(
        by,
        "archive.link",
        study,
        patient_id=exam.patient_id,
        exam=exam.number,
        reason=reason,
        against=against,
        patient_id_in_images=study.patient_id,
    )
    if study.stable_at is not None:
        advance(study, by=by)
    announce(study)
    transaction.on_commit(lambda: tell(study_linked, study=study, exam=exam))
    return study


@transaction.atomic
def unlink_study(by: Actor, study: Study, *, reason: str) -> Study:
    """Take a study off its examination. It will not be matched again by itself; a person links it."""
    by.require("archive.link")
    reason = _reason(reason)
    study = Study.objects.select_for_update(of=("self",)).select_related("exam").get(pk=study.pk)
    exam = study.exam
    if exam is None:
        raise LinkRefused(_("These images belong to no examination."))
    study.exam, study.match, study.mismatch = None, Study.Match.UNMATCHED, ["unlinked"]
    study.save(update_fields=["exam", "match", "mismatch"])
    record(by, "archive.unlink", study, patient_id=exam.patient_id, exam=exam.number, reason=reason)
    announce(study)
    transaction.on_commit(lambda: tell(study_unlinked, study=study, exam=exam))
    return study


@transaction.atomic
def settle_refusal(by: Actor, refusal: Refusal, *, reason: str) -> Refusal:
    """Take a refused object off the list. Its bytes stay in the store."""
    by.require("archive.link")
    reason = _reason(reason)
    refusal = Refusal.objects.select_for_update().get(pk=refusal.pk)
    if refusal.settled_at is None:
        refusal.settled_at = timezone.now()
        refusal.save(update_fields=["settled_at"])
        record(by, "archive.settle_refusal", refusal, reason=reason)
    return refusal


def _reason(reason: str) -> str:
    reason = reason.strip()[:200]
    if not reason:
        raise LinkRefused(_("Give a reason."))
    return reason

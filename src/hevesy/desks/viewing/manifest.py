"""What the viewer needs to know of a study before the first picture (docs/guides/volume-transport.md)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor
from hevesy.imaging.dicomio.refusal import texts
from hevesy.records.archive.models import PreparedVolume, Series, Study
from hevesy.records.archive.queries import role
from hevesy.records.documents.facts import age_text
from hevesy.records.exams.models import Exam
from hevesy.records.exams.states import look
from hevesy.records.reports.facts import exam_facts


def manifest(study: Study, by: Actor) -> dict[str, Any]:
    """The manifest of one study. Queries do not grow with the number of series."""
    series = list(study.series.select_related("volume").order_by("number", "id"))
    rows = [_series(one) for one in series]
    exam = study.exam
    return {
        "study": {
            "uid": study.study_instance_uid,
            "date": study.study_date,
            "description": study.description,
        },
        "patient": _patient(study, exam),
        "exam": _exam(exam) if exam else None,
        "report_url": _report_url(exam, by),
        "can_capture": by.may("findings.write"),
        "key_images_url": reverse("viewing:key_images", args=[study.study_instance_uid]),
        "measure_url": reverse("viewing:measure"),
        "series": rows,
        "suggested": suggested(rows),
        "other_studies": _others(study, exam),
    }


def _patient(study: Study, exam: Exam | None) -> dict[str, Any]:
    if exam is None:
        return {
            "name": study.patient_name or _("unmatched"),
            "sex": study.patient_sex,
            "age": "",
            "patient_id": study.patient_id,
        }
    patient = exam.patient
    on = timezone.localdate(exam.booked_for) if exam.booked_for else timezone.localdate()
    return {
        "name": patient.name_zh,
        "sex": patient.get_sex_display(),
        "age": age_text(patient.birth_date, on),
        "patient_id": patient.patient_id,
    }


def _exam(exam: Exam) -> dict[str, Any]:
    facts = exam_facts(exam)
    given = facts["tracers"][0] if facts["tracers"] else {}
    return {
        "number": exam.number,
        "item_zh": exam.item.name_zh,
        "item_en": exam.item.name_en,
        "tracer": given.get("name"),
        "administered_mbq": given.get("administered_mbq"),
        "administered_at": given.get("at"),
        "weight_kg": facts["weight_kg"],
        "height_cm": facts["height_cm"],
        "glucose_mmol_l": facts["glucose_mmol_l"],
        "uptake_min": facts["uptake_min"],
        "state": exam.state,
        "state_zh": str(look(exam.state).word),
    }


def _report_url(exam: Exam | None, by: Actor) -> str | None:
    if exam is None or not by.may("reports.view"):
        return None
    return reverse("reporting:exam", args=[exam.number])


def _series(series: Series) -> dict[str, Any]:
    prepared: PreparedVolume | None = getattr(series, "volume", None)
    volume = None
    thumbnail = None
    if prepared is not None:
        ready = prepared.state == PreparedVolume.State.READY
        volume = {
            "status": prepared.state,
            "id": prepared.content_id,
            "header_url": reverse("viewing:volume_header", args=[prepared.content_id])
            if ready
            else None,
            "progress": prepared.progress,
            **_refusal(prepared),
        }
        if ready and prepared.header.get("thumbnail"):
            thumbnail = reverse("viewing:volume_thumbnail", args=[prepared.content_id])
    return {
        "uid": series.series_instance_uid,
        "modality": series.modality,
        "number": series.number,
        "description": series.description,
        "instances": series.instance_count,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "role": role(series),
        "volume": volume,
        "thumbnail_url": thumbnail,
    }


def _refusal(prepared: PreparedVolume) -> dict[str, str]:
    """Why preparing failed, as sentences, and what the log says of it: `PreparedVolume.message` begins with the key."""
    english, chinese = texts(prepared.message.partition(":")[0])
    return {"message_zh": chinese, "message_en": english, "detail": prepared.message}


def suggested(rows: list[dict[str, Any]]) -> dict[str, str | None]:
    """Anatomy below, function above; of several, the one with the most images in the same frame of reference."""
    overlays = [row for row in rows if row["role"] in ("PET", "NM") and row["volume"]]
    overlay = max(overlays, key=lambda row: row["instances"], default=None)
    if overlay is None:
        overlays = [row for row in rows if row["role"] == "PET_NAC" and row["volume"]]
        overlay = max(overlays, key=lambda row: row["instances"], default=None)
    bases = [row for row in rows if row["role"] in ("CT", "MR") and row["volume"]]
    if overlay is not None:
        frame = overlay["frame_of_reference_uid"]
        # Another frame of reference needs a registration; a picture fused without one would be a lie.
        bases = [row for row in bases if row["frame_of_reference_uid"] == frame]
    base = max(bases, key=lambda row: (row["role"] == "CT", row["instances"]), default=None)
    return {"base": base["uid"] if base else None, "overlay": overlay["uid"] if overlay else None}


def _others(study: Study, exam: Exam | None) -> list[dict[str, str]]:
    if exam is None:
        return []
    rows = (
        Study.objects.filter(exam__patient=exam.patient)
        .exclude(pk=study.pk)
        .order_by("-study_date")[:20]
    )
    return [
        {"uid": row.study_instance_uid, "date": row.study_date, "description": row.description}
        for row in rows
    ]

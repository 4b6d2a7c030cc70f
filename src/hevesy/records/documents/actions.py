"""Make paper, keep the bytes that were printed, count the copies (clauses 2.3, 2.4, 6.7, 9.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.actions import store_file
from hevesy.foundation.stations import qr
from hevesy.records.documents import facts
from hevesy.records.documents.models import Document
from hevesy.records.documents.typesetting import code128_svg, qr_svg, typeset
from hevesy.records.doses.models import Assay, DispensedUnit
from hevesy.records.exams.models import Exam


def make_document(
    by: Actor,
    kind: str,
    template: str,
    content: Mapping[str, Any],
    *,
    exam: Exam | None,
    name: str,
    files: Mapping[str, bytes],
    made_from: Mapping[str, Any] | None = None,
) -> Document:
    """Typeset, store the PDF and keep a row of it; audited as printed once."""
    pdf = typeset(template, content, files)
    with transaction.atomic():
        stored = store_file(pdf, name=f"{name}.pdf", media_type="application/pdf", kind=kind, by=by)
        document = Document.objects.create(
            kind=kind,
            exam=exam,
            file=stored,
            language=get_language() or "zh-hans",
            facts=dict(made_from or {}),
            print_count=1,
            made_by=by.user,
        )
        record(by, f"document.{kind}", document, patient_id=exam.patient_id if exam else None)
    return document


def appointment_slip(by: Actor, exam: Exam) -> Document:
    """The A5 slip of clause 2.3: when and where to come, what to do before; reprints are counted."""
    by.require("documents.print")
    copy = Document.objects.filter(exam=exam, kind="slip").count() + 1
    content = facts.slip(exam, by_name=str(by), print_number=copy)
    files = {"qr.svg": qr_svg(qr.make("E", exam.code))}
    return make_document(
        by, "slip", "slip", content, exam=exam, name=f"{exam.number}-slip", files=files
    )


def exam_label(by: Actor, exam: Exam) -> Document:
    """The 50 × 30 mm label of clause 2.4 with QR and bar code."""
    by.require("documents.print")
    content = facts.exam_label(exam)
    files = {"qr.svg": qr_svg(qr.make("E", exam.code)), "barcode.svg": code128_svg(exam.number)}
    return make_document(
        by, "exam_label", "exam_label", content, exam=exam, name=f"{exam.number}-label", files=files
    )


def dose_label(by: Actor, unit: DispensedUnit) -> Document:
    """The syringe label of clause 9.2: product, activity with its time, batch, patient, QR."""
    by.require("documents.print")
    exam = unit.step.exam if unit.step else None
    assay = unit.assays.filter(kind=Assay.Kind.PRE).order_by("-id").first()
    if assay is None:
        raise Refused(
            _("Measure the activity first: a label never shows activity without its time.")
        )
    batch = unit.batch
    content = {
        "lang": "en" if facts.english() else "zh",
        "tracer": facts.tracer_mark(batch.tracer),
        "activity": f"{assay.activity_mbq:.0f}",
        "time": facts.clock(assay.at),
        "volume": f"{unit.volume_ml:.2f}",
        "expiry": f"{_('expires')} {facts.clock(batch.expires_at)}",
        "batch": f"{pgettext('label', 'batch')} {batch.number}",
        "patient": f"{exam.patient.name_zh} {exam.number}" if exam else "",
        "warning": _("radioactive"),
        "number": unit.number,
        "demo": facts.demo_word(exam) if exam else None,
    }
    files = {"qr.svg": qr_svg(qr.make("U", unit.code))}
    return make_document(
        by,
        "dose_label",
        "dose_label",
        content,
        exam=exam,
        name=f"dose-{unit.number}",
        files=files,
    )


def print_again(by: Actor, document: Document) -> Document:
    """Hand the same bytes out once more; the copy is counted and audited."""
    by.require("documents.print")
    with transaction.atomic():
        locked = Document.objects.select_for_update().get(pk=document.pk)
        locked.print_count += 1
        locked.save(update_fields=["print_count"])
        record(
            by,
            "document.print_again",
            locked,
            copies=locked.print_count,
            at=timezone.now().isoformat(),
        )
    return locked


def note_opened(by: Actor, document: Document) -> None:
    """Remember who read a document, and when."""
    with transaction.atomic():
        patient_id = document.exam.patient_id if document.exam else None
        record(by, "document.open", document, patient_id=patient_id, kind=document.kind)

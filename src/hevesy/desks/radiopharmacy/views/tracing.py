"""Forwards from a lot or a batch to every patient, backwards from an examination to every material (clause 9.4)."""

from __future__ import annotations

import csv
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import pgettext

from hevesy.desks.radiopharmacy import boards, lineage
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.ui.chips import Chip
from hevesy.records.doses import queries
from hevesy.records.doses.actions import note_export
from hevesy.records.doses.models import Administration, Batch, Lot
from hevesy.records.exams.queries import by_number, visible_to

_COLUMNS = ("Patient", "Number", "Unit", "Batch", "Injected")


@needs("doses.view")
def trace(request: StaffRequest) -> HttpResponse:
    """One box: a lot, a batch, a unit or an examination number; the whole way in both directions."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:64]
    context: dict[str, Any] = {
        "q": text,
        "may_export": request.actor.may("patients.export"),
        **_find(request, text),
    }
    if request.GET.get("as") == "csv" and context.get("recipients"):
        return _as_csv(request, context["recipients"], context["subject"])
    return render(request, "radiopharmacy/trace.html", context)


def _find(request: StaffRequest, text: str) -> dict[str, Any]:
    by = request.actor
    key = request.GET.get("lot", "")
    lot = Lot.objects.filter(pk=int(key)).first() if key.isdigit() and len(key) < 12 else None
    lot = lot or (Lot.objects.filter(code__iexact=text).order_by("-id").first() if text else None)
    if lot is not None:
        batches = _loaded(lot)
        return {
            "subject": f"{lot.get_kind_display()} {lot.code}",
            "lot": lot,
            "batches": batches,
            "recipients": queries.recipients_of_lot(by, lot),
        }
    number = text
    batch = queries.batch(by, number.upper()) if number else None
    unit = queries.unit_by_number(text) if text and batch is None else None
    if unit is not None:
        batch = queries.batch(by, unit.batch.number)
    if batch is not None:
        given = queries.recipients(by, [batch])
        return {
            "subject": batch.number,
            "batch": batch,
            "recipients": given,
            "tree": lineage.tree(batch, given),
        }
    exam = by_number(text) if text else None
    if exam is not None and visible_to(by).filter(pk=exam.pk).exists():
        return {"subject": exam.number, "exam": exam, "origin": queries.origin(by, exam)}
    return {"nothing": bool(text or number)}


def _loaded(lot: Lot) -> list[tuple[Batch, Chip]]:
    batches = lot.batches.select_related("tracer").order_by("id")
    return [(batch, boards.batch_chip(batch)) for batch in batches]


def _as_csv(request: StaffRequest, rows: list[Administration], subject: str) -> HttpResponse:
    """The list for the telephone. It leaves the department, so it needs the right and is put on record."""
    request.actor.require("patients.export")
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="recipients.csv"'
    response.write("\ufeff")  # spreadsheets take the file for UTF-8
    out = csv.writer(response)
    out.writerow([pgettext("check", word) for word in _COLUMNS] + ["MBq"])
    for row in rows:
        out.writerow(
            [
                _cell(row.step.exam.patient.name_zh),
                _cell(row.step.exam.number),
                row.unit.number,
                row.unit.batch.number,
                f"{timezone.localtime(row.started_at):%Y-%m-%d %H:%M}",
                "" if row.best_mbq is None else f"{row.best_mbq:.1f}",
            ]
        )
    note_export(request.actor, subject, len(rows))
    return response


def _cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text

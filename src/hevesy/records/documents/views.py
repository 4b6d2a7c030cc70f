"""Paper in the browser: make it, show the bytes that were kept (clauses 2.3, 2.4, 6.7, 9.2)."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.files import access
from hevesy.foundation.files.queries import open_file
from hevesy.foundation.files.responses import file_response
from hevesy.records.documents import actions
from hevesy.records.documents.models import Document
from hevesy.records.doses.models import DispensedUnit
from hevesy.records.exams.models import Exam
from hevesy.records.exams.queries import visible_to


@require_GET
@needs()
def open_document(request: StaffRequest, pk: int) -> FileResponse:
    """The PDF as it was made; 404 both when there is none and when this person may not read its kind."""
    document = _readable(request, pk)
    try:
        stream = open_file(document.file)
    except FileNotFoundError as lost:
        raise Http404 from lost
    actions.note_opened(request.actor, document)
    stored = document.file
    return file_response(
        stream,
        name=stored.name,
        media_type=stored.media_type,
        size=stored.size,
        download="download" in request.GET,
    )


@require_POST
@needs("documents.print")
def again(request: StaffRequest, pk: int) -> HttpResponse:
    """Print the same bytes once more; the copy is counted."""
    return _shown(request, actions.print_again(request.actor, _readable(request, pk)))


@require_POST
@needs("documents.print")
def slip(request: StaffRequest, number: str) -> HttpResponse:
    """Make the appointment slip of an examination and show it."""
    return _shown(request, actions.appointment_slip(request.actor, _exam(request, number)))


@require_POST
@needs("documents.print")
def label(request: StaffRequest, number: str) -> HttpResponse:
    """Make the patient label of an examination and show it."""
    return _shown(request, actions.exam_label(request.actor, _exam(request, number)))


@require_POST
@needs("documents.print")
def dose_label(request: StaffRequest, code: str) -> HttpResponse:
    """Make the label of a dispensed unit and show it; `code` is what its QR code carries, or its number."""
    if not request.actor.may("doses.view"):
        raise Http404
    units = DispensedUnit.objects.select_related("batch__tracer", "step__exam__patient")
    code = _plain(code)
    unit = units.filter(code=code).first() or get_object_or_404(units, number=code)
    return _shown(request, actions.dose_label(request.actor, unit))


def _exam(request: StaffRequest, number: str) -> Exam:
    rows = visible_to(request.actor).select_related("patient", "item", "modality_class")
    found: Exam = get_object_or_404(rows, number=_plain(number))
    return found


def _plain(text: str) -> str:
    # PostgreSQL refuses NUL outright; no number or code holds control characters.
    return "".join(letter for letter in text if letter.isprintable())


def _readable(request: StaffRequest, pk: int) -> Document:
    document = Document.objects.select_related("file", "exam").filter(pk=pk).first()
    if document is None or not access.may_read(request, document.file):
        raise Http404
    return document


def _shown(request: StaffRequest, document: Document) -> HttpResponse:
    """To the PDF. htmx would put its bytes into the page, so it is told to go there instead."""
    address = reverse("documents:open", args=[document.pk])
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)

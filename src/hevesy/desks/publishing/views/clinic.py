"""The clinician's side: search, read, PDF, key images; a phone is enough (clauses 7.2, 7.3)."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from hevesy.desks.publishing import queries
from hevesy.desks.publishing.reading import pictures, reading
from hevesy.foundation.accounts.guards import StaffRequest, needs, passive
from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.queries import open_file
from hevesy.foundation.files.responses import file_response
from hevesy.records.findings.models import KeyImage
from hevesy.records.reports.models import Publication, PublicationView
from hevesy.records.reports.reading import note_view

PAGE = 30
READERS = ("publishing.read", "publishing.publish")


@require_GET
@needs(*READERS)
def reports(request: StaffRequest) -> HttpResponse:
    """What is published, the newest first; a search also tells the state of what is not finished."""
    text = queries.plain(request.GET.get("q", ""))
    mine = request.GET.get("mine") == "1"
    physician = request.user.name_zh if mine else ""
    rows = queries.readable(request.actor, text, physician=physician)
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "unfinished": [] if mine else queries.unfinished(request.actor, text),
        "q": text,
        "mine": mine,
        "now": timezone.now(),
    }
    part = request.htmx and request.htmx.target == "found"
    return render(request, "publishing/_found.html" if part else "publishing/reports.html", context)


@require_GET
@needs(*READERS)
def report(request: StaffRequest, number: str) -> HttpResponse:
    """One published report. A withdrawn one is explained; anything else is not found, as if it did not exist."""
    publication = queries.open_publication(request.actor, number)
    if publication is None:
        return _withdrawn(request, number)
    shown = reading(publication, request.actor)
    note_view(request.actor, publication)
    context = {"reading": shown, "now": timezone.now(), "as_pdf": "pdf" in request.GET}
    return render(request, "publishing/report.html", context)


def _withdrawn(request: StaffRequest, number: str) -> HttpResponse:
    publication = queries.withdrawn_publication(request.actor, number)
    if publication is None:
        raise Http404
    note_view(request.actor, publication, outcome="withdrawn")
    context = {"publication": publication, "now": timezone.now()}
    return render(request, "publishing/withdrawn.html", context)


@require_GET
@needs(*READERS)
def pdf(request: StaffRequest, number: str) -> FileResponse:
    """The PDF of the published version, the bytes that were made when it was published."""
    publication = _open(request, number)
    if publication.document is None:
        raise Http404
    response = _file(publication.document.file, download="download" in request.GET)
    note_view(request.actor, publication, PublicationView.Form.PDF)
    return response


@passive
@require_GET
@needs(*READERS)
def state(request: StaffRequest, number: str) -> HttpResponse:
    """Whether the page still shows what is published; if not, it loads itself anew."""
    publication = queries.open_publication(request.actor, number)
    shown = request.GET.get("shown", "")
    response = HttpResponse(status=204)
    if publication is None or str(publication.pk) != shown:
        response["HX-Refresh"] = "true"
    return response


@require_GET
@needs(*READERS)
def picture(request: StaffRequest, number: str, place: int) -> HttpResponse:
    """One key image, as large as the screen."""
    publication = _open(request, number)
    shown = pictures(publication)
    if not 1 <= place <= len(shown):
        raise Http404
    context = {
        "publication": publication,
        "exam": publication.report.exam,
        "picture": shown[place - 1],
        "before": place - 1 if place > 1 else None,
        "after": place + 1 if place < len(shown) else None,
        "count": len(shown),
        "now": timezone.now(),
    }
    return render(request, "publishing/picture.html", context)


@require_GET
@needs(*READERS)
def picture_file(request: StaffRequest, number: str, place: int) -> FileResponse:
    """The picture itself, while the version that holds it is published."""
    images = _open(request, number).version.key_images
    if not 1 <= place <= len(images):
        raise Http404
    image = KeyImage.objects.select_related("file").filter(pk=images[place - 1]["id"]).first()
    if image is None or image.file.sha256 != images[place - 1]["sha256"]:
        raise Http404
    return _file(image.file)


def _open(request: StaffRequest, number: str) -> Publication:
    publication = queries.open_publication(request.actor, number)
    if publication is None:
        raise Http404
    return publication


def _file(stored: StoredFile, *, download: bool = False) -> FileResponse:
    try:
        stream = open_file(stored)
    except FileNotFoundError as lost:
        raise Http404 from lost
    return file_response(
        stream, name=stored.name, media_type=stored.media_type, size=stored.size, download=download
    )

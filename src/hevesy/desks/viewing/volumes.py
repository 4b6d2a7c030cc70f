"""Serve prepared volumes: immutable, compressed once, addressed by content."""

from __future__ import annotations

import gzip

from django.http import FileResponse, Http404, HttpResponse, HttpResponseNotModified
from django.urls import reverse
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from hevesy.desks.viewing.jobs import public_header
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.files.store import sha256_of_key, store
from hevesy.records.archive.models import PreparedVolume

IMMUTABLE = "private, max-age=31536000, immutable"


def _ready(content_id: str) -> PreparedVolume:
    """A ready volume by its content; the same content of two series is the same bytes."""
    found = PreparedVolume.objects.filter(
        content_id=content_id, state=PreparedVolume.State.READY
    ).first()
    if found is None:
        raise Http404
    return found


@require_GET
@gzip_page
@needs("archive.view")
def header(request: StaffRequest, content_id: str) -> HttpResponse:
    """The header of a volume with the addresses of its bodies."""
    volume = _ready(content_id)
    base = reverse("viewing:volume_body", args=[content_id, "x"])[:-1]
    response = HttpResponse(public_header(volume, base), content_type="application/json")
    response["Cache-Control"] = IMMUTABLE
    return response


@require_GET
@needs("archive.view")
def body(request: StaffRequest, content_id: str, path: str) -> HttpResponse | FileResponse:
    """One body. Its path is looked up in the header; it never names a file."""
    key = _ready(content_id).header["stored"].get(path)
    if key is None:
        raise Http404
    etag = f'"{sha256_of_key(key)}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified()
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response: HttpResponse | FileResponse = FileResponse(
            store().open(key), content_type="application/octet-stream"
        )
        response["Content-Encoding"] = "gzip"
        response["Content-Length"] = str(store().size(key))
    else:
        with store().open(key) as stream:
            response = HttpResponse(
                gzip.decompress(stream.read()), content_type="application/octet-stream"
            )
    response["ETag"] = etag
    response["Vary"] = "Accept-Encoding"
    response["Cache-Control"] = IMMUTABLE
    return response


@require_GET
@needs("archive.view")
def thumbnail(request: StaffRequest, content_id: str) -> HttpResponse:
    """A small picture of the series."""
    key = _ready(content_id).header.get("thumbnail")
    if not key:
        raise Http404
    with store().open(key) as stream:
        response = HttpResponse(stream.read(), content_type="image/png")
    response["Cache-Control"] = IMMUTABLE
    return response

"""One address for every stored file: by number, guarded by the rule of its kind."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponse
from django.views.decorators.http import require_safe

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.files import access, queries
from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.responses import file_response


@require_safe
@needs()
def serve(request: StaffRequest, pk: int) -> FileResponse | HttpResponse:
    """The file, or 404 both when it does not exist and when this person may not read it."""
    stored = StoredFile.objects.filter(pk=pk).first()
    if stored is None or not access.may_read(request, stored):
        raise Http404
    try:
        stream = queries.open_file(stored)
    except FileNotFoundError as lost:
        raise Http404 from lost
    return file_response(
        stream,
        name=stored.name,
        media_type=stored.media_type,
        size=stored.size,
        download="download" in request.GET,
    )

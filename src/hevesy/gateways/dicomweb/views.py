"""QIDO-RS, WADO-RS and STOW-RS at /dicom-web/ (PS3.18), by session or token."""

from __future__ import annotations

import io
import json
import mmap
import re
from collections.abc import Callable, Iterator
from functools import wraps
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.gateways.dicomweb import matching, rows
from hevesy.gateways.dicomweb.metadata import frames_of, instance_metadata
from hevesy.gateways.dicomweb.multipart import (
    MultipartRefused,
    boundary_of,
    new_boundary,
    parts,
    related,
)
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Series
from hevesy.records.archive.queries import open_instance, visible_studies

LARGEST_STOW_BYTES = 4 * 1024**3
DICOM_JSON = "application/dicom+json"
Answer = HttpResponse | StreamingHttpResponse
View = Callable[..., Answer]


def answers(view: View) -> View:
    """Turn what a client did wrong into a 400 with a sentence, never a 500."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except (matching.QueryRefused, MultipartRefused) as refusal:
            return JsonResponse({"error": str(refusal)}, status=400)

    return answered


def _address(request: HttpRequest) -> Callable[[str], str]:
    root = request.build_absolute_uri("/dicom-web/")
    return lambda path: root + path


def _studies(request: StaffRequest, study: str = "") -> Any:
    found = visible_studies(request.actor)
    return found.filter(study_instance_uid=study) if study else found


def _series(request: StaffRequest, study: str = "", series: str = "") -> Any:
    found = Series.objects.filter(study__in=_studies(request, study)).select_related("study")
    return found.filter(series_instance_uid=series) if series else found


def _instances(request: StaffRequest, study: str = "", series: str = "", instance: str = "") -> Any:
    found = Instance.objects.filter(series__in=_series(request, study, series)).select_related(
        "series__study"
    )
    found = found.order_by("series__number", "series_id", "number", "id")
    return found.filter(sop_instance_uid=instance) if instance else found


def _qido(
    request: StaffRequest, found: Any, keys: Any, order: tuple[str, ...], row: Callable[..., Any]
) -> HttpResponse:
    asked = request.GET.dict()
    offset, limit, cut = matching.page(asked)
    page = matching.narrowed(found, asked, keys).order_by(*order)[offset : offset + limit]
    address = _address(request)
    response = JsonResponse(
        [row(one, address) for one in page], safe=False, content_type=DICOM_JSON
    )
    if cut:
        response["Warning"] = f'299 hevesy "limited to {matching.LARGEST_PAGE} results"'
    return response


@require_GET
@needs("archive.view")
@answers
def search_series(request: StaffRequest, study: str = "") -> HttpResponse:
    """QIDO-RS: series of a study, or of all."""
    found = _series(request, study)
    asked = request.GET.dict()
    parents = matching.narrowed(_studies(request), asked, matching.STUDY)
    return _qido(
        request,
        found.filter(study__in=parents),
        matching.SERIES,
        ("study_id", "number", "id"),
        rows.series_row,
    )


@require_GET
@needs("archive.view")
@answers
def search_instances(request: StaffRequest, study: str = "", series: str = "") -> HttpResponse:
    """QIDO-RS: instances of a series, a study, or of all."""
    order = ("series_id", "number", "id")
    return _qido(
        request, _instances(request, study, series), matching.INSTANCE, order, rows.instance_row
    )


@csrf_exempt
@require_http_methods(["GET", "POST"])
def studies(request: HttpRequest, study: str = "") -> HttpResponse:
    """GET /studies: QIDO-RS. GET /studies/{uid}: WADO-RS. POST: STOW-RS."""
    if request.method == "POST":
        return store(request)
    return retrieve(request, study) if study else search_studies(request)


studies.guard = ("archive.view", "archive.store")  # type: ignore[attr-defined]


@needs("archive.view")
@answers
def search_studies(request: StaffRequest) -> HttpResponse:
    """QIDO-RS: studies, the newest first."""
    return _qido(request, _studies(request), matching.STUDY, ("-study_date", "-id"), rows.study_row)


@require_GET
@needs("archive.view")
@answers
def retrieve(request: StaffRequest, study: str, series: str = "", instance: str = "") -> Answer:
    """WADO-RS: whole instances as they were received, one after another."""
    found = list(_instances(request, study, series, instance))
    if not found:
        raise Http404
    boundary = new_boundary()

    def streams() -> Iterator[BinaryIO]:
        for one in found:
            yield open_instance(one)

    response = StreamingHttpResponse(related(boundary, "application/dicom", streams()))
    response["Content-Type"] = f'multipart/related; type="application/dicom"; boundary={boundary}'
    return response


@require_GET
@needs("archive.view")
@answers
def metadata(request: StaffRequest, study: str, series: str = "", instance: str = "") -> Answer:
    """WADO-RS metadata as DICOM JSON; pixels are named by address."""
    found = _instances(request, study, series, instance)
    if not found.exists():
        raise Http404
    address = _address(request)

    def pieces() -> Iterator[str]:
        yield "["
        for place, one in enumerate(found.iterator()):
            yield "," * bool(place) + json.dumps(
                instance_metadata(one, address), ensure_ascii=False
            )
        yield "]"

    return StreamingHttpResponse((piece.encode() for piece in pieces()), content_type=DICOM_JSON)


@require_GET
@needs("archive.view")
@answers
def frames(request: StaffRequest, study: str, series: str, instance: str, numbers: str) -> Answer:
    """WADO-RS frames, 1-based, in the transfer syntax they are stored in, or uncompressed if the client asks."""
    if not re.fullmatch(r"\d{1,6}(,\d{1,6}){0,999}", numbers):
        raise matching.QueryRefused(
            "frames are numbers from 1, divided by commas, 1000 at the most"
        )
    found = _instances(request, study, series, instance).first()
    if found is None:
        raise Http404
    wanted = [int(number) for number in numbers.split(",")]
    if not all(1 <= number <= found.frames for number in wanted):
        raise Http404
    media_type, contents = frames_of(
        found, wanted, raw="octet-stream" in request.headers.get("Accept", "octet-stream")
    )
    boundary = new_boundary()
    body = related(boundary, media_type, (io.BytesIO(content) for content in contents))
    response = StreamingHttpResponse(body)
    response["Content-Type"] = (
        f'multipart/related; type="{media_type.split(";")[0]}"; boundary={boundary}'
    )
    return response


@needs("archive.store")
@answers
def store(request: StaffRequest) -> HttpResponse:
    """STOW-RS: every part is taken in by itself; one bad part does not lose the others.

    An object belongs to the study that it names; the answer says under which address it lies.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        return JsonResponse({"error": "send the body without Content-Encoding"}, status=415)
    boundary = boundary_of(request.headers.get("Content-Type", ""))
    with TemporaryFile(prefix="hevesy-stow-") as spool:
        size = 0
        while piece := request.read(1 << 20):
            size += len(piece)
            if size > LARGEST_STOW_BYTES:
                return JsonResponse({"error": "the body is too large"}, status=413)
            spool.write(piece)
        if not size:
            raise MultipartRefused("the body is empty")
        spool.flush()
        with mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as body:
            return _stored(request, body, boundary)


def _stored(request: StaffRequest, body: mmap.mmap, boundary: bytes) -> HttpResponse:
    done: list[rows.Json] = []
    failed: list[rows.Json] = []
    address = _address(request)
    for part in parts(body, boundary):
        if part.media_type not in ("application/dicom", ""):
            failed.append({"00081197": {"vr": "US", "Value": [0x0110]}})
            continue
        received = receive(body[part.start : part.end], by=request.actor, received_from="STOW")
        instance = received.instance
        if instance is None or received.outcome in ("refused", "conflict"):
            failed.append(_failure(received))
        else:
            done.append(rows.instance_row(instance, address))
    answer = {}
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    if done:
        answer["00081199"] = {"vr": "SQ", "Value": done}
    status = 200 if not failed else 202 if done else 409
    return JsonResponse(answer, status=status, content_type=DICOM_JSON)


def _failure(received: Any) -> rows.Json:
    reason = 0x0111 if received.outcome == "conflict" else 0xC000
    row: rows.Json = {"00081197": {"vr": "US", "Value": [reason]}}
    if received.instance is not None:
        row["00081150"] = {"vr": "UI", "Value": [received.instance.sop_class_uid]}
        row["00081155"] = {"vr": "UI", "Value": [received.instance.sop_instance_uid]}
    return row

"""STOW-RS: take objects in, each by itself (PS3.18 §10.5); and the two addresses that it shares with reading."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from hevesy.foundation.accounts.guards import StaffRequest
from hevesy.gateways.dicomweb import rows
from hevesy.gateways.dicomweb.accept import require_json
from hevesy.gateways.dicomweb.door import Answer, RequestRefused, programs
from hevesy.gateways.dicomweb.headers import path_of
from hevesy.gateways.dicomweb.multipart import Part, boundary_of, parts
from hevesy.gateways.dicomweb.views import retrieve, search
from hevesy.records.archive.headers import Header, read_header
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.refusals import reason_text
from hevesy.records.archive.scan import Unreadable

LARGEST_BODY_BYTES = 4 * 1024**3
PIECE_BYTES = 1 << 20
IN_MEMORY_BYTES = 32 * PIECE_BYTES
OTHER_STUDY, DUPLICATE, CANNOT_UNDERSTAND, NOT_DICOM = 0xA900, 0x0111, 0xC000, 0x0110
"""Failure Reason (0008,1197), PS3.18 table I.2-2 and PS3.7 annex C."""


# A browser's session is checked for forgery in `_store`, after 401 and 403 are said; tokens cannot be forged.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def studies(request: HttpRequest) -> Answer:
    """GET: search (QIDO-RS). POST: store (STOW-RS)."""
    return _store(request) if request.method == "POST" else search.studies(request)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def study(request: HttpRequest, study: str) -> Answer:
    """GET: the objects of a study (WADO-RS). POST: store into it; objects of other studies are failures."""
    return _store(request, study) if request.method == "POST" else retrieve.objects(request, study)


studies.guard = study.guard = ("archive.view", "archive.store")  # type: ignore[attr-defined]


@programs("archive.store")
@csrf_protect
def _store(request: StaffRequest, study: str = "") -> Answer:
    require_json(request.headers.get("Accept", ""))
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise RequestRefused("send the body without Content-Encoding", 415)
    single = request.content_type == "application/dicom"
    boundary = b"" if single else boundary_of(request.headers.get("Content-Type", ""))
    with TemporaryFile(prefix="hevesy-stow-") as spool:
        size = 0
        while piece := request.read(PIECE_BYTES):
            size += len(piece)
            if size > LARGEST_BODY_BYTES:
                raise RequestRefused("the body is too large", 413)
            spool.write(piece)
        if not size:
            raise RequestRefused("the body is empty")
        spool.flush()
        with mmap.mmap(spool.fileno(), 0, access=mmap.ACCESS_READ) as body:
            # All boundaries are found before anything is kept: a body that breaks off is refused whole.
            found = [Part("application/dicom", 0, size)] if single else list(parts(body, boundary))
            if not found:
                raise RequestRefused("there is no object in the body")
            return _stored(request, body, found, study)


def _stored(request: StaffRequest, body: mmap.mmap, found: list[Part], study: str) -> HttpResponse:
    to = search.address(request)
    done: list[rows.Json] = []
    failed: list[rows.Json] = []
    places = set()
    for part in found:
        with _content(body, part) as (content, source):
            header = _header(content)
            if part.media_type not in ("application/dicom", ""):
                failed.append(_failure(header, NOT_DICOM))
                continue
            if study and header is not None and header.study_instance_uid != study:
                failed.append(_failure(header, OTHER_STUDY, "the object belongs to another study"))
                continue
            received = receive(source, by=request.actor, received_from="STOW")
        instance = received.instance
        if instance is None or received.outcome in ("refused", "conflict"):
            reason = DUPLICATE if received.outcome == "conflict" else CANNOT_UNDERSTAND
            failed.append(_failure(header, reason, reason_text(received.reason)))
            continue
        places.add(f"studies/{instance.series.study.study_instance_uid}")
        done.append(
            _reference(instance.sop_class_uid, instance.sop_instance_uid)
            | {"00081190": {"vr": "UR", "Value": [to(path_of(instance))]}}
        )
    answer: rows.Json = {}
    if len(places) == 1:
        answer["00081190"] = {"vr": "UR", "Value": [to(places.pop())]}
    if failed:
        answer["00081198"] = {"vr": "SQ", "Value": failed}
    if done:
        answer["00081199"] = {"vr": "SQ", "Value": done}
    status = 200 if not failed else 202 if done else 409
    return JsonResponse(answer, status=status, content_type=search.DICOM_JSON)


@contextmanager
def _content(body: mmap.mmap, part: Part) -> Iterator[tuple[bytes | mmap.mmap, bytes | BinaryIO]]:
    """One object, to be looked at and to be taken in; a large one in a file of its own instead of memory."""
    if part.end - part.start <= IN_MEMORY_BYTES:
        content = body[part.start : part.end]
        yield content, content
        return
    with TemporaryFile(prefix="hevesy-stow-") as file:
        for start in range(part.start, part.end, PIECE_BYTES):
            file.write(body[start : min(start + PIECE_BYTES, part.end)])
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield mapped, file


def _header(content: bytes | mmap.mmap) -> Header | None:
    """What an object says about itself; None if it is none. Taking it in judges it again and says why."""
    try:
        place = locate_data_set(content)
        return read_header(content, place.transfer_syntax_uid, place.offset)
    except (Unreadable, ValueError, IndexError):
        return None


def _reference(sop_class_uid: str, sop_instance_uid: str) -> rows.Json:
    return {
        "00081150": {"vr": "UI", "Value": [sop_class_uid]},
        "00081155": {"vr": "UI", "Value": [sop_instance_uid]},
    }


def _failure(header: Header | None, reason: int, sentence: str = "") -> rows.Json:
    row: dict[str, Any] = {"00081197": {"vr": "US", "Value": [reason]}}
    if header is not None:
        row |= _reference(header.sop_class_uid, header.sop_instance_uid)
    if sentence:
        # Error Comment: a person reads the log of the sender.
        row["00000902"] = {"vr": "LO", "Value": [sentence[:64]]}
    return row

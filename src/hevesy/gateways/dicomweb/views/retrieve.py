"""WADO-RS: whole objects as they were received, headers, frames, large values (PS3.18 §10.4)."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

from django.http import Http404, StreamingHttpResponse
from django.views.decorators.http import require_safe

from hevesy.foundation.accounts.guards import StaffRequest
from hevesy.gateways.dicomweb import headers, rows
from hevesy.gateways.dicomweb.accept import (
    DICOM,
    OCTETS,
    require_json,
    require_objects,
    wants_compressed,
)
from hevesy.gateways.dicomweb.actions import note_retrieved
from hevesy.gateways.dicomweb.door import Answer, RequestRefused, programs
from hevesy.gateways.dicomweb.frames import frames_of
from hevesy.gateways.dicomweb.multipart import new_boundary, related
from hevesy.gateways.dicomweb.views.search import DICOM_JSON, address, instances_of
from hevesy.imaging.dicomio import ImageRefused
from hevesy.records.archive.models import Instance
from hevesy.records.archive.queries import open_instance

MOST_FRAMES = 1000


@require_safe
@programs("archive.view")
def objects(request: StaffRequest, study: str, series: str = "", instance: str = "") -> Answer:
    """Whole objects, one after another: our file head, then the data set byte for byte as it was received."""
    found = list(instances_of(request, study, series, instance))
    if not found:
        raise Http404
    require_objects(request.headers.get("Accept", ""), {one.transfer_syntax_uid for one in found})
    if not instance:
        note_retrieved(request.actor, found[0].series.study, "series" if series else "study")

    def streams() -> Iterator[tuple[str, BinaryIO]]:
        for one in found:
            yield f"{DICOM}; transfer-syntax={one.transfer_syntax_uid}", open_instance(one)

    return multipart(DICOM, streams())


@require_safe
@programs("archive.view")
def metadata(request: StaffRequest, study: str, series: str = "", instance: str = "") -> Answer:
    """Headers as DICOM JSON; pixels and other large values are named by address."""
    require_json(request.headers.get("Accept", ""))
    found = list(instances_of(request, study, series, instance))
    if not found:
        raise Http404
    if not instance:
        note_retrieved(request.actor, found[0].series.study, "metadata")
    to = address(request)

    def pieces() -> Iterator[bytes]:
        yield b"["
        for place, one in enumerate(found):
            yield b"," * bool(place) + json.dumps(_header(one, to), ensure_ascii=False).encode()
        yield b"]"

    return StreamingHttpResponse(pieces(), content_type=DICOM_JSON)


def _header(instance: Instance, to: headers.Address) -> dict[str, Any]:
    """The header, or what the index knows of it: one damaged object does not take the others with it."""
    try:
        return headers.metadata(instance, to)
    except (ImageRefused, FileNotFoundError):
        return rows.instance_row(instance, to)


@require_safe
@programs("archive.view")
def frames(request: StaffRequest, study: str, series: str, instance: str, numbers: str) -> Answer:
    """Frames from 1: as they are stored or uncompressed, whichever the client takes."""
    found = one_instance(request, study, series, instance)
    wanted = wanted_frames(found, numbers)
    return _frames(request, found, wanted)


@require_safe
@programs("archive.view")
def bulk(request: StaffRequest, study: str, series: str, instance: str, where: str) -> Answer:
    """A large value by its path in the data set; the pixels are all frames, one part each."""
    found = one_instance(request, study, series, instance)
    if where.upper() == headers.PIXEL_TAG:
        if not found.rows:
            raise Http404
        return _frames(request, found, range(1, found.frames + 1))
    value = headers.bulk_value(found, where)
    return multipart(OCTETS, iter([(OCTETS, io.BytesIO(value))]))


def one_instance(request: StaffRequest, study: str, series: str, instance: str) -> Instance:
    """The instance that an address names; 404 where it is not."""
    found = instances_of(request, study, series, instance).first()
    if found is None:
        raise Http404
    return found


def wanted_frames(found: Instance, numbers: str) -> list[int]:
    """The frames that an address names, from 1. Raises `RequestRefused`; 404 for one that is not there."""
    if not re.fullmatch(r"[0-9]{1,6}(,[0-9]{1,6})*", numbers) or numbers.count(",") >= MOST_FRAMES:
        raise RequestRefused(
            f"frames are numbers from 1, divided by commas, {MOST_FRAMES} at the most"
        )
    wanted = [int(number) for number in numbers.split(",")]
    if not found.rows or not all(1 <= number <= found.frames for number in wanted):
        raise Http404
    return wanted


def _frames(request: StaffRequest, found: Instance, wanted: Any) -> Answer:
    compressed = wants_compressed(request.headers.get("Accept", ""), found.transfer_syntax_uid)
    frames = frames_of(found, wanted, compressed=compressed)
    # The first one now: what cannot be read is an answer with a status, not a body that breaks off.
    contents = chain([next(frames.contents)], frames.contents)
    media_type = f"{frames.media_type}; transfer-syntax={frames.transfer_syntax}"
    return multipart(frames.media_type, ((media_type, io.BytesIO(one)) for one in contents))


def multipart(media_type: str, parts: Iterator[tuple[str, BinaryIO]]) -> StreamingHttpResponse:
    """An answer of several parts, sent as they come."""
    boundary = new_boundary()
    response = StreamingHttpResponse(related(boundary, parts))
    response["Content-Type"] = f'multipart/related; type="{media_type}"; boundary={boundary}'
    return response

"""Pictures of stored objects, and small ones that stand for a study or a series (PS3.18 §10.4.1.1.3, §10.4.1.1.4)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from hevesy.foundation.accounts.guards import StaffRequest
from hevesy.gateways.dicomweb.actions import note_retrieved
from hevesy.gateways.dicomweb.door import Answer, programs
from hevesy.gateways.dicomweb.rendering import Wish, picture, wish
from hevesy.gateways.dicomweb.views.retrieve import multipart, one_instance, wanted_frames
from hevesy.gateways.dicomweb.views.search import instances_of
from hevesy.imaging.dicomio import ImageRefused
from hevesy.records.archive.models import Instance

KEPT = "private, max-age=3600"


@require_safe
@programs("archive.view")
def instance(request: StaffRequest, study: str, series: str, instance: str) -> Answer:
    """A picture of an object; of several frames the middle one."""
    found = one_instance(request, study, series, instance)
    return _single(request, found, _middle(found), _wish(request))


@require_safe
@programs("archive.view")
def frames(request: StaffRequest, study: str, series: str, instance: str, numbers: str) -> Answer:
    """Pictures of frames: one alone, several as parts."""
    found = one_instance(request, study, series, instance)
    wanted = wanted_frames(found, numbers)
    made_as = _wish(request)
    if len(wanted) == 1:
        return _single(request, found, wanted[0], made_as)
    return _several(((found, number) for number in wanted), made_as)


@require_safe
@programs("archive.view")
def objects(request: StaffRequest, study: str, series: str = "") -> Answer:
    """A picture of every image of a study or series, one part each; what cannot be drawn is left out."""
    found = list(_images(request, study, series))
    if not found:
        raise Http404
    made_as = _wish(request)
    note_retrieved(request.actor, found[0].series.study, "rendered")
    return _several(((one, _middle(one)) for one in found), made_as)


@require_safe
@programs("archive.view")
def thumbnail(request: StaffRequest, study: str, series: str = "", instance: str = "") -> Answer:
    """A small picture of the image in the middle."""
    images = _images(request, study, series, instance)
    count = images.count()
    if not count:
        raise Http404
    found = images[count // 2]
    return _single(request, found, _middle(found), _wish(request, thumbnail=True))


@require_safe
@programs("archive.view")
def frame_thumbnail(
    request: StaffRequest, study: str, series: str, instance: str, numbers: str
) -> Answer:
    """A small picture of one frame, the first that is named."""
    found = one_instance(request, study, series, instance)
    return _single(request, found, wanted_frames(found, numbers)[0], _wish(request, thumbnail=True))


def _wish(request: StaffRequest, *, thumbnail: bool = False) -> Wish:
    return wish(request.GET.dict(), request.headers.get("Accept", ""), thumbnail=thumbnail)


def _images(
    request: StaffRequest, study: str, series: str = "", instance: str = ""
) -> QuerySet[Instance]:
    return instances_of(request, study, series, instance).filter(rows__gt=0, hindrance="")


def _middle(found: Instance) -> int:
    if not found.rows:
        raise Http404
    return (found.frames + 1) // 2


def _single(request: StaffRequest, found: Instance, frame: int, made_as: Wish) -> Answer:
    tag = made_as.tag(found, frame)
    answer: HttpResponse
    if tag in request.headers.get("If-None-Match", "").split(", "):
        answer = HttpResponseNotModified()
    else:
        answer = HttpResponse(picture(found, frame, made_as), content_type=made_as.media_type)
    answer["ETag"] = tag
    answer["Cache-Control"] = KEPT
    return answer


def _several(wanted: Iterator[tuple[Instance, int]], made_as: Wish) -> Answer:
    def parts() -> Iterator[tuple[str, BinaryIO]]:
        for found, frame in wanted:
            try:
                content = picture(found, frame, made_as)
            except ImageRefused:
                continue
            yield made_as.media_type, io.BytesIO(content)

    return multipart(made_as.media_type, parts())

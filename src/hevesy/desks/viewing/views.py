"""The viewer page and what it talks to (clauses 6.9-6.15, 8.1-8.3)."""

from __future__ import annotations

import json
from typing import Any

from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from hevesy.desks.viewing.manifest import manifest
from hevesy.desks.viewing.measuring import MeasureRefused, measure
from hevesy.foundation.accounts.guards import StaffRequest, needs
from hevesy.foundation.files.queries import open_file
from hevesy.records.archive.models import PreparedVolume, Study
from hevesy.records.archive.queries import visible_studies
from hevesy.records.findings import actions as findings
from hevesy.records.findings.models import KeyImage
from hevesy.records.findings.queries import key_images as tray


def _study(request: StaffRequest, uid: str) -> Study:
    rows = visible_studies(request.actor).select_related("exam__patient", "exam__item")
    return get_object_or_404(rows, study_instance_uid=uid)


@require_GET
@needs("archive.view")
def viewer(request: StaffRequest, uid: str) -> HttpResponse:
    """The page that holds the viewer element."""
    return render(request, "viewing/viewer.html", {"study": _study(request, uid)})


@require_GET
@needs("archive.view")
def study_manifest(request: StaffRequest, uid: str) -> JsonResponse:
    """The study as the viewer reads it."""
    return JsonResponse(manifest(_study(request, uid), request.actor))


@require_POST
@needs("archive.view")
def measure_region(request: StaffRequest) -> JsonResponse:
    """Numbers of a region, computed by imaging on the server."""
    try:
        asked = json.loads(request.body)
        volume_id = str(asked["volume_id"])
    except (ValueError, KeyError, TypeError) as fault:
        raise MeasureRefused(_("The region is not described completely.")) from fault
    ready = PreparedVolume.objects.filter(state=PreparedVolume.State.READY, content_id=volume_id)
    volume = get_object_or_404(ready.filter(series__study__in=visible_studies(request.actor))[:1])
    return JsonResponse(measure(volume, asked))


@require_http_methods(["GET", "POST"])
@needs("archive.view")
def key_images(request: StaffRequest, uid: str) -> JsonResponse:
    """GET: the tray. POST: keep a captured picture with the view it came from."""
    study = _study(request, uid)
    if request.method == "GET":
        return JsonResponse({"images": [_image(image) for image in tray(study)]})
    request.actor.require("findings.write")  # before saying anything about the picture
    picture = request.FILES.get("image")
    if picture is None:
        raise findings.FindingRefused(_("No picture was sent."))
    image = findings.save_key_image(
        request.actor,
        study,
        picture.read(findings.LARGEST_BYTES + 1),
        caption=request.POST.get("caption", ""),
        view_state=_json(request.POST.get("view_state", "")) or {},
        measurement=_json(request.POST.get("measurement", "")),
    )
    return JsonResponse(_image(image), status=201)


def _json(text: str) -> dict[str, Any] | None:
    if not text or text == "null":
        return None
    try:
        value = json.loads(text)
    except ValueError as fault:
        raise findings.FindingRefused(_("The view cannot be read.")) from fault
    if not isinstance(value, dict) or len(text) > 100_000:
        raise findings.FindingRefused(_("The view cannot be read."))
    return value


def _image(image: KeyImage) -> dict[str, Any]:
    address = reverse("viewing:key_image", args=[image.pk])
    return {
        "id": image.pk,
        "caption": image.caption,
        "sort": image.sort,
        "in_report": image.in_report,
        "url": address,
        "thumbnail_url": address,
        "remove_url": reverse("viewing:key_image_remove", args=[image.pk]),
        "view_state": image.view_state,
        "measurement": image.measurement,
        "author": image.author.name_zh,
        "at": image.at.isoformat(),
    }


def _key_image(request: StaffRequest, pk: int) -> KeyImage:
    rows = KeyImage.objects.filter(study__in=visible_studies(request.actor)).select_related(
        "file", "study"
    )
    return get_object_or_404(rows, pk=pk)


@require_GET
@needs("archive.view")
def key_image(request: StaffRequest, pk: int) -> FileResponse:
    """The picture itself."""
    response = FileResponse(open_file(_key_image(request, pk).file), content_type="image/png")
    response["Cache-Control"] = "private, max-age=3600"
    return response


@require_POST
@needs("findings.write")
def key_image_remove(request: StaffRequest, pk: int) -> JsonResponse:
    """Take a picture out of the tray."""
    findings.remove_key_image(request.actor, _key_image(request, pk))
    return JsonResponse({"removed": pk})


@require_POST
@needs("findings.write")
def key_image_restore(request: StaffRequest, pk: int) -> JsonResponse:
    """Undo taking it out."""
    findings.restore_key_image(request.actor, _key_image(request, pk))
    return JsonResponse({"restored": pk})


@require_POST
@needs("findings.write")
def key_images_order(request: StaffRequest, uid: str) -> JsonResponse:
    """Sort the tray: {"ids": [3, 1, 2]}."""
    study = _study(request, uid)
    try:
        ids = [int(pk) for pk in json.loads(request.body)["ids"]]
    except (ValueError, KeyError, TypeError) as fault:
        raise findings.FindingRefused(_("The order cannot be read.")) from fault
    findings.order_key_images(request.actor, study, ids)
    return JsonResponse({"ids": ids})

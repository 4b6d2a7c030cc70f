"""Write what readers mark: key images and measurements; never deleted, only taken out (clauses 6.2, 6.5)."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.actions import store_file
from hevesy.foundation.ui import live
from hevesy.records.archive.models import Study
from hevesy.records.findings.models import KeyImage, Measurement

LARGEST_PIXELS = 40_000_000
LARGEST_BYTES = 30 * 1024 * 1024


class FindingRefused(Refused):
    """What was sent cannot be kept as a finding; nothing was written."""

    status = 422


def save_key_image(
    by: Actor,
    study: Study,
    picture: bytes,
    *,
    caption: str = "",
    view_state: Mapping[str, Any] | None = None,
    measurement: Mapping[str, Any] | None = None,
) -> KeyImage:
    """Keep a captured picture for the report, at the end of the tray. The PNG is decoded and written anew."""
    by.require("findings.write")
    assert by.user is not None
    clean = clean_png(picture)
    with transaction.atomic():
        last = (
            KeyImage.objects.filter(study=study)
            .order_by("-sort")
            .values_list("sort", flat=True)
            .first()
            or 0
        )
        stored = store_file(
            clean, name="key-image.png", media_type="image/png", kind="key_image", by=by
        )
        image = KeyImage.objects.create(
            study=study,
            file=stored,
            caption=caption.strip()[:120],
            sort=last + 1,
            view_state=dict(view_state or {}),
            measurement=dict(measurement) if measurement else None,
            author=by.user,
        )
        record(by, "finding.key_image", image, patient_id=_patient_id(study))
        live.publish("reports", study=study.study_instance_uid)
    return image


def clean_png(picture: bytes) -> bytes:
    """The picture decoded and encoded again: what is stored was made here, whatever was sent."""
    if len(picture) > LARGEST_BYTES:
        raise FindingRefused(_("The picture is larger than 30 MB."))
    try:
        with Image.open(io.BytesIO(picture), formats=["PNG"]) as image:
            if image.width * image.height > LARGEST_PIXELS:
                raise FindingRefused(_("The picture has too many pixels."))
            out = io.BytesIO()
            image.convert("RGB").save(out, "PNG", optimize=False)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as fault:
        raise FindingRefused(_("This is not a PNG picture. Capture the view again.")) from fault
    return out.getvalue()


def remove_key_image(by: Actor, image: KeyImage) -> KeyImage:
    """Take a picture out of the tray; it stays on record and `restore_key_image` brings it back."""
    return _set_removed(by, image, removed=True)


def restore_key_image(by: Actor, image: KeyImage) -> KeyImage:
    """Undo `remove_key_image`."""
    return _set_removed(by, image, removed=False)


def _set_removed(by: Actor, image: KeyImage, *, removed: bool) -> KeyImage:
    by.require("findings.write")
    with transaction.atomic():
        image = (
            KeyImage.objects.select_for_update(of=("self",))
            .select_related("study")
            .get(pk=image.pk)
        )
        image.removed_at = timezone.now() if removed else None
        image.save(update_fields=["removed_at"])
        verb = "finding.key_image_remove" if removed else "finding.key_image_restore"
        record(by, verb, image, patient_id=_patient_id(image.study))
        live.publish("reports", study=image.study.study_instance_uid)
    return image


def describe_key_image(by: Actor, image: KeyImage, *, caption: str, in_report: bool) -> KeyImage:
    """Change the caption and whether the report shows the picture."""
    by.require("findings.write")
    with transaction.atomic():
        image = (
            KeyImage.objects.select_for_update(of=("self",))
            .select_related("study")
            .get(pk=image.pk)
        )
        image.caption, image.in_report = caption.strip()[:120], in_report
        image.save(update_fields=["caption", "in_report"])
        record(
            by,
            "finding.key_image_describe",
            image,
            patient_id=_patient_id(image.study),
            in_report=in_report,
        )
    return image


def order_key_images(by: Actor, study: Study, ids: Sequence[int]) -> None:
    """Put the pictures of a study into the order `ids` (clause 6.5); pictures not named keep their place behind."""
    by.require("findings.write")
    with transaction.atomic():
        images = {
            image.pk: image for image in KeyImage.objects.select_for_update().filter(study=study)
        }
        unknown = [pk for pk in ids if pk not in images]
        if unknown:
            raise FindingRefused(_("A picture of another study cannot be sorted here."))
        rest = [pk for pk in images if pk not in set(ids)]
        for place, pk in enumerate([*ids, *rest], start=1):
            images[pk].sort = place
        KeyImage.objects.bulk_update(images.values(), ["sort"])
        record(
            by, "finding.key_images_order", study, patient_id=_patient_id(study), order=list(ids)
        )


def save_measurement(
    by: Actor,
    study: Study,
    *,
    kind: str,
    geometry: Mapping[str, Any],
    values: Mapping[str, Any],
    method: str,
    uid: str = "",
) -> Measurement:
    """Keep a region with the numbers imaging computed. With `uid` a new version of that one."""
    by.require("findings.write")
    assert by.user is not None
    with transaction.atomic():
        earlier = (
            Measurement.objects.select_for_update()
            .filter(study=study, uid=uid)
            .order_by("-version")
            .first()
        )
        measurement = Measurement.objects.create(
            uid=uid if earlier else uuid.uuid4().hex,
            version=earlier.version + 1 if earlier else 1,
            study=study,
            kind=kind[:20],
            geometry=dict(geometry),
            values=dict(values),
            method=method[:80],
            author=by.user,
        )
        record(by, "finding.measure", measurement, patient_id=_patient_id(study), kind=kind)
    return measurement


def _patient_id(study: Study) -> int | None:
    return study.exam.patient_id if study.exam else None

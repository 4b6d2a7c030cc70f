"""Prepare volumes for the viewer when a study has gone quiet (docs/guides/volume-transport.md)."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django_tasks import task
from PIL import Image

from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.running import current_run
from hevesy.foundation.ui import live
from hevesy.imaging.dicomio import ImageRefused
from hevesy.imaging.dicomio.sandbox import pack_series_sandboxed
from hevesy.imaging.render.transport import body_file_name
from hevesy.records.archive.models import PreparedVolume, Series
from hevesy.records.archive.queries import local_paths

FEWEST_SLICES = 3
VOLUME_MODALITIES = ("CT", "PT", "MR", "NM")
COMPRESSION = 4
"""gzip level: int16 volumes shrink to about half; a higher level costs seconds and gains a few per cent."""


@task(queue_name="volumes")
def prepare_volume(series_id: int) -> None:
    """Pack one series in a child process, keep the bodies in the object store, then switch the row to it.

    Repeatable: bodies are addressed by content, and the row is written once, fenced, at the end.
    """
    series = Series.objects.select_related("study").get(pk=series_id)
    run = current_run()
    run.progress(0.05, _("Reading the images"))
    with TemporaryDirectory(prefix="hevesy-volume-") as name:
        folder = Path(name)
        try:
            header = pack_series_sandboxed(local_paths(series), folder)
        except ImageRefused as refusal:
            _settle(series, PreparedVolume.State.FAILED, message=str(refusal)[:300])
            return
        bodies = list(_bodies(header))
        keys: dict[str, str] = {}
        for number, path in enumerate(bodies):
            run.progress(0.4 + 0.55 * number / len(bodies), _("Storing the volume"))
            keys[path] = _keep(folder / body_file_name(path))
        thumbnail = _thumbnail(folder / "thumbnail.npy")
    header["stored"] = keys
    header["thumbnail"] = store().put_bytes(thumbnail) if thumbnail else ""
    _settle(series, PreparedVolume.State.READY, header=header)


def _settle(
    series: Series,
    state: PreparedVolume.State,
    *,
    message: str = "",
    header: dict[str, Any] | None = None,
) -> None:
    with current_run().effect():
        PreparedVolume.objects.update_or_create(
            series=series,
            defaults={
                "state": state,
                "message": message,
                "header": header or {},
                "content_id": (header or {}).get("id", ""),
                "progress": 1.0,
                "made_at": timezone.now(),
            },
        )
        live.publish("archive", study=series.study.study_instance_uid)


def _bodies(header: dict[str, Any]) -> list[str]:
    paths = [brick["path"] for level in header["levels"] for brick in level["bricks"]]
    cine = header.get("mip")
    return [*paths, cine["path"], cine["depth_path"]] if cine else paths


def _keep(path: Path) -> str:
    """Compress a body and store it; the key names the compressed bytes."""
    # mtime=0: the same body must give the same bytes, or it would be stored twice.
    return store().put_bytes(gzip.compress(path.read_bytes(), COMPRESSION, mtime=0))


def _thumbnail(path: Path) -> bytes:
    if not path.exists():
        return b""
    out = io.BytesIO()
    Image.fromarray(np.load(path, allow_pickle=False)).save(out, "PNG")
    return out.getvalue()


def wants_volume(series: Series) -> bool:
    """Whether the viewer shows this series as a volume: tomographic, with enough slices."""
    if series.modality not in VOLUME_MODALITIES:
        return False
    frames = sum(series.instances.values_list("frames", flat=True))
    return bool(frames >= FEWEST_SLICES)


def request_volumes(study_id: int, *, anew: bool = False) -> int:
    """Enqueue what is not prepared yet, in the caller's transaction; how many jobs were enqueued."""
    count = 0
    for series in Series.objects.filter(study_id=study_id):
        if not wants_volume(series):
            continue
        prepared, made = PreparedVolume.objects.get_or_create(series=series)
        if made or anew or prepared.state == PreparedVolume.State.FAILED:
            PreparedVolume.objects.filter(pk=prepared.pk).update(
                state=PreparedVolume.State.PREPARING, progress=0, message=""
            )
            with override(None):
                prepare_volume.enqueue(series_id=series.pk)
            count += 1
    return count


def public_header(volume: PreparedVolume, base: str) -> str:
    """The header as the viewer reads it: addresses filled in, our keys left out."""
    header = json.loads(json.dumps(volume.header))
    header.pop("stored", None)
    header.pop("thumbnail", None)
    for level in header["levels"]:
        for brick in level["bricks"]:
            brick["url"] = f"{base}{brick['path']}"
    cine = header.get("mip")
    if cine:
        cine["url"], cine["depth_url"] = f"{base}{cine['path']}", f"{base}{cine['depth_path']}"
    return json.dumps(header, ensure_ascii=False)

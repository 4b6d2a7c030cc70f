"""Restoring a backup into an empty home: objects first, the database last, everything checked by hash."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from hevesy.config.backup import databases
from hevesy.config.backup.saving import FORMAT, MANIFEST
from hevesy.foundation.files.store import CHUNK_BYTES, KEY, store
from hevesy.foundation.jobs.models import Lease
from hevesy.records.archive.compression import BACKUP_LEASE

_MEMBER = re.compile(r"(database|keys|anchors)/([A-Za-z0-9_][A-Za-z0-9_.\-]{0,120})")
_LARGEST_MANIFEST = 256 * 1024**2


class RestoreRefused(Exception):
    """Nothing was restored that could be taken for a whole; `str()` says why and what to do."""


def restore(source: Path, *, progress: Callable[[int], None]) -> int:
    """Restore `source` into the empty database and object store of this home; how many objects.

    May be repeated after it broke off: the database comes last, and objects are the same by any name.
    Raises `RestoreRefused`.
    """
    if not databases.is_empty():
        raise RestoreRefused(
            "the database has tables already: restore into a new HEVESY_HOME or an empty database"
        )
    home = Path(settings.HOME)
    if not store().is_made():
        store().create()
    with tempfile.TemporaryDirectory(prefix=".hevesy-restore-", dir=home) as name:
        folder = Path(name)
        try:
            count, found, manifest = _unpack(source, folder, progress)
        except (tarfile.TarError, EOFError, ValueError, KeyError) as error:
            raise RestoreRefused(f"{source} is damaged or no backup ({error})") from error
        except OSError as error:
            raise RestoreRefused(f"{source}: {error.strerror or error}") from error
        _compare(source, count, found, manifest)
        try:
            databases.load(folder / "database", manifest["vendor"], manifest["migrations"])
        except databases.OtherDatabase as error:
            raise RestoreRefused(str(error)) from error
        # The backup holds its own lease as it was while it ran.
        Lease.objects.filter(name=BACKUP_LEASE).delete()
        for part in ("keys", "anchors"):
            (home / part).mkdir(mode=0o700, exist_ok=True)
            for path in (folder / part).iterdir():
                path.chmod(0o600)
                path.replace(home / part / path.name)
    return count


def _unpack(
    source: Path, folder: Path, progress: Callable[[int], None]
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Objects into the store, the rest into `folder`; how many objects, the hashes of the rest, the manifest."""
    for part in ("database", "keys", "anchors"):
        (folder / part).mkdir()
    found: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    count = 0
    with tarfile.open(source, mode="r|") as tar:
        for entry in tar:
            stream = tar.extractfile(entry) if entry.isreg() else None
            if stream is None or manifest is not None:
                raise ValueError(f"unexpected {entry.name!r}")
            if entry.name == MANIFEST:
                manifest = json.loads(stream.read(_LARGEST_MANIFEST))
            elif entry.name.startswith("objects/"):
                _take_object(stream, entry.name.removeprefix("objects/"))
                count += 1
                progress(count)
            else:
                match = _MEMBER.fullmatch(entry.name)
                if match is None:
                    raise ValueError(f"unexpected {entry.name!r}")
                found[entry.name] = _copy(stream, folder / match[1] / match[2])
    if manifest is None:
        raise ValueError("it ends before its manifest")
    return count, found, manifest


def _take_object(stream: IO[bytes], key: str) -> None:
    if not KEY.fullmatch(key):
        raise ValueError(f"unexpected object {key!r}")
    temporary = store().temporary_path()
    try:
        sha256 = _copy(stream, temporary)
        if sha256 != key[-64:]:
            raise ValueError(f"object {key} has other content than its hash says")
        store().put_file(temporary)
    finally:
        temporary.unlink(missing_ok=True)


def _copy(stream: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while piece := stream.read(CHUNK_BYTES):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _compare(source: Path, count: int, found: dict[str, str], manifest: dict[str, Any]) -> None:
    if manifest["format"] != FORMAT:
        raise RestoreRefused(
            f"{source} has format {manifest['format']}: install the Hevesy that made it"
        )
    if manifest["members"] != found or manifest["objects"] != count:
        raise RestoreRefused(f"{source} is damaged: its content is not what its manifest says")

"""Making a backup while everything runs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction

from hevesy.config.backup import databases
from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files.store import sha256_of_key, store
from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.models import Lease
from hevesy.records.archive.compression import BACKUP_LEASE

FORMAT = 1
MANIFEST = "manifest.json"
_LEASE_S = 3600


class BackupFailed(Exception):
    """No backup was made; `str()` says why."""


@dataclass(slots=True)
class BackupDone:
    """What went in; `missing` and `damaged` are keys of objects that could not be saved."""

    objects: int = 0
    size: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def backup(target: Path, *, by: Actor, progress: Callable[[int, int], None]) -> BackupDone:
    """Write a backup to `target`, whole or not at all. Raises `BackupFailed`."""
    if target.exists():
        raise BackupFailed(f"{target} is there already; name a new file")
    owner = leases.owner_name()
    part = target.with_name(f".{target.name}.part")
    # While it is held no object that the snapshot names is removed by the compression's tidying.
    if not leases.hold(BACKUP_LEASE, owner, _LEASE_S):
        raise BackupFailed("another backup is running; wait for it")
    try:
        with tempfile.TemporaryDirectory(prefix=".hevesy-backup-", dir=target.parent) as name:
            done = _write(
                part, Path(name), lambda: leases.hold(BACKUP_LEASE, owner, _LEASE_S), progress
            )
        part.rename(target)
        _sync(target.parent)
    except OSError as error:
        raise BackupFailed(f"{target}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
        Lease.objects.filter(name=BACKUP_LEASE, owner=owner).delete()
    with transaction.atomic():
        record(
            by, "system.backup", objects=done.objects, bytes=done.size,
            missing=len(done.missing), damaged=len(done.damaged),
            outcome="failed" if done.missing or done.damaged else "ok",
        )  # fmt: skip
    return done


def _write(
    part: Path, folder: Path, renew: Callable[[], object], progress: Callable[[int, int], None]
) -> BackupDone:
    done = BackupDone()
    migrations = databases.applied_migrations()
    keys = sorted(databases.save(folder))
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            members = {name: _add_file(tar, name, path) for name, path in _members(folder)}
            renewed_at = time.monotonic()
            for place, key in enumerate(keys):
                if time.monotonic() - renewed_at > _LEASE_S / 4:
                    renew()
                    renewed_at = time.monotonic()
                _add_object(tar, key, done)
                progress(place + 1, len(keys))
            _add_bytes(tar, MANIFEST, json.dumps(_manifest(done, members, migrations)).encode())
        file.flush()
        os.fsync(file.fileno())
        done.size = file.tell()
    return done


def _members(folder: Path) -> list[tuple[str, Path]]:
    found = [(f"database/{path.name}", path) for path in sorted(folder.iterdir())]
    for name in ("keys", "anchors"):
        found += [
            (f"{name}/{path.name}", path)
            for path in sorted((Path(settings.HOME) / name).glob("*"))
            if path.is_file()
        ]
    return found


def _manifest(
    done: BackupDone, members: dict[str, str], migrations: list[list[str]]
) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": datetime.now(UTC).isoformat(),
        "vendor": connection.vendor,
        "migrations": migrations,
        "members": members,
        "objects": done.objects,
        "missing": done.missing,
        "damaged": done.damaged,
    }


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> str:
    """Add a file; its SHA-256 as it was read."""
    with path.open("rb") as file:
        reader = _Hashing(file)
        tar.addfile(_entry(name, path.stat().st_size), reader)
    return reader.sha256


def _add_object(tar: tarfile.TarFile, key: str, done: BackupDone) -> None:
    """Add an object after its hash proved right: what went bad must not replace a good copy somewhere else."""
    try:
        if store().sha256_of(key) != sha256_of_key(key):
            done.damaged.append(key)
            return
        size = store().size(key)
        with store().open(key) as file:
            tar.addfile(_entry(f"objects/{key}", size), file)
    except FileNotFoundError:
        done.missing.append(key)
        return
    done.objects += 1


def _add_bytes(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    tar.addfile(_entry(name, len(content)), io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
    return entry


class _Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._file.read(size)
        self._digest.update(piece)
        return piece

    @property
    def sha256(self) -> str:
        """Of what was read so far."""
        return self._digest.hexdigest()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

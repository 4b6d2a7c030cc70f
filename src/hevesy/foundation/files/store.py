"""Where bytes lie: a content-addressed object store whose writes survive a power cut (reliability §0.6, §3.4).

Keys are made from the SHA-256 of the content (`ab/cd/<sha256>`), so that an object is never overwritten with other
content and nothing received becomes a path. The index row is written after `put_…` has returned, never before.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings

MARKER = ".hevesy-root"
"""Lies in the root of a store. Where it is missing the disk is not mounted, and nothing is written."""

KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")
CHUNK_BYTES = 1 << 20
FILLING_PART = float(os.environ.get("HEVESY_STORAGE_WARN_PERCENT", "85")) / 100
"""Used beyond this the store is filling: it still takes objects, and health says that room must be made."""
RESERVE_BYTES = int(os.environ.get("HEVESY_STORAGE_RESERVE_MB", "512")) * 1024**2
"""Kept free for the database and its audit rows: images are refused before reports can no longer be saved."""


class StoreError(OSError):
    """The store cannot take or give an object now; nothing was half written."""


class StoreMissing(StoreError):
    """The root has no marker: a disk that is not mounted, or a wrong address."""


class StoreFull(StoreError):
    """Less than the reserve is free."""


class StoreDamaged(StoreError):
    """The store gives other bytes than were put."""


Named = Callable[[list[str]], set[str]]
"""Which of the given keys somebody still needs."""


class ObjectStore(Protocol):
    """What every driver does. Keys come from `put_…` only."""

    @property
    def place(self) -> str:
        """Where the objects lie, in words for the administrator, without secrets."""

    def is_made(self) -> bool:
        """Whether the root has its marker."""

    def create(self) -> None:
        """Make an empty root into a store. Called by `hevesy migrate`/`run`, never on the way of a write."""

    def put_bytes(self, content: bytes) -> str:
        """Store `content` durably and return its key."""

    def put_file(self, temporary: Path) -> str:
        """Move a file made by `temporary_path` into the store durably and return its key."""

    def temporary_path(self) -> Path:
        """A new path on the store's own disk for a file that is still being received."""

    def open(self, key: str) -> BinaryIO:
        """The object as a binary stream that can seek and reads no more than it is asked for (a frame, a header);
        `FileNotFoundError` if there is none."""

    def path(self, key: str) -> Path:
        """The object as a local file (a remote driver fetches it); `FileNotFoundError` if there is none."""

    def size(self, key: str) -> int:
        """Bytes of the object."""

    def exists(self, key: str) -> bool:
        """Whether the object is there."""

    def sha256_of(self, key: str) -> str:
        """The SHA-256 of the bytes as they lie in the store now, never of a copy; `FileNotFoundError`."""

    def age_s(self, key: str) -> float:
        """Seconds since the object was last put; 0 if it is not there."""

    def delete(self, key: str) -> None:
        """Remove the object; no error if it is gone already."""

    def remove_unless(self, key: str, *, younger_than_s: float, named: Named) -> bool:
        """Remove an object unless it was put lately or `named` knows it; whether it is gone."""

    def keys(self) -> Iterator[str]:
        """Every key, for `hevesy fsck` and for sweeping what no row names."""

    def free_bytes(self) -> int:
        """Bytes that may still be written."""

    def total_bytes(self) -> int:
        """Bytes of the disk or quota that `free_bytes` is a part of."""

    def check(self) -> None:
        """Raise `StoreError` if the store cannot be written."""

    def sweep_temporaries(self, *, older_than_s: float) -> int:
        """Delete what a crash left half received; how many files."""


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_key(key: str) -> str:
    """The SHA-256 that the content under `key` must have."""
    return checked(key).rsplit("/", 1)[1]


def checked(key: str) -> str:
    """`key`, if it is one; `ValueError` otherwise."""
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key of the object store: {key!r}")
    return key


def key_of(sha256: str) -> str:
    """The key under which content with this SHA-256 lies."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LocalStore:
    """Objects in a local folder: temporary file, fsync, rename, fsync of the folder; only then does `put` return."""

    def __init__(self, root: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.root = root
        self.reserve_bytes = reserve_bytes

    @property
    def place(self) -> str:
        return str(self.root)

    def is_made(self) -> bool:
        return (self.root / MARKER).is_file()

    def create(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.root / "tmp").mkdir(mode=0o700, exist_ok=True)
        (self.root / MARKER).touch(mode=0o600)
        _sync_folder(self.root)

    def check(self) -> None:
        if not self.is_made():
            raise StoreMissing(
                errno.ENODEV, f"no {MARKER} in the store: is the disk mounted?", str(self.root)
            )
        if self.free_bytes() <= 0:
            raise StoreFull(errno.ENOSPC, "less than the reserve is free", str(self.root))

    def free_bytes(self) -> int:
        return max(0, shutil.disk_usage(self.root).free - self.reserve_bytes)

    def total_bytes(self) -> int:
        return shutil.disk_usage(self.root).total

    def temporary_path(self) -> Path:
        self.check()
        folder = self.root / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{os.getpid()}.{uuid.uuid4().hex}"

    def put_bytes(self, content: bytes) -> str:
        temporary = self.temporary_path()
        try:
            with temporary.open("xb") as file:
                file.write(content)
            return self._adopt(temporary, hashlib.sha256(content).hexdigest())
        finally:
            temporary.unlink(missing_ok=True)

    def put_file(self, temporary: Path) -> str:
        self.check()
        return self._adopt(temporary, sha256_of_file(temporary))

    def _adopt(self, temporary: Path, sha256: str) -> str:
        key = key_of(sha256)
        final = self.root / key
        with temporary.open("rb+") as file:
            # After a failed fsync the pages are lost and a second fsync would lie: the caller rewrites from source.
            os.fsync(file.fileno())
        if final.exists() and final.stat().st_size == temporary.stat().st_size:
            # Perhaps renamed by a process that died before its folder was synced. Its time becomes new, so that no
            # sweep takes it for an old leftover while the caller writes its row.
            os.utime(final)
            _sync_folder(final.parent)
            temporary.unlink()
            return key
        for folder in (final.parent.parent, final.parent):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(folder.parent)
        temporary.chmod(0o400)
        temporary.rename(final)
        _sync_folder(final.parent)
        return key

    def open(self, key: str) -> BinaryIO:
        return self.path(key).open("rb")

    def path(self, key: str) -> Path:
        path = self.root / checked(key)
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such object", key)
        return path

    def size(self, key: str) -> int:
        return self.path(key).stat().st_size

    def exists(self, key: str) -> bool:
        return (self.root / checked(key)).is_file()

    def sha256_of(self, key: str) -> str:
        return sha256_of_file(self.path(key))

    def age_s(self, key: str) -> float:
        try:
            return time.time() - (self.root / key).stat().st_mtime
        except FileNotFoundError:
            return 0

    def remove_unless(self, key: str, *, younger_than_s: float, named: Named) -> bool:
        """Moved aside first, looked at again, then deleted: somebody may store it again meanwhile."""
        aside = self.temporary_path()
        final = self.root / checked(key)
        try:
            final.rename(aside)
        except FileNotFoundError:
            return True
        if time.time() - aside.stat().st_mtime < younger_than_s or named([key]):
            aside.rename(final)
            return False
        aside.unlink()
        return True

    def delete(self, key: str) -> None:
        (self.root / checked(key)).unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")):
            yield path.relative_to(self.root).as_posix()

    def sweep_temporaries(self, *, older_than_s: float) -> int:
        return sweep_folder(self.root / "tmp", older_than_s)


def is_filling(place: ObjectStore) -> bool:
    """Whether so much of the disk is used that somebody must make room soon."""
    total = place.total_bytes()
    return total > 0 and 1 - place.free_bytes() / total > FILLING_PART


def sweep_folder(folder: Path, older_than_s: float) -> int:
    """Delete the files of a folder that nobody wrote to for so long; how many."""
    count = 0
    for path in folder.glob("*"):
        try:
            if time.time() - path.stat().st_mtime > older_than_s:
                path.unlink()
                count += 1
        except FileNotFoundError:
            continue
    return count


@cache
def _store_at(url: str, process: int) -> ObjectStore:
    """One driver per address and process: the threads of a network driver do not survive a fork."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalStore(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from hevesy.foundation.files.s3 import s3_store

        return s3_store(url)
    raise ValueError(f"HEVESY_STORAGE_URL: unknown scheme {parts.scheme!r}; use file: or s3:")


def store() -> ObjectStore:
    """The object store of this site (`HEVESY_STORAGE_URL`)."""
    return _store_at(settings.STORAGE_URL, os.getpid())

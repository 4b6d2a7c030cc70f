"""Objects in an S3-compatible store: MinIO, Ceph, Garage, a cloud (`HEVESY_STORAGE_URL=s3://bucket/prefix?endpoint=…`).

An object is received into a local folder, put, and looked at again on the server; only then does `put_…` return. What
was put or fetched stays as a local copy while there is room, so that the programs that need a file have one.
Credentials are read from `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from urllib.parse import parse_qs, urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import BaseError
from obstore.store import S3Store as Client

from hevesy.foundation.files.store import (
    CHUNK_BYTES,
    KEY,
    MARKER,
    RESERVE_BYTES,
    Named,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreMissing,
    checked,
    key_of,
    sha256_of_file,
    sha256_of_key,
    sweep_folder,
)

ONE_PUT_BYTES: Final = 64 * 1024**2
"""Larger objects go up in parts; their ETag is no MD5, and they are read back instead."""
CACHE_BYTES: Final = int(os.environ.get("HEVESY_CACHE_BYTES", 20 * 1024**3))
_IN_USE_S: Final = 3600
"""A local copy opened so lately is not dropped: a program may be reading its name."""
_LOOK_AGAIN_S: Final = 15.0
_FULL_WORDS: Final = ("storagefull", "quotaexceeded", "507", "insufficientstorage")


def s3_store(url: str) -> S3Store:
    """The driver for `s3://bucket/prefix?endpoint=https://host:9000&region=name`. Raises `ValueError`."""
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = options.keys() - {"endpoint", "region"}
    if not parts.netloc or "@" in parts.netloc or unknown:
        raise ValueError(
            "HEVESY_STORAGE_URL: write s3://bucket/prefix?endpoint=https://host:port&region=name, "
            "and the keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/"),
        endpoint=options.get("endpoint", ""),
        region=options.get("region", "us-east-1"),
        folder=settings.HOME / "spool",
    )


class S3Store:
    """One bucket, or a part of it under `prefix`; `folder` holds what is being received and the local copies."""

    def __init__(
        self,
        bucket: str,
        *,
        prefix: str,
        endpoint: str,
        region: str,
        folder: Path,
        reserve_bytes: int = RESERVE_BYTES,
        cache_bytes: int = CACHE_BYTES,
        patience_s: int = 20,
    ) -> None:
        self.bucket, self.prefix, self.endpoint = bucket, prefix, endpoint
        self.folder = folder
        self.reserve_bytes = reserve_bytes
        self.cache_bytes = cache_bytes
        self._seen_at = float("-inf")
        named: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
        self._client = Client(
            bucket,
            prefix=prefix or None,
            region=region,
            virtual_hosted_style_request=not endpoint,
            checksum_algorithm="sha256",
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": "5s",
                "timeout": "60s",
            },
            # A device waits for its answer: what does not work soon is told, and sent again later.
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=patience_s)},
            **named,
        )

    @property
    def place(self) -> str:
        where = f"s3://{self.bucket}/{self.prefix}"
        return f"{where} at {self.endpoint}" if self.endpoint else where

    def is_made(self) -> bool:
        with _told():
            try:
                obstore.head(self._client, MARKER)
            except FileNotFoundError:
                return False
        return True

    def create(self) -> None:
        self._make_folders()
        with _told():
            obstore.put(self._client, MARKER, b"")

    def _make_folders(self) -> None:
        for name in ("tmp", "copies"):
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def check(self) -> None:
        if time.monotonic() - self._seen_at > _LOOK_AGAIN_S:
            if not self.is_made():
                raise StoreMissing(
                    errno.ENODEV, f"no {MARKER} in the store: is it the right bucket?", self.place
                )
            self._make_folders()
            self._seen_at = time.monotonic()
        if self.free_bytes() <= 0:
            raise StoreFull(
                errno.ENOSPC, "less than the reserve is free for receiving", str(self.folder)
            )

    def free_bytes(self) -> int:
        """Of the local folder: what a bucket may still take nobody tells before it refuses."""
        self._make_folders()
        return max(0, shutil.disk_usage(self.folder).free - self.reserve_bytes)

    def total_bytes(self) -> int:
        self._make_folders()
        return shutil.disk_usage(self.folder).total

    def temporary_path(self) -> Path:
        self.check()
        return self.folder / "tmp" / f"{os.getpid()}.{uuid.uuid4().hex}"

    def put_bytes(self, content: bytes) -> str:
        temporary = self.temporary_path()
        try:
            temporary.write_bytes(content)
            return self.put_file(temporary)
        finally:
            temporary.unlink(missing_ok=True)

    def put_file(self, temporary: Path) -> str:
        self.check()
        sha256, md5, size = _digests(temporary)
        key = key_of(sha256)
        with _told():
            # Always written, also when it is there: its time becomes new, so that no sweep takes it for a leftover.
            obstore.put(self._client, key, temporary, use_multipart=size > ONE_PUT_BYTES)
            there = obstore.head(self._client, key)
        seen = there["size"] == size and (there["e_tag"] or "").strip('"') == md5
        # Put in parts, or encrypted by the server, its ETag says nothing: then every byte is read back.
        if not seen and self.sha256_of(key) != sha256:
            raise StoreDamaged(errno.EIO, "the store holds other bytes than were put", key)
        self._keep_copy(temporary, key)
        return key

    def _copy(self, key: str) -> Path:
        return self.folder / "copies" / checked(key).replace("/", "-")

    def _keep_copy(self, temporary: Path, key: str) -> Path:
        """A file with the content of `key` becomes its local copy; synced, or a power cut would leave an empty one."""
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o400)
        return temporary.rename(self._copy(key))

    def open(self, key: str) -> BinaryIO:
        try:
            return self._used(key).open("rb")
        except FileNotFoundError:
            return cast(BinaryIO, io.BufferedReader(_Ranges(self._client, key, self.size(key))))

    def _used(self, key: str) -> Path:
        """The local copy, marked as used now; `FileNotFoundError`."""
        copy = self._copy(key)
        os.utime(copy)
        return copy

    def path(self, key: str) -> Path:
        try:
            return self._used(key)
        except FileNotFoundError:
            pass
        temporary = self.temporary_path()
        try:
            with temporary.open("xb") as file:
                for piece in self._stream(key):
                    file.write(piece)
            if sha256_of_file(temporary) != sha256_of_key(key):
                raise StoreDamaged(errno.EIO, "the store holds other bytes than were put", key)
            return self._keep_copy(temporary, key)
        finally:
            temporary.unlink(missing_ok=True)

    def _stream(self, key: str) -> Iterator[bytes]:
        with _told():
            for piece in obstore.get(self._client, checked(key)).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(piece)

    def size(self, key: str) -> int:
        with _told():
            return int(obstore.head(self._client, checked(key))["size"])

    def exists(self, key: str) -> bool:
        try:
            self.size(key)
        except FileNotFoundError:
            return False
        return True

    def sha256_of(self, key: str) -> str:
        digest = hashlib.sha256()
        for piece in self._stream(key):
            digest.update(piece)
        return digest.hexdigest()

    def age_s(self, key: str) -> float:
        try:
            with _told():
                modified = obstore.head(self._client, checked(key))["last_modified"]
        except FileNotFoundError:
            return 0
        return time.time() - modified.timestamp()

    def delete(self, key: str) -> None:
        self._copy(key).unlink(missing_ok=True)
        with _told():
            obstore.delete(self._client, checked(key))

    def remove_unless(self, key: str, *, younger_than_s: float, named: Named) -> bool:
        # A store of objects cannot move one aside. Between look and deletion lie milliseconds, and whoever puts the
        # same bytes within them makes the object new again.
        if not self.exists(key):
            return True
        if named([key]) or self.age_s(key) < younger_than_s:
            return False
        self.delete(key)
        return True

    def keys(self) -> Iterator[str]:
        with _told():
            for page in obstore.list(self._client):
                for one in page:
                    if KEY.fullmatch(one["path"]):
                        yield one["path"]

    def sweep_temporaries(self, *, older_than_s: float) -> int:
        self._make_folders()
        self._trim()
        return sweep_folder(self.folder / "tmp", older_than_s)

    def _trim(self) -> None:
        """Drop the local copies that were not used for the longest time until the rest fits."""
        copies = [(one.stat().st_mtime, one) for one in (self.folder / "copies").iterdir()]
        total = sum(one.stat().st_size for _at, one in copies)
        for used_at, copy in sorted(copies):
            if total <= self.cache_bytes or time.time() - used_at < _IN_USE_S:
                return
            total -= copy.stat().st_size
            copy.unlink(missing_ok=True)


class _Ranges(io.RawIOBase):
    """An object read by ranges: as much as is asked for, more when it is read in a row."""

    def __init__(self, client: Client, key: str, size: int) -> None:
        self._client, self._key, self._size = client, key, size
        self._position = 0
        self._ahead = memoryview(b"")
        self._ahead_at = 0
        self._step = 64 * 1024

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        start = self._position - self._ahead_at
        if not 0 <= start < len(self._ahead):
            self._fetch(len(view))
            start = 0
        count = min(len(view), len(self._ahead) - start)
        view[:count] = self._ahead[start : start + count]
        self._position += count
        return count

    def _fetch(self, wanted: int) -> None:
        in_a_row = self._position == self._ahead_at + len(self._ahead) and self._position > 0
        self._step = min(8 * CHUNK_BYTES, self._step * 4) if in_a_row else 64 * 1024
        length = min(max(wanted, self._step), self._size - self._position)
        self._ahead_at = self._position
        if length <= 0:
            self._ahead = memoryview(b"")
            return
        with _told():
            self._ahead = memoryview(
                bytes(
                    obstore.get_range(self._client, self._key, start=self._position, length=length)
                )
            )


def _digests(path: Path) -> tuple[str, str, int]:
    """SHA-256, MD5 and length of a file, read once."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            sha256.update(piece)
            md5.update(piece)
            size += len(piece)
    return sha256.hexdigest(), md5.hexdigest(), size


@contextmanager
def _told() -> Iterator[None]:
    """Errors of the client as ours; a missing object stays `FileNotFoundError`."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such object") from error
    except (BaseError, OSError) as error:
        if isinstance(error, StoreError):
            raise
        text = str(error)
        first = text.splitlines()[0][:300] if text else type(error).__name__
        squeezed = text.lower().replace(" ", "")
        if any(word in squeezed for word in _FULL_WORDS):
            raise StoreFull(errno.ENOSPC, first) from error
        raise StoreError(errno.EIO, first) from error

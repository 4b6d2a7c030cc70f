"""Write files: the bytes first and durably, then the row in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.audit.actions import record
from hevesy.foundation.files import store as stores
from hevesy.foundation.files.models import StoredFile

LARGEST_BYTES = 2 * 1024**3


class FileRefused(Refused):
    """The file cannot be taken; nothing was stored."""


class StorageUnavailable(Refused):
    """The disk is full or not there (HTTP 507)."""

    status = 507


def store_file(
    content: bytes | BinaryIO,
    *,
    name: str,
    media_type: str,
    kind: str,
    by: Actor,
    largest_bytes: int = LARGEST_BYTES,
) -> StoredFile:
    """Store `content` (bytes or a stream, read in pieces) and index it under `name`, for people only.

    `kind` (`report.pdf`, `exam.photo`) decides who may read it, see `files.access`. The caller has checked that
    `by` may do what this belongs to. Raises `FileRefused` (empty, too large), `StorageUnavailable`.
    """
    try:
        key, size = _put(content, largest_bytes)
    except stores.StoreError as failure:
        raise StorageUnavailable(
            _(
                "The storage is full or not connected. Nothing was saved; tell the system administrator."
            )
        ) from failure
    with transaction.atomic():
        stored = StoredFile.objects.create(
            key=key,
            sha256=stores.sha256_of_key(key),
            size=size,
            media_type=media_type,
            name=clean_name(name),
            kind=kind,
            created_by=by.user,
        )
        record(by, "file.store", stored, kind=kind, sha256=stored.sha256, size=size)
    return stored


def clean_name(name: str) -> str:
    """A received file name as a label: the last part, printable, at most 200 characters. It is never a path here."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    return printable[-200:] or "file"


def _put(content: bytes | BinaryIO, largest_bytes: int) -> tuple[str, int]:
    place = stores.store()
    temporary = place.temporary_path()
    size = 0
    try:
        with temporary.open("xb") as file:
            for piece in [content] if isinstance(content, bytes) else _pieces(content):
                size += len(piece)
                if size > largest_bytes:
                    raise FileRefused(
                        _("The file is larger than %(limit)s MB.")
                        % {"limit": largest_bytes // 1024**2}
                    )
                file.write(piece)
        if size == 0:
            raise FileRefused(_("The file is empty. Choose another one."))
        return place.put_file(temporary), size
    finally:
        temporary.unlink(missing_ok=True)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    while piece := stream.read(stores.CHUNK_BYTES):
        yield piece

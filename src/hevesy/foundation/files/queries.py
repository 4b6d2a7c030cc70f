"""Read files."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from hevesy.foundation.files.models import StoredFile
from hevesy.foundation.files.store import store


def open_file(stored: StoredFile) -> BinaryIO:
    """The bytes of a stored file; `FileNotFoundError` if the object is lost (`hevesy fsck` lists those)."""
    return store().open(stored.key)


def path_of(stored: StoredFile) -> Path:
    """The stored file as a local path, for programs that need one. Read only."""
    return store().path(stored.key)


def is_whole(stored: StoredFile) -> bool:
    """Whether the bytes on the disk are still those that were stored."""
    try:
        return store().sha256_of(stored.key) == stored.sha256
    except FileNotFoundError:
        return False

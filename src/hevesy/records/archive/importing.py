"""Finding DICOM objects in folders, discs and zip archives, without trusting any of them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydicom.uid import MediaStorageDirectoryStorage

from hevesy.foundation.files.store import store
from hevesy.records.archive.part10 import locate_data_set
from hevesy.records.archive.scan import Unreadable, scan
from hevesy.records.archive.spool import MAXIMUM_OBJECT

MAXIMUM_MEMBERS = 200_000
MAXIMUM_RATIO = 500
"""Pixels of an empty bed compress a hundredfold; a bomb more than a thousandfold."""
_HEAD = 4096
_CHUNK = 1024 * 1024


class SourceRefused(Exception):
    """A folder, file or archive that cannot be imported; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file that looks like a DICOM object. `path` is readable while the iteration stands at it."""

    name: str
    path: Path


def objects_in(source: Path) -> Iterator[Found | str]:
    """Every DICOM object in a file, folder or zip archive; names of other files as plain text.

    Links are not followed: a disc must not name a file of ours. Raises `SourceRefused`.
    """
    try:
        mode = source.lstat().st_mode
    except OSError as error:
        raise SourceRefused(f"{source}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        for path in sorted(source.rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            yield from _objects_of_file(path, str(path))
    elif stat.S_ISREG(mode):
        yield from _objects_of_file(source, str(source))
    else:
        raise SourceRefused(f"{source}: neither a file nor a folder")


def _objects_of_file(path: Path, name: str) -> Iterator[Found | str]:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head[:4] == b"PK\3\4":
        yield from _members(path)
    elif is_object(head):
        yield Found(name, path)
    else:
        yield name


def is_object(head: bytes) -> bool:
    """Whether a file that begins so is a DICOM object to archive; a DICOMDIR is an index, not an object."""
    try:
        place = locate_data_set(head)
        if head[128:132] == b"DICM":
            meta = scan(head, implicit=False, wanted=[(0x00020002,)], start=132, stop=place.offset)
            stored_class = meta.values.get((0x00020002,), b"").rstrip(b"\0").decode("latin-1")
            return bool(stored_class != MediaStorageDirectoryStorage)
    except Unreadable:
        return head[128:132] == b"DICM"
    # Without a preamble only a data set that begins with its own class is believed.
    return place.offset == 0 and b"1.2.840.10008.5.1.4" in head


def _members(path: Path) -> Iterator[Found | str]:
    """The objects of a zip archive, one after another through a temp file of ours; no name in it becomes a path."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > MAXIMUM_MEMBERS:
                raise SourceRefused(f"{path}: more than {MAXIMUM_MEMBERS} files")
            for member in members:
                if member.is_dir():
                    continue
                label = f"{path}!{member.filename!r}"
                if member.flag_bits & 1:
                    raise SourceRefused(f"{label}: encrypted")
                with archive.open(member) as stream:
                    yield from _member(stream, label, path.stat().st_size)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise SourceRefused(f"{path}: {error}") from error


def _member(stream: IO[bytes], label: str, archive_size: int) -> Iterator[Found | str]:
    temporary = store().temporary_path()
    try:
        head = stream.read(_HEAD)
        if not is_object(head):
            yield label
            return
        size = len(head)
        with temporary.open("xb") as file:
            file.write(head)
            while piece := stream.read(_CHUNK):
                # Counted while it inflates: what the archive says of its sizes is not believed.
                size += len(piece)
                if size > MAXIMUM_OBJECT or size > MAXIMUM_RATIO * (archive_size + _CHUNK):
                    raise SourceRefused(f"{label}: inflates to more than is sane")
                file.write(piece)
        yield Found(label, temporary)
    finally:
        temporary.unlink(missing_ok=True)

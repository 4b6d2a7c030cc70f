"""What was received, out of however it is stored. Everything that reads an object goes through here."""

from __future__ import annotations

import errno
import hashlib
import os
import uuid
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from hevesy.foundation.files.store import CHUNK_BYTES, sha256_of_key, store, sweep_folder
from hevesy.imaging.dicomio.stored import NotPacked, unpack
from hevesy.records.archive.models import Instance

RESTORED_S = 3600
"""How long a restored copy that nobody asks for again is kept."""


class ObjectDamaged(FileNotFoundError):
    """The stored bytes are not those that were stored: to a reader as good as lost, and never another image."""


def open_received(instance: Instance) -> BinaryIO:
    """The file as received, as a stream that can seek. Raises `FileNotFoundError`, `ObjectDamaged` if packed."""
    if not instance.is_packed:
        return store().open(instance.path)
    return BytesIO(_unpacked(instance))


def received_path(instance: Instance) -> Path:
    """The file as received, as a local file. A packed object is restored into a folder of its own for a while."""
    if not instance.is_packed:
        return store().path(instance.path)
    restored = _restored_folder() / f"{instance.sha256}.dcm"
    try:
        if restored.stat().st_size == instance.size:
            os.utime(restored)
            return restored
    except FileNotFoundError:
        pass
    temporary = restored.with_name(f"{uuid.uuid4().hex}.part")
    try:
        temporary.write_bytes(_unpacked(instance))
        return temporary.rename(restored)
    finally:
        temporary.unlink(missing_ok=True)


def readable_path(instance: Instance) -> Path:
    """A local DICOM file with the header and pixels that were received, perhaps in another transfer syntax."""
    return store().path(instance.path)


def _unpacked(instance: Instance) -> bytes:
    """The received file of a packed object.

    Decoded in this process although it was a stranger's image once: the hash says that these are exactly the bytes
    whose decoding to the received ones was proved in a child process before they were stored.
    """
    with store().open(instance.path) as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != sha256_of_key(instance.path):
        raise ObjectDamaged(errno.EIO, "the stored object has changed", instance.path)
    try:
        return unpack(content)
    except NotPacked as error:
        raise ObjectDamaged(errno.EIO, "the stored object cannot be unpacked", instance.path) from (
            error
        )


def data_set_sha256(instance: Instance) -> str:
    """The SHA-256 of the received data set, out of the bytes as they are read now."""
    digest = hashlib.sha256()
    with open_received(instance) as file:
        file.seek(instance.data_set_offset)
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def is_unchanged(instance: Instance) -> bool:
    """Whether the object in the store is the one that was put, and gives the data set that was received.

    Raises OSError when it cannot be read at all.
    """
    if store().sha256_of(instance.path) != sha256_of_key(instance.path):
        return False
    try:
        return data_set_sha256(instance) == instance.sha256
    except ObjectDamaged:
        return False


def _restored_folder() -> Path:
    folder = Path(settings.HOME) / "restored"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def sweep_restored() -> int:
    """Remove restored copies that nobody asked for lately; how many."""
    return sweep_folder(_restored_folder(), RESTORED_S)

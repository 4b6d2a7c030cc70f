"""A temp file that is hashed, counted and limited while an object streams into it."""

from __future__ import annotations

import errno
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hevesy.foundation.files.store import store
from hevesy.records.archive.part10 import file_head

MAXIMUM_OBJECT = 4 * 1024**3
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class Spool:
    """One object on its way in: our file head, then the received data set, untouched.

    `write` never raises for the disk or the limit: the sender is still talking and must hear a proper answer at the
    end. It remembers `failure` (`disk_full`, `too_large`, `disk_error`), throws the rest away, and `finish` tells.
    """

    def __init__(self, limit: int = MAXIMUM_OBJECT) -> None:
        self.store = store()
        self.limit = limit
        self.failure = ""
        self.size = 0
        self.data_set_offset = 0
        self.transfer_syntax_uid = ""
        self.path: Path | None = None
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> None:
        """Write the file head. The UIDs must prove equal to those of the data set before it is kept."""
        self.transfer_syntax_uid = transfer_syntax_uid
        head = file_head(sop_class_uid, sop_instance_uid, transfer_syntax_uid)
        self.data_set_offset = len(head)
        self._put(head)

    def write(self, data: bytes) -> int:
        """Take the next bytes of the data set; hashes and counts them on the way."""
        self.size += len(data)
        if not self.failure:
            if self.size > self.limit:
                self.fail("too_large")
            else:
                self._digest.update(data)
                self._put(data)
        return len(data)

    def _put(self, data: bytes) -> None:
        try:
            if self._file is None:
                self.path = self.store.temporary_path()
                self._file = self.path.open("xb", buffering=0)
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            self.fail(failure_of(error))

    def fail(self, failure: str) -> None:
        """Give up: remember why, and free the space at once."""
        self.failure = failure
        self.discard()

    @property
    def sha256(self) -> str:
        """Of the data set as received, without group 0002."""
        return self._digest.hexdigest()

    def finish(self) -> str:
        """Move the bytes durably into the object store; the key. Raises OSError, and then nothing is left."""
        assert self._file is not None and self.path is not None
        try:
            self._file.close()
            return self.store.put_file(self.path)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the temp file; safe to call at any time, also twice."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink()


def failure_of(error: OSError) -> str:
    """The reason key for an error of the object store: full, or broken."""
    return "disk_full" if error.errno in _FULL else "disk_error"

"""C-STORE data sets straight to disk: pynetdicom's chunked receive, writing into the archive's spool.

pynetdicom writes chunks into a `NamedTemporaryFile` outside our disk, under its own file meta information, and aborts
the association when that fails. Its three names are replaced here, so that the bytes are hashed and limited on the way,
lie where they will stay, and a full disk gets its proper answer. Checked at start-up, because they are no public API.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pynetdicom import _config, dimse_messages

from hevesy.records.archive.spool import Spool


class IncomingFile:
    """What pynetdicom takes for a temp file. Nothing is written before the file head is."""

    def __init__(self, **unused: Any) -> None:
        self.spool = Spool()
        self.begun = False
        self.file = self

    @property
    def name(self) -> str:
        """Where the bytes are. pynetdicom removes that path afterwards; by then they have moved on."""
        return str(self.spool.path or Path("/nonexistent/no-object"))

    def begin(self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> None:
        """Write our file head; from now on the data set follows."""
        self.begun = True
        self.spool.begin(sop_class_uid, sop_instance_uid, transfer_syntax_uid)

    def write(self, data: bytes) -> int:
        """Take a fragment of the data set; pynetdicom's own preamble and prefix are let go."""
        return self.spool.write(data) if self.begun else len(data)

    def flush(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Whoever handled the object has consumed the spool; this only catches what nobody handled."""
        self.spool.discard()


def install() -> None:
    """Route pynetdicom's received data sets into spools. Raises RuntimeError if pynetdicom has changed its names."""
    for name in ("NamedTemporaryFile", "create_file_meta", "write_file_meta_info"):
        if not hasattr(dimse_messages, name):
            raise RuntimeError(f"pynetdicom has no dimse_messages.{name} any more: pin 3.0.x")
    dimse_messages.NamedTemporaryFile = IncomingFile
    dimse_messages.create_file_meta = lambda **uids: SimpleNamespace(**uids)
    dimse_messages.write_file_meta_info = lambda file, meta: file.begin(
        str(meta.sop_class_uid), str(meta.sop_instance_uid), str(meta.transfer_syntax)
    )
    _config.STORE_RECV_CHUNKED_DATASET = True
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    # UIDs are judged by the archive, which answers with a status and a row; pynetdicom would hang up.
    _config.VALIDATORS["UI"] = lambda value: (True, "")

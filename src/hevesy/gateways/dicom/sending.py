"""Stored objects onto an association, as they are stored or, where the receiver cannot take that, written plainly."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from hevesy.gateways.dicom import status
from hevesy.gateways.dicom.databases import with_database
from hevesy.gateways.dicom.outgoing import PLAIN, Unreachable
from hevesy.imaging.dicomio import ChildLimits, ImageRefused, write_plain_sandboxed
from hevesy.records.archive.ingest import is_whole
from hevesy.records.archive.models import Instance
from hevesy.records.archive.queries import instance_path

logger = logging.getLogger(__name__)

Outcome = Literal["completed", "warning", "failed"]
_BATCH: Final = 16
"""Objects that are looked up, and written plainly by one child process, at once."""
_CALLS: Final = 3
_WARNINGS: Final = frozenset((0xB000, 0xB006, 0xB007))
_CHILD: Final = ChildLimits(memory_bytes=3 * 1024**3, processor_s=120, wall_s=180.0)
_WRITERS: Final = threading.BoundedSemaphore(max(1, (os.cpu_count() or 2) // 2))


class Line:
    """The association on which objects are sent; one that a receiver broke is asked for again, a few times."""

    def __init__(self, association: Any, call_again: Callable[[], Any] | None = None) -> None:
        self.association = association
        self._call_again = call_again
        self._calls_left = _CALLS

    def holds(self) -> bool:
        """Whether objects can be sent; calls again if the receiver hung up over the object before."""
        while not is_alive(self.association):
            if self._call_again is None or not self._calls_left:
                return False
            self._calls_left -= 1
            try:
                self.association = self._call_again()
            except Unreachable as unreachable:
                logger.warning("%s", unreachable)
        return True

    def close(self) -> None:
        """Release an association that was asked for by us."""
        if self._call_again is not None and is_alive(self.association):
            self.association.release()


def is_alive(association: Any) -> bool:
    """Whether an association stands: pynetdicom's own flag falls a moment after the peer has gone."""
    return bool(association.is_established and not association.acse.is_aborted())


def send_instances(
    line: Line, instances: Sequence[int], **originator: Any
) -> Iterator[tuple[str, Outcome]]:
    """Send the instances with these keys, in this order; the SOP Instance UID and outcome of each.

    originator: `originator_aet` and `originator_id` of a C-MOVE. Memory and disk hold a batch at most.
    """
    number = 0
    for first in range(0, len(instances), _BATCH):
        rows = _rows(instances[first : first + _BATCH])
        with tempfile.TemporaryDirectory(prefix="hevesy-send-") as name:
            paths = _paths(line.association, rows, Path(name))
            for row in rows:
                number = number % 65535 + 1
                path = paths.get(row.pk)
                if path is None or not line.holds():
                    yield row.sop_instance_uid, "failed"
                else:
                    yield row.sop_instance_uid, _send(line.association, path, number, originator)


@with_database
def _rows(keys: Sequence[int]) -> list[Instance]:
    found = Instance.objects.in_bulk(keys)
    return [found[key] for key in keys if key in found]


def _paths(association: Any, rows: list[Instance], folder: Path) -> dict[int, Path]:
    """The file to send of each object that can be sent: the stored one, or a plain one in `folder`."""
    taken = {
        (str(context.abstract_syntax), str(context.transfer_syntax[0]))
        for context in association.accepted_contexts
        if context.as_scu
    }
    paths: dict[int, Path] = {}
    rewritten: dict[str, list[Instance]] = {}
    for row in rows:
        if not is_whole(row):
            logger.error("object %s is missing or short on disk", row.sop_instance_uid)
        elif (row.sop_class_uid, row.transfer_syntax_uid) in taken and not _is_odd(row):
            paths[row.pk] = instance_path(row)
        elif row.hindrance:
            logger.warning("object %s cannot be decoded: %s", row.sop_instance_uid, row.hindrance)
        else:
            for syntax in PLAIN:
                if (row.sop_class_uid, syntax) in taken:
                    rewritten.setdefault(syntax, []).append(row)
                    break
    for syntax, some in rewritten.items():
        paths |= _plain(some, folder / syntax, syntax)
    return paths


def _is_odd(row: Instance) -> bool:
    """Whether its data set has an odd length: no fragment may (PS3.8 §9.3.5.1), and strict receivers hang up."""
    return bool((row.size - row.data_set_offset) % 2)


def _plain(rows: list[Instance], folder: Path, syntax: str) -> dict[int, Path]:
    folder.mkdir()
    try:
        with _WRITERS:
            sources = [instance_path(row) for row in rows]
            refused = write_plain_sandboxed(sources, folder, syntax, child=_CHILD)
    except ImageRefused as refusal:
        refused = [refusal.key] * len(rows)
        if len(rows) > 1:
            # One of them ended the child: the others shall not suffer.
            alone = [_plain([row], folder / str(row.pk), syntax) for row in rows]
            return {key: path for one in alone for key, path in one.items()}
    paths = {}
    for place, (row, why) in enumerate(zip(rows, refused, strict=True)):
        if why:
            logger.warning("object %s cannot be decoded: %s", row.sop_instance_uid, why)
        else:
            paths[row.pk] = folder / f"{place}.dcm"
    return paths


def _send(association: Any, path: Path, number: int, originator: dict[str, Any]) -> Outcome:
    try:
        answer = association.send_c_store(path, msg_id=number, **originator)
    except Exception as error:
        logger.warning("an object could not be sent: %s", error)
        # pynetdicom pauses the association's thread while it sends; after an error it would pause for ever.
        association._reactor_checkpoint.set()
        return "failed"
    code = answer.get("Status")
    if code == status.SUCCESS:
        return "completed"
    return "warning" if code in _WARNINGS else "failed"

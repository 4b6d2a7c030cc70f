"""Data sets that come inside a message (queries, performed steps): looked at before pydicom decodes them."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dsutils import decode

from hevesy.records.archive.scan import Unreadable, scan


class Undecodable(Exception):
    """The data set is missing or broken."""


def decode_identifier(event: Any, encoded: Any) -> Dataset:
    """The data set of a message; refuses what is broken, too deep or endless before pydicom recurses into it."""
    return decode_data_set(encoded, event.context.transfer_syntax)


def decode_data_set(encoded: Any, transfer_syntax_uid: str) -> Dataset:
    """As `decode_identifier`, by the transfer syntax of the message."""
    if encoded is None:
        raise Undecodable
    syntax = UID(transfer_syntax_uid)
    try:
        scan(
            encoded.getvalue(),
            implicit=syntax.is_implicit_VR,
            little_endian=syntax.is_little_endian,
            wanted=(),
        )
        # pydicom decodes lazily; whatever is wrong must show here, not in the middle of an answer. The data set that
        # is returned is a fresh one: its values are still raw, so that their character set can be repaired.
        for element in _decoded(encoded, syntax).iterall():
            _ = element.VR
        return _decoded(encoded, syntax)
    except Unreadable as unreadable:
        raise Undecodable from unreadable
    except Exception as error:  # pydicom may raise anything on bytes from outside
        raise Undecodable from error


def _decoded(encoded: Any, syntax: UID) -> Dataset:
    encoded.seek(0)
    return decode(encoded, syntax.is_implicit_VR, syntax.is_little_endian)

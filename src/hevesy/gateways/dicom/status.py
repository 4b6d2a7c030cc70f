"""DIMSE status codes by name, so that a handler reads as a sentence (PS3.4 annexes B, F, K; PS3.7 annex C)."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

SUCCESS: Final = 0x0000
CANCEL: Final = 0xFE00
PENDING: Final = 0xFF00
PENDING_OPTIONAL_KEYS_NOT_SUPPORTED: Final = 0xFF01

# Storage (PS3.4 B.2.3)
OUT_OF_RESOURCES: Final = 0xA700
DATA_SET_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
KEPT_ASIDE: Final = 0xB000
"""Coercion of data elements is what the standard calls it: stored, but not as the object of this UID (conflict)."""

# Worklist and query (PS3.4 K.4, C.4.1)
MORE_MATCHES_EXIST: Final = 0xB001
IDENTIFIER_DOES_NOT_MATCH: Final = 0xA900
UNABLE_TO_PROCESS: Final = 0xC001

# Retrieve (PS3.4 C.4.2, C.4.3)
CANNOT_COUNT_MATCHES: Final = 0xA701
CANNOT_SEND: Final = 0xA702
DESTINATION_UNKNOWN: Final = 0xA801
SOME_FAILED: Final = 0xB000

# General (PS3.7 annex C)
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
NO_SUCH_SOP_INSTANCE: Final = 0x0112
INVALID_ATTRIBUTE_VALUE: Final = 0x0106
INVALID_OBJECT_INSTANCE: Final = 0x0117
MISSING_ATTRIBUTE: Final = 0x0120
NO_SUCH_ACTION: Final = 0x0123
NOT_AUTHORISED: Final = 0x0124

# Error ID (0000,0903) beside a processing failure of a performed procedure step (PS3.4 F.7.2.2)
MAY_NO_LONGER_BE_UPDATED: Final = 0xA710


def refusal(code: int, why: str) -> Dataset:
    """A status with an Error Comment (0000,0902), for the person who reads the log of the other side."""
    answer = Dataset()
    answer.Status = code
    answer.ErrorComment = why[:64]
    return answer

"""Unique identifiers from the wire: a stranger's text until it obeys DICOM PS3.5 §9.1."""

from __future__ import annotations

import re

_COMPONENTS = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+")
MAXIMUM_LENGTH = 64


def is_uid(text: str) -> bool:
    """Whether `text` is a UID: digits and single dots, no component with a leading zero, at most 64 characters."""
    return len(text) <= MAXIMUM_LENGTH and _COMPONENTS.fullmatch(text) is not None

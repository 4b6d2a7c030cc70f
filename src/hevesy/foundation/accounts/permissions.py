"""The registry of permissions. The table itself is `hevesy.records.staffing.rights`, in one place."""

from __future__ import annotations

from django.utils.functional import Promise

DECLARED: dict[str, str | Promise] = {}


def declare(code: str, label: str | Promise) -> str:
    """Declare a permission once; `label` is a gettext_lazy sentence fragment ('book an examination')."""
    if code in DECLARED:
        raise ValueError(f"permission {code} is declared twice")
    DECLARED[code] = label
    return code


def label(code: str) -> str:
    """The human label of a permission; the code itself if it was never declared."""
    return str(DECLARED.get(code, code))

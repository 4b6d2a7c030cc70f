"""Who may read a stored file: decided by the app that owns its kind. A kind without a rule is closed to everybody.

access.register("exam.photo", lambda request, stored: request.user.may("exams.view"))
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

from hevesy.foundation.files.models import StoredFile

Rule = Callable[[HttpRequest, StoredFile], bool]

RULES: dict[str, Rule] = {}


def register(kind: str, rule: Rule) -> None:
    """Let `rule(request, stored)` decide over files of `kind`; call it in `AppConfig.ready`."""
    if kind in RULES:
        raise ValueError(f"access to files of kind {kind} is declared twice")
    RULES[kind] = rule


def may_read(request: HttpRequest, stored: StoredFile) -> bool:
    """Whether the person of `request` may read `stored`."""
    rule = RULES.get(stored.kind)
    return rule is not None and rule(request, stored)

"""Words for what was done, so that an auditor reads sentences and not codes."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

WORDS: dict[str, str | Promise] = {}


def declare(words: Mapping[str, str | Promise]) -> None:
    """Name verbs (`report.audit`) in people's words; called in `AppConfig.ready`."""
    WORDS.update(words)


def word(verb: str) -> str:
    """The words for `verb`; the code itself when nobody named it."""
    return str(WORDS.get(verb, verb))

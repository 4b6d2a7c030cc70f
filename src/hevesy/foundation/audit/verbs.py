"""Words for what was done, so that an auditor reads words and not codes.

A verb is `noun.act` (`report.audit`); nouns and acts are named once, in Chinese and English, and combined.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Q
from django.utils.translation import get_language

NOUNS: dict[str, tuple[str, str]] = {}
ACTS: dict[str, tuple[str, str]] = {}


def declare(nouns: Mapping[str, tuple[str, str]], acts: Mapping[str, tuple[str, str]]) -> None:
    """Name nouns and acts, each (Chinese, English); called in `AppConfig.ready`."""
    NOUNS.update(nouns)
    ACTS.update(acts)


def _chosen(words: tuple[str, str]) -> str:
    return words[0] if (get_language() or "zh").startswith("zh") else words[1]


def word(verb: str) -> str:
    """`检查：预约` or `examination: book` for `exam.book`; what nobody named stays as its code."""
    noun, _dot, act = verb.partition(".")
    left = _chosen(NOUNS.get(noun, (noun, noun)))
    # `exam.report.audited`: what happened to the report, told at its examination.
    right = word(act) if "." in act else _chosen(ACTS.get(act, (act, act)))
    colon = _chosen(("：", ": "))
    return f"{left}{colon}{right}" if act else left


def verbs_like(text: str) -> Q:
    """Rows whose verb contains `text`, as its code or in the words of either language."""
    wanted = text.lower()
    found = Q(verb__icontains=text)
    for noun, words in NOUNS.items():
        if any(wanted in one.lower() for one in words):
            found |= Q(verb__startswith=f"{noun}.")
    for act, words in ACTS.items():
        if any(wanted in one.lower() for one in words):
            found |= Q(verb__endswith=f".{act}")
    return found

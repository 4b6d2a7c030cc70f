"""Every verb that the code records has words for the auditor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from hevesy.foundation.audit.verbs import ACTS, NOUNS, word

SOURCE = Path(__file__).parents[2]
RECORDED = re.compile(r"""\brecord\(\s*[\w.()]+,\s*"([a-z_]+\.[a-z_.]+)\"""")


def recorded_verbs() -> list[str]:
    found = {
        verb
        for path in SOURCE.rglob("*.py")
        if "tests" not in path.parts
        for verb in RECORDED.findall(path.read_text(encoding="utf-8"))
    }
    return sorted(found)


@pytest.mark.parametrize("verb", recorded_verbs())
def test_an_auditor_reads_words(verb: str) -> None:
    noun, _dot, act = verb.partition(".")

    assert noun in NOUNS, f"name {noun!r} in config/verbs.py"
    assert act in ACTS, f"name {act!r} in config/verbs.py"


def test_words_follow_the_language() -> None:
    with translation.override("zh-hans"):
        assert word("exam.book") == "检查：预约"
    with translation.override("en"):
        assert word("exam.book") == "examination: book"
    assert word("something.else").endswith("else")

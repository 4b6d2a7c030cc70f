"""The chain of versions: canonical text, hash, and the marked difference of two (clause 6.6)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from diff_match_patch import diff_match_patch

SECTIONS = ("technique", "findings", "impression")


def digest(
    previous_sha256: str, number: int, author_id: int, at: str, body: Mapping[str, Any]
) -> str:
    """SHA-256 over the previous hash and everything that this version says, in canonical JSON."""
    canonical = json.dumps(
        {
            "previous": previous_sha256,
            "number": number,
            "author": author_id,
            "at": at,
            "body": body,
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True)
class Piece:
    """A run of text that was kept, inserted or deleted."""

    kind: Literal["equal", "insert", "delete"]
    text: str


KINDS: dict[int, Literal["equal", "insert", "delete"]] = {0: "equal", 1: "insert", -1: "delete"}


def marked(before: str, after: str) -> list[Piece]:
    """The difference of two texts by character, cleaned so that a person can read it.

    Both texts can be rebuilt: without the insertions it is `before`, without the deletions it is `after`.
    """
    engine = diff_match_patch()
    engine.Diff_Timeout = 1.0
    pieces = engine.diff_main(before, after)
    engine.diff_cleanupSemantic(pieces)
    return [Piece(KINDS[kind], text) for kind, text in pieces]


def marked_sections(
    before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[str, list[Piece]]]:
    """The marked difference of every section, in the order of the report."""
    for section in SECTIONS:
        yield section, marked(before.get(section, ""), after.get(section, ""))


def changed_characters(before: Mapping[str, str], after: Mapping[str, str]) -> int:
    """How many characters were inserted or deleted: the size of a change, for teaching statistics."""
    return sum(
        len(piece.text)
        for _section, pieces in marked_sections(before, after)
        for piece in pieces
        if piece.kind != "equal"
    )

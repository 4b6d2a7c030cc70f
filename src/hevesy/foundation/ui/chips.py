"""The small coloured word that says a state: one key, one word, one icon, from the list to the wall."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise

TONES = (
    "ordered",
    "scheduled",
    "arrived",
    "interviewed",
    "uptake",
    "scanning",
    "acquired",
    "reporting",
    "submitted",
    "audited",
    "published",
    "cancelled",
    "ok",
    "info",
    "amber",
    "red",
    "critical",
    "rad",
    "plain",
)
"""Every colour a chip may have. Each has a light and a dark pair in `tokens.css`, checked for contrast."""


@dataclass(frozen=True, slots=True)
class Chip:
    """What `<c-ui.state :chip="chip"/>` shows. `key` is one of `TONES`, `icon` the name of an icon in the sprite."""

    key: str
    word: str | Promise
    icon: str
    title: str | Promise = ""

    def __post_init__(self) -> None:
        if self.key not in TONES:
            raise ValueError(f"chip key {self.key!r} is not one of {', '.join(TONES)}")

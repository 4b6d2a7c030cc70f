"""Who follows when patient records are merged: upper floors register what they move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hevesy.records.patients.models import Patient


@dataclass(frozen=True, slots=True)
class Follower:
    """A kind of record that belongs to a patient.

    `move(source, target, only)` gives the records of `source` to `target` and returns their primary keys;
    `only` limits it to these keys (undoing a merge).
    """

    kind: str
    move: Callable[[Patient, Patient, list[int] | None], list[int]]


FOLLOWERS: list[Follower] = []


def follow(kind: str, move: Callable[[Patient, Patient, list[int] | None], list[int]]) -> None:
    """Register a follower; called in `AppConfig.ready`."""
    FOLLOWERS.append(Follower(kind, move))

"""What a new installation starts with. Each app registers its seeder in `AppConfig.ready()`; `hevesy seed` runs all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Seeder = Callable[[], Iterable[str]]
"""Makes what is missing, changes nothing that a site has edited, and says in short lines what it made."""


@dataclass(frozen=True, order=True)
class _Entry:
    order: int
    name: str
    function: Seeder


SEEDERS: list[_Entry] = []


def register(order: int, function: Seeder) -> None:
    """Let `hevesy seed` call `function`; lower `order` first (roles 10, catalogue 20, equipment 30, the rest after)."""
    entry = _Entry(order, f"{function.__module__}.{function.__qualname__}", function)
    if all(known.name != entry.name for known in SEEDERS):
        SEEDERS.append(entry)


def run_seeders(up_to: int | None = None) -> list[str]:
    """Run the seeders in order (those of `order <= up_to`); return what was made. A second run makes nothing."""
    made: list[str] = []
    for entry in sorted(SEEDERS, key=lambda known: (known.order, known.name)):
        if up_to is None or entry.order <= up_to:
            made.extend(entry.function())
    return made

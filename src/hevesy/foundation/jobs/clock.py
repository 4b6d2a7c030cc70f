"""Periodic functions. One clock runs them at a time, whichever node holds the lease.

    @every(seconds=3600, name="archive.sweep")
    def sweep() -> None: ...

Declared in an app's `jobs.py`. A function here is short; long work enqueues a job.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import DatabaseError, close_old_connections, connection, transaction

from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.models import Lease, Periodic

logger = logging.getLogger(__name__)

LEASE = "clock"
LEASE_S = 30
TICK_S = 1.0


@dataclass(frozen=True)
class Entry:
    """A registered periodic function."""

    name: str
    seconds: float
    function: Callable[[], object]


ENTRIES: dict[str, Entry] = {}


def every(seconds: float, name: str) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register a function to run every `seconds`; `name` (`archive.sweep`) keeps its due time over restarts."""

    def register(function: Callable[[], object]) -> Callable[[], object]:
        if name in ENTRIES:
            raise ValueError(f"periodic function {name} is declared twice")
        ENTRIES[name] = Entry(name, seconds, function)
        return function

    return register


def tick(owner: str) -> list[str]:
    """Run what is due if `owner` holds (or can take) the clock's lease; the names that ran."""
    if not leases.hold(LEASE, owner, LEASE_S):
        return []
    return [entry.name for entry in ENTRIES.values() if _run_if_due(entry, owner)]


def _run_if_due(entry: Entry, owner: str) -> bool:
    now = leases.database_now()
    due = Periodic.objects.filter(name=entry.name, next_at__gt=now)
    if due.exists():
        return False
    with transaction.atomic():
        # The next time is written first: a function that kills the clock must not do so in a loop.
        Periodic.objects.update_or_create(
            name=entry.name,
            defaults={"next_at": now + timedelta(seconds=entry.seconds), "last_at": now},
        )
    error = ""
    try:
        entry.function()
    except Exception as failure:
        logger.exception("periodic function %s failed", entry.name)
        error = f"{type(failure).__name__}: {failure}"[:2000]
    Periodic.objects.filter(name=entry.name).exclude(last_error=error).update(last_error=error)
    leases.hold(LEASE, owner, LEASE_S)
    return True


def run(stopping: threading.Event) -> None:
    """Tick every second until `stopping` is set; then let go of the lease at once."""
    owner = leases.owner_name()
    while not stopping.wait(TICK_S):
        close_old_connections()
        try:
            tick(owner)
        except DatabaseError:
            logger.exception("the clock cannot reach the database")
            connection.close()
            stopping.wait(5)
    Lease.objects.filter(name=LEASE, owner=owner).delete()

"""The demo's clock: a department's day is played through in order, each act at its own time."""

from __future__ import annotations

import datetime as dt
import heapq
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from django.db import connection
from django.utils import timezone

Script = Iterator[dt.datetime]
"""A person's way through the day: yields the time of the next act, then does it when the clock says so."""


class Clock:
    """What `timezone.now()` answers while the day is played."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


@contextmanager
def played(clock: Clock) -> Iterator[None]:
    """Let the whole process live in the demo's time. For the demo command alone: it runs nothing else."""
    real = timezone.now
    timezone.now = clock
    try:
        yield
    finally:
        timezone.now = real


@contextmanager
def without_waiting_for_the_disk() -> Iterator[None]:
    """Skip every fsync and sync once at the end: invented data need not survive a power cut half way.

    For the demo command alone; a crash before the end leaves a demo that `--reset` makes anew.
    """
    real = os.fsync
    os.fsync = lambda fd: None
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = OFF")
    try:
        yield
    finally:
        os.fsync = real
        os.sync()
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA synchronous = FULL")


def play(
    scripts: list[Script], clock: Clock, until: dt.datetime, progress: Callable[[dt.datetime], None]
) -> None:
    """Run the scripts side by side in the order of their times, up to `until`.

    A script that names a later time simply stays where it is: that is how the day has patients in every state.
    """
    order = count()
    waiting: list[tuple[dt.datetime, int, Script]] = []
    for script in scripts:
        _push(waiting, script, order)
    while waiting and waiting[0][0] <= until:
        at, _place, script = heapq.heappop(waiting)
        clock.now = max(at, clock.now)
        progress(clock.now)
        _push(waiting, script, order)


def _push(
    waiting: list[tuple[dt.datetime, int, Script]], script: Script, order: count[int]
) -> None:
    at = next(script, None)
    if at is not None:
        heapq.heappush(waiting, (at, next(order), script))

"""The sending end of `/live/`: one reader of the event table per process, shared by all its open pages.

However many pages are open, a process asks the database once per beat, on one thread with one connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
import time
import weakref
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from types import FrameType
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections, connection, connections
from django.db.models import QuerySet
from django.utils import timezone

from hevesy.foundation.ui.live import KEPT
from hevesy.foundation.ui.models import LiveEvent

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.3
"""How often the table is read while somebody listens."""
PULSE_SECONDS = 5.0
"""How often an idle stream says that it lives; a page calls it lost after 15 s."""
LIFE_SECONDS = 300.0
"""After this a stream ends and the page connects again, so that lost rights and ended sessions take effect."""
LOOK_BACK = timedelta(seconds=10)
"""A transaction may commit after one that took a higher number; rows this young are looked for again."""
LATE = timedelta(seconds=1)
"""How long before a page was asked for its events are told again: a transaction may have been about to commit."""
REPLAYED = 200
"""More missed events than this, and the page is told to show everything again."""
QUEUED = 500
STREAMS_PER_USER = 12


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the event table."""

    id: int
    topic: str
    payload: dict[str, Any]
    at: datetime

    def frame(self) -> str:
        """The event in the format of server-sent events. The id lets a page resume where it stopped."""
        data = json.dumps({"topic": self.topic, **self.payload}, ensure_ascii=False)
        return f"id: {self.id}\nevent: live\ndata: {data}\n\n"


@dataclass(eq=False)
class Listener:
    """One open page."""

    topics: tuple[str, ...]
    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(QUEUED))
    overrun: bool = False

    def wants(self, event: Event) -> bool:
        """Whether the event's topic is one of the page's or lies below one."""
        return any(
            event.topic == topic or event.topic.startswith(f"{topic}:") for topic in self.topics
        )

    def offer(self, event: Event | None) -> None:
        """Queue the event unless the page is too slow; then it must show everything again. None: wake up."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.overrun = True


class Hub:
    """Reads the event table for all listeners of one event loop."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.reader: asyncio.Task[None] | None = None
        self.thread: ThreadPoolExecutor | None = None
        self.starting = asyncio.Lock()
        self.sent: dict[int, datetime] = {}
        self.floor = 0

    async def join(self, listener: Listener, since: int | datetime) -> list[Event] | None:
        """Add a page; returns what it missed, None when that is too much or too long ago.

        `since` is the last event that it got, or when the page was asked for: what happened between then and now
        is not on the page and was not told to it.
        """
        self.listeners.add(listener)
        async with self.starting:
            if self.reader is None or self.reader.done():
                self.floor, self.sent = await self._ask(_start)
                self.reader = asyncio.create_task(self._read())
        missed = await self._ask(_missed_since, since)
        if missed is None:
            return None
        return [event for event in missed if listener.wants(event)]

    def leave(self, listener: Listener) -> None:
        """Remove a page; the reader rests when the last one has gone."""
        self.listeners.discard(listener)
        if not self.listeners and self.reader is not None and self.thread is not None:
            self.reader.cancel()
            self.reader = None
            self.thread.submit(connection.close)
            self.thread.shutdown(wait=False)
            self.thread = None

    async def _ask(self, question: Any, *arguments: Any) -> Any:
        if self.thread is None:
            self.thread = ThreadPoolExecutor(1, thread_name_prefix="live")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.thread, _fresh, question, *arguments)

    async def _read(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if _ending.is_set():
                for listener in self.listeners:
                    listener.offer(None)
                continue
            try:
                events: list[Event] = await self._ask(_after, self.floor)
            except DatabaseError:
                logger.warning("Live events cannot be read; trying again", exc_info=True)
                await asyncio.sleep(2)
                continue
            for event in events:
                if event.id in self.sent:
                    continue
                self.sent[event.id] = event.at
                for listener in self.listeners:
                    if listener.wants(event):
                        listener.offer(event)
            self._forget(timezone.now() - LOOK_BACK)

    def _forget(self, before: datetime) -> None:
        old = [number for number, at in self.sent.items() if at < before]
        if old:
            self.floor = max(self.floor, *old)
            self.sent = {number: at for number, at in self.sent.items() if number > self.floor}


_hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = weakref.WeakKeyDictionary()
_open: Counter[str] = Counter()
_ending = threading.Event()


def _end_with_the_server() -> None:
    """End all streams at SIGTERM or SIGINT, before the server's own handler: it waits for every open answer.

    A stream never ends by itself, so one open page would hold a restart until the server gives up waiting. Does
    nothing outside a process whose main thread serves and handles signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        if callable(handler := signal.getsignal(number)):
            signal.signal(number, partial(_end_then, handler))


def _end_then(
    handler: Callable[[int, FrameType | None], Any], number: int, frame: FrameType | None
) -> None:
    _ending.set()
    handler(number, frame)


def may_open(owner: str) -> bool:
    """Whether `owner` (a user or a station) is below the number of streams that one may hold in this process."""
    return _open[owner] < STREAMS_PER_USER


async def stream(owner: str, topics: list[str], since: int | datetime) -> AsyncIterator[str]:
    """The body of `/live/`: events as they happen, a pulse when there are none, an end after five minutes.

    It begins with what the page missed `since`: an event, or the time when the page was asked for.
    """
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
        _end_with_the_server()
    hub = _hubs[loop]
    listener = Listener(tuple(topics))
    _open[owner] += 1
    try:
        await sync_to_async(_release)()
        missed = await hub.join(listener, since)
        # The browser waits this long before it connects again.
        yield "retry: 2000\n\n"
        yield _pulse()
        if missed is None:
            yield "event: reset\ndata: {}\n\n"
        for event in missed or []:
            yield event.frame()
        ends = time.monotonic() + LIFE_SECONDS
        while time.monotonic() < ends and not _ending.is_set():
            try:
                news = await asyncio.wait_for(listener.queue.get(), PULSE_SECONDS)
            except TimeoutError:
                yield _pulse()
                continue
            if news is None:
                continue
            if listener.overrun:
                listener.overrun = False
                while not listener.queue.empty():
                    news = listener.queue.get_nowait() or news
                yield "event: reset\ndata: {}\n\n"
            yield news.frame()
    finally:
        hub.leave(listener)
        _open[owner] -= 1
        if _open[owner] <= 0:
            del _open[owner]


def _release() -> None:
    """Give back the connection that this request used to check rights: it would wait five minutes for nothing."""
    if not connection.in_atomic_block:
        connections.close_all()


def _pulse() -> str:
    return f'event: pulse\ndata: {{"now": {round(time.time() * 1000)}}}\n\n'


def _fresh(question: Any, *arguments: Any) -> Any:
    close_old_connections()
    return question(*arguments)


def _highest() -> int:
    return LiveEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _start() -> tuple[int, dict[int, datetime]]:
    """Where to begin reading, and what is there already and must not be sent."""
    old = LiveEvent.objects.filter(at__lt=timezone.now() - LOOK_BACK).order_by("-pk")
    floor = old.values_list("pk", flat=True).first() or 0
    return floor, dict(LiveEvent.objects.filter(pk__gt=floor).values_list("pk", "at"))


def _after(number: int) -> list[Event]:
    rows = LiveEvent.objects.filter(pk__gt=number).order_by("pk")[:5000]
    return [Event(row.pk, row.topic, row.payload, row.at) for row in rows]


def _missed_since(since: int | datetime) -> list[Event] | None:
    """Events since then, with a margin for late commits; None when they are too many or already pruned."""
    missed = _since_time(since) if isinstance(since, datetime) else _since_event(since)
    rows = None if missed is None else list(missed.order_by("pk")[: REPLAYED + 1])
    if rows is None or len(rows) > REPLAYED:
        return None
    return [Event(row.pk, row.topic, row.payload, row.at) for row in rows]


def _since_time(asked_at: datetime) -> QuerySet[LiveEvent] | None:
    if asked_at < timezone.now() - KEPT:
        return None
    return LiveEvent.objects.filter(at__gte=asked_at - LATE)


def _since_event(last_id: int) -> QuerySet[LiveEvent] | None:
    if last_id > _highest():  # the numbers started anew: another database
        return None
    oldest = LiveEvent.objects.order_by("pk").values_list("pk", flat=True).first()
    if oldest is None or oldest > last_id + 1:
        return None
    last = LiveEvent.objects.filter(pk=last_id).first()
    since = LiveEvent.objects.filter(pk__gt=last_id)
    if last is not None:
        since |= LiveEvent.objects.filter(at__gte=last.at - LOOK_BACK)
    return since.exclude(pk=last_id)

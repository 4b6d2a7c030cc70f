"""The loop of `hevesy worker`: claim, run, repeat; stop politely on SIGTERM."""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType

from django.db import DatabaseError, close_old_connections, connection

from hevesy.foundation.jobs import leases, running

logger = logging.getLogger(__name__)

IDLE_S = 1.0
LONGEST_PAUSE_S = 30.0
FINISH_WITHIN_S = 25
"""After SIGTERM the running job has this long; the supervisor kills at 30 s."""
OVERRUN_EXIT = 75


class Worker:
    """One process that runs one job at a time."""

    def __init__(self, queues: leases.Queues = leases.EVERY_QUEUE) -> None:
        self.queues = queues
        self.owner = leases.owner_name()
        self.stopping = threading.Event()

    def take_signals(self) -> None:
        """Stop on SIGTERM and SIGINT: no new job; a running one has 25 s before it is put back."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.stopping.set()
        signal.signal(signal.SIGALRM, self._give_up)
        signal.alarm(FINISH_WITHIN_S)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        raise running.WorkerStopping

    def work(self, *, once: bool = False) -> None:
        """Run jobs until told to stop; with `once`, until nothing is due."""
        failures = 0
        while not self.stopping.is_set():
            close_old_connections()
            try:
                ran = self._work_one()
                failures = 0
            except DatabaseError:
                failures += 1
                logger.exception("the job table cannot be reached")
                connection.close()
                self.stopping.wait(min(IDLE_S * 2**failures, LONGEST_PAUSE_S))
                continue
            except running.WorkerStopping:
                break
            if not ran:
                if once:
                    break
                self.stopping.wait(IDLE_S)
        signal.alarm(0)

    def _work_one(self) -> bool:
        if not leases.anything_due(self.queues):
            return False
        job = leases.claim(self.owner, self.queues)
        if job is None:
            return False
        state = running.execute(job, overrun=_leave)
        logger.info("job %s: %s", job, state or "lease lost")
        return True


def _leave() -> None:
    # A thread cannot be interrupted: only the end of the process frees it from a job that hangs.
    os._exit(OVERRUN_EXIT)

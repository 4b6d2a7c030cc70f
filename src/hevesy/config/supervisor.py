"""`hevesy run`: start every service as a child, restart what dies, stop all politely."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from types import FrameType

logger = logging.getLogger(__name__)

DRAIN_S = 27
"""After SIGTERM; a person at a terminal (SIGINT) waits `INTERRUPT_DRAIN_S`."""
INTERRUPT_DRAIN_S = 8
LONGEST_PAUSE_S = 30
STEADY_S = 60
QUICK_DEATHS = 6
POLL_S = 0.2
LONG_WORK = ("slow", "imaging", "compression")
"""Queues whose jobs take many seconds."""
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    # Without this, children of a killed supervisor would go on serving and hold its ports.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Service:
    """One child: what it is called, its command line, and how it fares."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    quick_deaths: int = 0

    def start(self) -> None:
        """Start the child in its own session, so that a terminal's Ctrl-C reaches the supervisor only."""
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        self.started_at = time.monotonic()

    @property
    def runs(self) -> bool:
        """Whether the child lives."""
        return self.process is not None and self.process.poll() is None

    def note_death(self) -> None:
        """Decide when to start again: at once after a long life, later and later after quick deaths."""
        assert self.process is not None
        now = time.monotonic()
        steady = now - self.started_at > STEADY_S
        self.quick_deaths = 1 if steady else self.quick_deaths + 1
        pause_s = min(2 ** (self.quick_deaths - 1), LONGEST_PAUSE_S)
        self.start_again_at = now + pause_s
        logger.error(
            "%s ended with status %s; starts again in %s s",
            self.name,
            self.process.returncode,
            pause_s,
        )
        self.process = None


class Supervisor:
    """Runs services until it is told to stop or one of them cannot be kept alive."""

    def __init__(self, services: list[Service]) -> None:
        self.services = services
        self.stop_signal = 0

    def take_signals(self) -> None:
        """Stop on SIGTERM, SIGINT and SIGHUP."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_signal = number

    def run(self) -> int:
        """Start all, watch, and stop all; 0 after a wished stop, 1 when a service kept dying."""
        status = 0
        try:
            for service in self.services:
                service.start()
            while not self.stop_signal and status == 0:
                time.sleep(POLL_S)
                status = self._watch()
        finally:
            self.stop()
        return status

    def _watch(self) -> int:
        for service in self.services:
            if service.process is not None and not service.runs:
                service.note_death()
                if service.quick_deaths >= QUICK_DEATHS:
                    logger.critical("%s cannot be kept running; stopping everything", service.name)
                    return 1
            if service.process is None and time.monotonic() >= service.start_again_at:
                service.start()
        return 0

    def stop(self) -> None:
        """SIGTERM to all; what is still there after the time to drain is killed (its jobs run again elsewhere)."""
        drain_s = INTERRUPT_DRAIN_S if self.stop_signal == signal.SIGINT else DRAIN_S
        end = time.monotonic() + drain_s
        for service in self.services:
            if service.runs and service.process:
                service.process.terminate()
        for service in self.services:
            if service.process is None:
                continue
            try:
                service.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                logger.warning("%s did not stop in %s s and was killed", service.name, drain_s)
                service.process.kill()
                service.process.wait()


def hevesy(*words: str) -> list[str]:
    """The command line of another `hevesy` command with this Python."""
    return [sys.executable, "-m", "hevesy", *words]


def services(commands: set[str]) -> list[Service]:
    """What this installation runs: of the gateways those whose command exists.

    HEVESY_LANES_ELSEWHERE (`imaging`, or several separated by commas) names queues that workers of other machines
    serve; the workers here leave them alone.
    """
    workers = max(1, int(os.environ.get("HEVESY_WORKERS", "2")))
    elsewhere = [one for one in os.environ.get("HEVESY_LANES_ELSEWHERE", "").split(",") if one]
    found = [Service("web", hevesy("web")), Service("clock", hevesy("clock"))]
    found += [Service(name, hevesy(name)) for name in ("dicom", "hl7") if name in commands]
    # The first takes everything; the others leave long work alone, so that short jobs never wait for it.
    for number in range(1, workers + 1):
        left = elsewhere if number == 1 else [*LONG_WORK, *elsewhere]
        words = [f"--except={name}" for name in left]
        found.append(Service(f"worker-{number}", hevesy("worker", *words)))
    return found

"""Starting the child processes of `dicomio.sandbox`: forked from a server of their own where the system forks.

A new Python that imports numpy and pydicom costs a third of a second, a fork of one that has them a
few milliseconds. The server is started with the first child and ends with this process. Where there
is no `fork`, and should the server be gone, a child is a new Python.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SOURCE_ROOT: Final = Path(__file__).resolve().parents[3]
_END_WITHIN_S: Final = 10.0


def run_child(desk: Path, wall_s: float, environment: Mapping[str, str] | None = None) -> int:
    """Let a child process carry out the request in `desk`; its exit status, a signal as a negative number.

    What it says on stderr is in the file `stderr` of `desk`. environment: what it needs beside the
    little it always gets; such a child is a new Python. Raises `TimeoutError` after `wall_s`
    seconds, when the child has been ended.
    """
    if hasattr(os, "fork") and not environment:
        try:
            return _server().run(str(desk), wall_s)
        except _Gone:
            (desk / "answer.json").unlink(missing_ok=True)
    return _new_python(desk, wall_s, environment or {})


def _new_python(desk: Path, wall_s: float, environment: Mapping[str, str]) -> int:
    try:
        with (desk / "stderr").open("wb") as said:
            return subprocess.run(
                [sys.executable, "-m", "hevesy.imaging.dicomio.child", str(desk)],
                env={**environment, **_environment(), "TMPDIR": str(desk)},
                cwd=desk,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                timeout=wall_s,
                check=False,
            ).returncode
    except subprocess.TimeoutExpired:
        raise TimeoutError from None


def _environment() -> dict[str, str]:
    """As little as Python needs: no credentials of the server reach a child."""
    kept = {key: os.environ[key] for key in ("LANG", "SYSTEMROOT") if key in os.environ}
    return kept | {
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # Each BLAS thread reserves address space, which RLIMIT_AS counts; and a fork takes no thread along.
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",
    }


class _Gone(Exception):
    """The server ended before the child did."""


class _Server:
    """The server process, and who waits for which child."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hevesy.imaging.dicomio.forkserver"],
            env=_environment(),
            cwd=os.sep,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._lock = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[int | None]] = {}
        self.gone = False
        threading.Thread(target=self._listen, name="children", daemon=True).start()

    def run(self, desk: str, wall_s: float) -> int:
        """As `run_child`. Raises `_Gone`."""
        ended: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        with self._lock:
            if self.gone:
                raise _Gone
            self._waiting[desk] = ended
        self._tell(f"run {desk}")
        try:
            status = ended.get(timeout=wall_s)
        except queue.Empty:
            self._tell(f"end {desk}")
            # The folder is the child's to write in until it is dead.
            with contextlib.suppress(queue.Empty):
                ended.get(timeout=_END_WITHIN_S)
            raise TimeoutError from None
        if status is None:
            raise _Gone
        return status

    def close(self) -> None:
        """End the server and every child."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, order: str) -> None:
        assert self._process.stdin is not None
        try:
            with self._lock:
                self._process.stdin.write(os.fsencode(order + "\n"))
                self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise _Gone from None

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            status, _, desk = os.fsdecode(line.rstrip(b"\n")).partition(" ")
            with self._lock:
                waiting = self._waiting.pop(desk, None)
            if waiting is not None:
                waiting.put(int(status))
        with self._lock:
            self.gone = True
            for waiting in self._waiting.values():
                waiting.put(None)
            self._waiting.clear()


_the_server: _Server | None = None
_starting = threading.Lock()


def _server() -> _Server:
    global _the_server
    with _starting:
        if _the_server is None or _the_server.gone:
            _the_server = _Server()
            atexit.register(_the_server.close)
        return _the_server


def _forget() -> None:
    """In a forked copy of this process: the server answers the other one."""
    global _the_server, _starting
    _the_server, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)

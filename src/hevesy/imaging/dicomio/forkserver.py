"""Children of `dicomio.sandbox` in a few milliseconds: a process that has everything imported, and forks.

Run as `python -m hevesy.imaging.dicomio.forkserver`; told on stdin `run FOLDER` or `end FOLDER`, it
answers on stdout `STATUS FOLDER` for every child that ended (a negative status is a signal). It reads
nothing that came from outside: each child sets its limits and then does what `dicomio.child` does.
It ends, and its children with it, when stdin closes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from hevesy.imaging.dicomio import child


def _import_readers() -> None:
    """What the tasks of a child need; imported here once instead of in every child."""
    import gdcm  # type: ignore[import-untyped]  # noqa: F401
    import jpeg_ls  # noqa: F401
    import openjpeg  # noqa: F401
    import PIL.Image
    import pydicom.pixels  # noqa: F401

    import hevesy.imaging.dicomio.pixels
    import hevesy.imaging.dicomio.sandbox
    import hevesy.imaging.dicomio.series
    import hevesy.imaging.quantify.suv
    import hevesy.imaging.render.slices
    import hevesy.imaging.render.stored
    import hevesy.imaging.render.transport  # noqa: F401

    PIL.Image.preinit()
    with contextlib.suppress(ImportError):
        import ctypes  # noqa: F401
        import resource  # noqa: F401
    # A collection in a child would touch, and so copy, every page of what it shares with the server.
    gc.freeze()


def _be_child(desk: str) -> None:
    """The forked process: nothing of the server stays open; never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.closerange(0, 256)
        os.open(os.devnull, os.O_RDWR)
        os.dup(0)
        os.open(Path(desk) / "stderr", os.O_WRONLY | os.O_CREAT, 0o600)
        os.chdir(desk)
        tempfile.tempdir = desk
        status = child.main(Path(desk))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


class _Server:
    """Its children by process number, and what it hears: orders on stdin, the end of a child."""

    def __init__(self) -> None:
        self.desks: dict[int, str] = {}
        self.heard = b""
        self.selector = selectors.DefaultSelector()
        ended, wake = os.pipe()
        os.set_blocking(ended, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake)
        self.selector.register(0, selectors.EVENT_READ)
        self.selector.register(ended, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until stdin closes."""
        while True:
            for key, _events in self.selector.select():
                if key.fd == 0:
                    heard = os.read(0, 65536)
                    if not heard:
                        self._end_all()
                        return
                    self._obey(heard)
                else:
                    with contextlib.suppress(BlockingIOError):
                        os.read(key.fd, 4096)
                    self._reap()

    def _obey(self, heard: bytes) -> None:
        *orders, self.heard = (self.heard + heard).split(b"\n")
        for order in orders:
            verb, _, desk = os.fsdecode(order).partition(" ")
            if verb == "run":
                number = os.fork()
                if number == 0:
                    _be_child(desk)
                self.desks[number] = desk
            elif verb == "end":
                for number, its in self.desks.items():
                    if its == desk:
                        os.kill(number, signal.SIGKILL)

    def _reap(self) -> None:
        while self.desks:
            number, status = os.waitpid(-1, os.WNOHANG)
            if number == 0:
                return
            desk = self.desks.pop(number)
            os.write(1, os.fsencode(f"{os.waitstatus_to_exitcode(status)} {desk}\n"))

    def _end_all(self) -> None:
        for number in self.desks:
            os.kill(number, signal.SIGKILL)


def main() -> int:
    """Import, then serve."""
    # Ctrl-C and service managers signal whole groups; who started us decides when a running child ends.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _import_readers()
    _Server().serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())

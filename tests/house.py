"""A whole house as a site runs it: `hevesy run` in processes of its own, on a database of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from hevesy.foundation.ui.testing import ROOT

T = TypeVar("T")

STARTS_WITHIN_S = 180
SOON_S = 30
AE_TITLE = "HEVESY"


def working_zone() -> str:
    """A time zone in which it is between ten and eleven in the morning: the walk is taken at any hour."""
    hours = 10 - datetime.now(UTC).hour
    if hours < -12:
        hours += 24
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


def until(what: Callable[[], T], *, within_s: float = SOON_S, say: str = "") -> T:
    """Ask again and again until the answer is true; the answer."""
    end = time.monotonic() + within_s
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_s:g} s: {say or what}")
        time.sleep(0.2)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class House:
    """`hevesy run` with an empty department: its people and devices, nobody ill yet."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.http, self.dicom = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.http}"
        outside = {key: value for key, value in os.environ.items() if key[:7] != "HEVESY_"}
        self.environment = {
            **outside,
            "DJANGO_SETTINGS_MODULE": "hevesy.config.settings.base",
            "HEVESY_HOME": str(home),
            "HEVESY_HTTP": f"127.0.0.1:{self.http}",
            "HEVESY_DICOM": f"127.0.0.1:{self.dicom}",
            "HEVESY_HL7": f"127.0.0.1:{free_port()}",
            "HEVESY_AE_TITLE": AE_TITLE,
            "HEVESY_TIME_ZONE": working_zone(),
            "HEVESY_DEMO": "1",
            "HEVESY_LOG_LEVEL": "WARNING",
            # Six seconds of processor for every PET/CT; their own tests are in records/findings.
            "HEVESY_LESION_TABLES": "0",
            **environment,
        }
        if "HEVESY_STUBBED" in os.environ:
            self.environment |= {
                "DJANGO_SETTINGS_MODULE": "tests.browser.stubbed",
                "HEVESY_STUBBED": os.environ["HEVESY_STUBBED"],
                "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            }
        cluster = os.environ.get("HEVESY_DATABASE_URL", "")
        if cluster.startswith("postgresql:"):
            self.environment["HEVESY_DATABASE_URL"] = new_database(cluster)
        self.process: subprocess.Popen[bytes] | None = None
        self.log = home / "log"

    def command(self, *words: str) -> str:
        """Run `hevesy …` to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "hevesy", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=STARTS_WITHIN_S,
        )
        assert done.returncode == 0, f"hevesy {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def open(self) -> None:
        """Migrate, seed, engage the people of the demo, and serve."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.command("migrate", "--verbosity", "0")
        self.command("seed", "--verbosity", "0")
        self.command("demo", "--people-only")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hevesy", "run"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, within_s=STARTS_WITHIN_S, say=f"the house opens, see {self.log}")

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text("utf-8", "replace")[-3000:]
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=5) as answer:
                if answer.status != 200:
                    return False
            socket.create_connection(("127.0.0.1", self.dicom), timeout=1).close()
        except (OSError, urllib.error.URLError):
            return False
        return True

    def close(self) -> int:
        """SIGTERM, as a service manager would; the exit status."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def new_database(cluster: str) -> str:
    """The URL of a new, empty database beside the one that the run was given."""
    import psycopg

    name = f"house_{time.time_ns()}"
    parts = urlsplit(cluster)
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    return parts._replace(path=f"/{name}").geturl()


def new_home() -> Path:
    """A folder for a house."""
    return Path(tempfile.mkdtemp(prefix="hevesy-house-"))

"""A whole house as a site runs it: `hevesy run` in its own processes, DCMTK at its ports, people at their browsers."""

from __future__ import annotations

import os
import re
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
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import pypdfium2
import pytest
import zxingcpp

from hevesy.demo.people import PASSWORD
from hevesy.foundation.ui.testing import PC, ROOT, picture

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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


class Person:
    """Somebody of the department at a browser of their own, logged in with their password."""

    def __init__(self, house: House, browser: Browser, username: str, **options: Any) -> None:
        self.house, self.username = house, username
        size = options.pop("size", PC)
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN",
            reduced_motion="reduce",
            base_url=house.address,
            **options,
        )
        self.faults: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        # A refusal is an answer with a status above 400, which the browser itself writes to the console.
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("console", self._heard)

    def _heard(self, line: Any) -> None:
        if line.type == "error" and "status of 4" not in line.text:
            self.faults.append(f"{self.page.url}: {line.text}")

    def log_in(self) -> Person:
        """Through the log-in page."""
        self.page.goto("/account/login/")
        self.page.locator("[name=username]").fill(self.username)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.get_by_role("button", name="登录").click()
        self.page.wait_for_url(lambda url: "/account/login" not in url)
        return self

    def go(self, path: str) -> Page:
        """Open an address of the house."""
        self.page.goto(path)
        return self.page

    def scan(self, code: str) -> None:
        """Type a code as a wedge scanner does: a key every 4 ms, whatever has the focus, with Enter at its end.

        Keys carry the time at which they were struck, as those of a real keyboard do: a test that waits for the
        page after each key would look like a person on a busy machine.
        """
        keyboard = self.context.new_cdp_session(self.page)
        struck = time.time()
        for number, character in enumerate([*code, "Enter"]):
            key = _key(character) | {"timestamp": struck + 0.004 * number}
            keyboard.send("Input.dispatchKeyEvent", {"type": "keyDown", **key})
            keyboard.send(
                "Input.dispatchKeyEvent",
                {"type": "keyUp", **{name: key[name] for name in ("key", "code", "timestamp")}},
            )
        keyboard.detach()

    def printed(self, button: str) -> bytes:
        """Press a button that opens a paper in a new tab; the PDF."""
        with self.page.expect_popup() as opening:
            self.page.get_by_role("button", name=button).click()
        opening.value.wait_for_url(re.compile(r"/(documents|files)/"))
        answer = self.context.request.get(opening.value.url)
        opening.value.close()
        body = answer.body()
        assert body.startswith(b"%PDF"), answer.headers
        return body

    def see(self, name: str) -> None:
        """Keep a picture of what this person sees."""
        picture(self.page, f"walk-{name}")


def _key(character: str) -> dict[str, Any]:
    """A key of a US keyboard, which is what scanners send."""
    if character == "Enter":
        return {"key": "Enter", "code": "Enter", "text": "\r"}
    marks = {"|": "Backslash", "-": "Minus", "_": "Minus", ".": "Period", ":": "Semicolon"}
    code = (
        f"Digit{character}"
        if character.isdigit()
        else f"Key{character}"
        if character.isalpha()
        else marks[character]
    )
    shift = character.isupper() or character in "|_:"
    return {"key": character, "code": code, "text": character, "modifiers": 8 if shift else 0}


def text_of(pdf: bytes) -> str:
    """All words of a paper."""
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def codes_on(pdf: bytes, scale: float = 6.0) -> list[str]:
    """The codes of the house that a scanner reads off the first page."""
    image = pypdfium2.PdfDocument(pdf)[0].render(scale=scale).to_pil()
    return [code.text for code in zxingcpp.read_barcodes(image) if code.text.startswith("NM1|")]


def program(name: str) -> str:
    """The program of DCMTK; pynetdicom installs some of the same names, so each is asked."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(folder) / name
        if path.is_file():
            said = subprocess.run([path, "--version"], capture_output=True, text=True)
            if "dcmtk" in said.stdout:
                return str(path)
    pytest.skip(f"{name} of DCMTK is not installed (apt install dcmtk)")


def run_program(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a program of DCMTK to its end."""
    return subprocess.run(
        [program(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )


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

"""Pytest plugin for tests in a real browser: a served site, a logged-in page, pictures, and axe for accessibility.

    def test_the_list_can_be_read(open_page, a_nurse):
        page = open_page("/technologist/", a_nurse)
        expect(page.get_by_role("row")).to_have_count(9)
        check_accessibility(page)

Chromium is `/usr/bin/chromium` or `HEVESY_CHROMIUM`; without one these tests say that they are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

    from hevesy.foundation.accounts.models import User

CHROMIUM = os.environ.get("HEVESY_CHROMIUM") or shutil.which("chromium") or ""
LAUNCH = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
]
PC = (1366, 768)
"""The screen of a desk that every page is made for."""
BIG = (3840, 2160)
PHONE = (390, 844)
ROOT = Path(__file__).parents[4]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = Path(os.environ.get("HEVESY_SCREENSHOTS", ROOT / "screenshots"))

OpenPage = Callable[..., "Page"]
_NO_FAULT = re.compile(r"^htmx:(sendAbort|afterRequest)")
"""A page asked again, or was left, while fetching. A fetch that failed says `sendError` or `responseError` as well."""


def is_fault(line: ConsoleMessage) -> bool:
    """Whether a line of the browser's console tells of something wrong."""
    return line.type == "error" and not _NO_FAULT.match(line.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    if not CHROMIUM:
        pytest.skip("no Chromium: install it, or name it in HEVESY_CHROMIUM")
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    # Playwright keeps an event loop running in this thread; the test's own queries are still one after the other.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=LAUNCH)
        yield chromium
        chromium.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The whole site served by uvicorn on the test database; its address."""
    with served() as address:
        yield address


class served:  # noqa: N801 - reads as a word: `with served() as address`
    """Serve the site with uvicorn in a thread of this process for as long as the block runs."""

    def __enter__(self) -> str:
        import uvicorn
        from django.conf import settings
        from django.utils.module_loading import import_string

        module, _dot, name = settings.ASGI_APPLICATION.rpartition(".")
        application = import_string(f"{module}.{name}")
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            application, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True
        )
        self.thread.start()
        deadline = time.monotonic() + 20
        while not self.server.started:
            if time.monotonic() > deadline:
                raise RuntimeError("the site did not start")
            threading.Event().wait(0.02)
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __exit__(self, *_error: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


@pytest.fixture
def open_page(browser: Browser, site: str, client_of: Callable[[User], Any]) -> Iterator[OpenPage]:
    """`open_page(path, user=None, size=PC, theme="light", language="zh-hans")`: a page, loaded and quiet.

    Anything the page writes to the console as an error, or throws, fails the test at its end.
    """
    from django.conf import settings

    contexts: list[Any] = []
    faults: list[str] = []

    def opened(
        path: str,
        user: User | None = None,
        *,
        size: tuple[int, int] = PC,
        theme: str = "light",
        language: str = "zh-hans",
        faults_expected: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale="zh-CN" if language == "zh-hans" else "en-GB",
            timezone_id="Asia/Shanghai",
            bypass_csp=False,
            reduced_motion="reduce",
        )
        contexts.append(context)
        cookies = {"hv_theme": theme, settings.LANGUAGE_COOKIE_NAME: language}
        if user is not None:
            client = client_of(user)
            cookies[settings.SESSION_COOKIE_NAME] = client.cookies[
                settings.SESSION_COOKIE_NAME
            ].value
        context.add_cookies(
            [{"name": name, "value": value, "url": site} for name, value in cookies.items()]
        )
        page = context.new_page()
        page.set_default_timeout(8000)
        if not faults_expected:
            page.on(
                "console",
                lambda line: faults.append(f"{path}: {line.text}") if is_fault(line) else None,
            )
            page.on("pageerror", lambda error: faults.append(f"{path}: {error}"))
        page.goto(site + path, wait_until="load")
        page.evaluate("document.fonts.ready")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not faults, "\n".join(faults)


def check_accessibility(
    page: Page, *, within: str = "", without: tuple[str, ...] = (), rules: tuple[str, ...] = ()
) -> None:
    """Fail with a readable list unless axe finds no violation of WCAG 2.2 AA and its best practices.

    `rules` names the only rules of axe to run, such as `color-contrast`.
    """
    if not AXE.exists():
        pytest.skip("axe-core is not installed: npm ci")
    if not page.evaluate("'axe' in window"):
        # Through the inspector, not as a script element: the page's policy allows only the site's own files.
        page.evaluate(AXE.read_text("utf-8") + "; null")
    scope = {"include": [[within]]} if within else {"exclude": [[part] for part in without]}
    only = {"runOnly": {"type": "rule", "values": rules}} if rules else {}
    result = page.evaluate(
        "([scope, options]) => axe.run(scope.include || scope.exclude?.length ? scope : document, options)",
        [scope, {"resultTypes": ["violations"], "preload": False} | only],
    )
    found = [
        f"{violation['id']}: {violation['help']}\n    "
        + "\n    ".join(
            f"{node['target']}: {node['html'][:160]} {_why(node)}"
            for node in violation["nodes"][:4]
        )
        for violation in result["violations"]
    ]
    assert not found, "\n".join(found)


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in [*node["any"], *node["all"]][:1])


def picture(page: Page, name: str, *, whole: bool = False) -> Path:
    """Save what the page shows as `screenshots/<name>.png`; with `whole` everything below the fold too."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    size = page.viewport_size
    if whole and size:
        # The frame scrolls inside; a window as high as its content shows it all.
        high = page.evaluate("(document.getElementById('main')?.scrollHeight ?? 0) + 48")
        page.set_viewport_size({"width": size["width"], "height": max(high, size["height"])})
    page.screenshot(path=str(path))
    if whole and size:
        page.set_viewport_size(size)
    return path

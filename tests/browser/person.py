"""Somebody at a browser, and the papers that they print."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pypdfium2
import zxingcpp

from hevesy.demo.people import PASSWORD
from hevesy.foundation.ui.testing import PC, is_fault, picture
from tests.house import House

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


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
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: {error}"))
        self.page.on("console", self._heard)

    def _heard(self, line: Any) -> None:
        # A refusal is an answer with a status above 400, which the browser itself writes to the console.
        if is_fault(line) and "status of 4" not in line.text:
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

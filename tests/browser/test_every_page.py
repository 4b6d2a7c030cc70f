"""Every page that an address gives is opened as somebody who may: readable, nothing sideways, keys as shown.

In Chinese on both sizes of screen, light and turned dark; in English on that of a desk.

The addresses are those of the URL configuration, their subjects and who may those of `tests/architecture`; a new page
is walked without being named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.utils import translation

from hevesy.foundation.ui.testing import BIG, PC, check_accessibility, is_fault, served
from tests.browser.visits import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

FEWEST = 55
"""Pages that are found at least; fewer means that the walk itself is broken."""


@pytest.fixture
def look_at(browser: Browser, visits: list[Visit]) -> Iterator[Callable[[Visit], list[str]]]:
    """`look_at(visit)`: open the page in both languages and say what is wrong with it."""
    with served() as site:
        context = browser.new_context(
            viewport={"width": PC[0], "height": PC[1]},
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(15_000)
        faults: list[str] = []
        page.on("console", lambda line: faults.append(line.text) if is_fault(line) else None)
        page.on("pageerror", lambda error: faults.append(str(error)))

        def open_in(language: str, visit: Visit) -> None:
            page.goto(
                "about:blank"
            )  # else what the page before still asks for comes from a stranger
            context.clear_cookies()
            cookies = visit.who.cookies | {settings.LANGUAGE_COOKIE_NAME: language}
            context.add_cookies(
                [{"name": name, "value": value, "url": site} for name, value in cookies.items()]
            )
            answer = page.goto(site + visit.url, wait_until="load")
            if answer is None or answer.status != 200:
                faults.append(f"status {answer and answer.status}")
            page.evaluate("document.fonts.ready")

        def look(visit: Visit) -> list[str]:
            faults.clear()
            open_in("zh-hans", visit)
            found = [*_unreadable(page), *_left_in_english(page), *_dead_keys(page)]
            found += _too_wide(page, PC, BIG)
            open_in("en", visit)
            return [*found, *(f"in English {wide}" for wide in _too_wide(page, PC)), *faults]

        yield look
        context.close()


def _unreadable(page: Page) -> Iterator[str]:
    # A theme changes colours, not the structure. The viewer and the walls are dark from the start.
    for theme, rules in ((None, ()), ("dark", ("color-contrast",))):
        if theme:
            page.evaluate(TURN, theme)
        try:
            check_accessibility(page, rules=rules)
        except AssertionError as fault:
            yield f"{theme or 'as it opens'}: {fault}"


def _left_in_english(page: Page) -> list[str]:
    return [f"left in English: {text!r}" for text in page.evaluate(TEXTS) if text in _english()]


def _dead_keys(page: Page) -> list[str]:
    return [f"shows {key} and does not listen to it" for key in page.evaluate(DEAD_KEYS)]


def _too_wide(page: Page, *sizes: tuple[int, int]) -> Iterator[str]:
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        over = page.evaluate(SIDEWAYS)
        if over > 1:
            yield f"{over} px too wide at {width}×{height}"
    page.set_viewport_size({"width": PC[0], "height": PC[1]})


DEAD_KEYS = """() => [...document.querySelectorAll(".btn .hv-kbd, .hv-input .hv-kbd")]
  .filter((shown) => !(shown.closest("[data-key]") ?? shown.parentElement.querySelector("[data-key]")))
  .filter((shown) => /^F\\d+$/.test(shown.textContent))
  .map((shown) => `${shown.textContent} (${shown.parentElement.textContent.trim()})`)"""
TURN = """(theme) => {
  document.documentElement.dataset.bsTheme = theme;
  document.dispatchEvent(new CustomEvent("hv:theme", { detail: theme }));
}"""
SIDEWAYS = """() => {
  const frames = [document.getElementById("main"), document.documentElement].filter(Boolean);
  return Math.max(...frames.map((frame) => frame.scrollWidth - frame.clientWidth));
}"""
TEXTS = """() => {
  const texts = [], nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (nodes.nextNode()) {
    const { parentElement, textContent } = nodes.currentNode;
    if (!parentElement.closest("script, style, template, [lang^=en]")) texts.push(textContent.trim());
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder]"))
    for (const name of ["title", "aria-label", "placeholder"])
      texts.push((element.getAttribute(name) ?? "").trim());
  return [...new Set(texts)].filter((text) => /[a-z]{3}/i.test(text));
}"""


@cache
def _english() -> set[str]:
    """Source texts that have a Chinese translation of other letters."""
    from django.utils.translation import trans_real

    with translation.override("zh-hans"):
        catalog: Any = trans_real.catalog()
    return {
        key
        for key, text in catalog._catalog.items()
        if isinstance(key, str) and text not in ("", key)
    }


@pytest.mark.parametrize("half", [0, 1])
def test_every_page_can_be_read_by_everybody(
    visits: list[Visit],
    look_at: Callable[[Visit], list[str]],
    half: int,
    subtests: pytest.Subtests,
) -> None:
    assert len(visits) >= FEWEST, [visit.name for visit in visits]

    for visit in visits[half::2]:
        with subtests.test(visit.name, url=visit.url, who=visit.who.name):
            faults = look_at(visit)

            assert not faults, "\n".join(faults)

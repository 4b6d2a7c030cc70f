"""Every page that an address gives is opened as somebody who may, in both themes: readable, and nothing sideways.

The addresses are those of the URL configuration, their subjects and who may those of `tests/architecture`; a new page
is walked without being named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.conf import settings
from django.db import transaction
from django.utils import translation

from hevesy.foundation.ui.testing import BIG, PC, check_accessibility, served
from hevesy.records.exams.testing import at
from tests.architecture.addresses import (
    Asker,
    close,
    every_address,
    make_asker,
    url_of,
)
from tests.architecture.policy import Policy
from tests.architecture.subjects import Subjects

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

OWNERS = {
    "technologist": "technologist",
    "interview": "interviewer",
    "radiopharmacy": "pharmacist",
    "registration": "registrar",
    "reporting": "doctor",
    "viewing": "doctor",
}
"""Whose desk it is: the first choice among those who may."""
OTHERS = ("head", "secadmin", "sysadmin", "auditor", "wall_screen", "anonymous")
FOR_PROGRAMS = {"api", "dicomweb"}
BEFORE_ANYBODY = "accounts:first"
"""Answers until the first account is made, and then never again."""
FEWEST = 55
"""Pages that are found at least; fewer means that the walk itself is broken."""


@dataclass(frozen=True)
class Visit:
    """One page: the name of its address, where it is, and who opens it."""

    name: str
    url: str
    who: Asker


@pytest.fixture
def visits(transactional_db: None) -> Iterator[list[Visit]]:
    """All pages; the clock stands on the morning of the subjects and goes on from there."""
    with time_machine.travel(at(8, 5)):
        yield _visits()


def _visits() -> list[Visit]:
    subjects, openers = Subjects(), Policy.stored().openers
    askers = {"head": make_asker("head")}  # somebody is there: the page of an empty system is none
    found = []
    for address in every_address():
        # Bodies of volumes are no pages, and the walk's own is no volume that the viewer could show.
        if address.namespace in FOR_PROGRAMS or "content_id" in address.parameters:
            continue
        if address.name == BEFORE_ANYBODY:
            continue
        choice = [OWNERS.get(address.namespace, ""), *OTHERS, *sorted(openers[address.name])]
        who = next((name for name in choice if name in openers[address.name]), "anonymous")
        url = url_of(address, subjects.values(address))
        if who not in askers:
            askers[who] = make_asker(who)
        if _is_page(askers[who], url):
            found.append(Visit(address.name, url, askers[who]))
    return found


def _is_page(who: Asker, url: str) -> bool:
    """Whether a whole page comes back, and not a fragment, a file, a stream or the way to another address."""
    with transaction.atomic():
        response = who.client().get(url, headers={"Accept": "text/html"})
        whole = not response.streaming and b"<html" in response.content[:400]
        close(response)
        transaction.set_rollback(True)
    return bool(whole and response.status_code == 200)


@pytest.fixture
def look_at(browser: Browser, visits: list[Visit]) -> Iterator[Callable[[Visit, str], list[str]]]:
    """`look_at(visit, theme)`: open the page and say what is wrong with it."""
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
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))

        def look(visit: Visit, theme: str) -> list[str]:
            context.clear_cookies()
            cookies = {"hv_theme": theme, settings.LANGUAGE_COOKIE_NAME: "zh-hans"}
            context.add_cookies(
                [
                    {"name": name, "value": value, "url": site}
                    for name, value in (visit.who.cookies | cookies).items()
                ]
            )
            answer = page.goto(site + visit.url, wait_until="load")
            if answer is None or answer.status != 200:
                faults.append(f"status {answer and answer.status}")
            page.evaluate("document.fonts.ready")
            found = _wrong(page, theme) + faults
            faults.clear()
            return found

        yield look
        context.close()


def _wrong(page: Page, theme: str) -> list[str]:
    found = []
    try:
        # A theme changes colours and nothing else.
        check_accessibility(page, rules=("color-contrast",) if theme == "dark" else ())
    except AssertionError as fault:
        found.append(str(fault))
    if theme == "dark":
        return found
    found += [f"left in English: {text!r}" for text in page.evaluate(TEXTS) if text in _english()]
    for size in (PC, BIG):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        over = page.evaluate(SIDEWAYS)
        if over > 1:
            found.append(f"{over} px too wide at {size[0]}×{size[1]}")
    page.set_viewport_size({"width": PC[0], "height": PC[1]})
    return found


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


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_can_be_read_by_everybody(
    visits: list[Visit],
    look_at: Callable[[Visit, str], list[str]],
    theme: str,
    subtests: pytest.Subtests,
) -> None:
    assert len(visits) >= FEWEST, [visit.name for visit in visits]

    for visit in visits:
        with subtests.test(visit.name, url=visit.url, who=visit.who.name):
            faults = look_at(visit, theme)

            assert not faults, "\n".join(faults)

"""What a page does with answers: busy buttons, failures said plainly, focus kept, lists that live."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui import live
from hevesy.foundation.ui.testing import OpenPage, check_accessibility, picture

pytestmark = pytest.mark.browser

ROWS = "".join(
    f'<tr id="r{number}"><td>{number}</td><td><button type="button" class="btn">上机</button></td></tr>'
    for number in (1, 2, 3)
)


def put(page: Page, html: str) -> None:
    """Put a piece of a desk's page into this one, as htmx would."""
    page.evaluate(
        "html => htmx.swap('#content', html, {swapStyle: 'innerHTML'})",
        html,
    )


def answer(page: Page, status: int, body: str = "", **headers: str) -> list[str]:
    """Answer requests to /t/ so; returns the list of what was asked."""
    asked: list[str] = []

    def reply(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(
            status=status,
            body=body,
            headers={"Content-Type": "text/html; charset=utf-8", **headers},
        )

    page.unroute("**/t/**")
    page.route("**/t/**", reply)
    return asked


PRESS = (
    '<button type="button" class="btn is-primary" hx-post="/t/press/" hx-target="#out">发布</button>'
    '<div id="out"></div>'
)


class Kept:
    """Keeps requests to /t/ waiting until the test answers."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.routes: list[Route] = []
        page.route("**/t/**", lambda route: self.routes.append(route))

    def answer_the_only_one(self, body: str) -> None:
        """A page shows that it is busy before its request comes by here: wait for it."""
        for _ in range(200):
            if self.routes:
                break
            self.page.wait_for_timeout(50)
        (only,) = self.routes
        only.fulfill(status=200, body=body)


@pytest.fixture
def page(open_page: OpenPage, a_technologist: User) -> Page:
    opened = open_page("/", a_technologist, faults_expected=True)
    put(opened, PRESS)
    return opened


def test_failures_say_what_happened_and_what_to_do(page: Page) -> None:
    button = page.get_by_role("button", name="发布")
    polite, urgent = page.locator("#hv-polite"), page.locator("#hv-urgent")

    answer(page, 500, **{"X-Reference": "E-7F3A-K2M9"})
    button.click()
    expect(urgent).to_contain_text("服务器没有完成")
    expect(urgent).to_contain_text("E-7F3A-K2M9")

    refusal = {"hv:toast": {"notices": [{"text": "此批药物已过期。", "tone": "amber"}]}}
    answer(
        page, 409, "此批药物已过期。", **{"HX-Trigger": json.dumps(refusal), "HX-Reswap": "none"}
    )
    button.click()
    expect(polite).to_contain_text("此批药物已过期。")
    expect(page.locator("#out")).to_be_empty()

    answer(page, 422, "<p>体重不能为空</p>")
    button.click()
    expect(page.locator("#out")).to_contain_text("体重不能为空")

    page.unroute("**/t/**")
    page.route("**/t/**", lambda route: route.abort())
    button.click()
    expect(urgent).to_contain_text("连不上服务器")
    check_accessibility(page)
    picture(page, "ui-toasts")


def test_a_busy_button_cannot_be_pressed_twice_and_keeps_its_width(page: Page) -> None:
    kept = Kept(page)
    button = page.get_by_role("button", name="发布")
    wide = button.bounding_box()["width"]  # type: ignore[index]

    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    button.dispatch_event("click")

    assert button.bounding_box()["width"] == pytest.approx(wide, abs=1)  # type: ignore[index]
    kept.answer_the_only_one("<p>已发布</p>")
    expect(page.locator("#out")).to_contain_text("已发布")
    expect(button).not_to_have_attribute("aria-busy", "true")
    assert len(kept.routes) == 1


def test_a_form_is_not_sent_twice_by_two_presses_of_enter(page: Page) -> None:
    kept = Kept(page)
    put(
        page,
        '<form hx-post="/t/save/" hx-target="#out"><input name="a" aria-label="体重"></form><div id="out"></div>',
    )

    page.get_by_label("体重").press("Enter")
    page.get_by_label("体重").press("Enter")
    expect(page.locator("form.htmx-request")).to_have_count(1)
    kept.answer_the_only_one("<p>已保存</p>")

    expect(page.locator("#out")).to_contain_text("已保存")
    assert len(kept.routes) == 1


def test_focus_stays_on_the_same_row_after_a_swap(page: Page) -> None:
    put(
        page,
        f'<table><tbody id="rows" hx-get="/t/rows/" hx-trigger="again" hx-target="#rows">{ROWS}</tbody></table>',
    )
    answer(page, 200, "".join(reversed(re.findall("<tr.*?</tr>", ROWS))))
    page.locator("#r2 button").focus()

    page.evaluate("htmx.trigger('#rows', 'again')")

    expect(page.locator("#rows tr").first).to_have_id("r3")
    expect(page.locator("#r2 button")).to_be_focused()


def test_a_dialog_opens_when_it_arrives_and_closes_on_a_word_of_the_server(page: Page) -> None:
    put(
        page,
        '<button type="button" class="btn" hx-get="/t/dialog/" hx-target="#hv-dialogs">核对</button>',
    )
    answer(
        page,
        200,
        '<dialog class="hv-dialog" id="d" data-dialog aria-labelledby="dt"><h2 id="dt">核对</h2>'
        '<button type="button" class="btn is-primary" hx-post="/t/done/" hx-swap="none">确认</button></dialog>',
    )
    page.get_by_role("button", name="核对").click()
    expect(page.get_by_role("dialog", name="核对")).to_be_visible()

    answer(page, 204, **{"HX-Trigger": "hv:close"})
    page.get_by_role("button", name="确认").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="核对")).to_be_focused()


@pytest.fixture
def a_list(page: Page) -> Page:
    """A list that shows itself anew on `queue`, and keeps its rows while it is in use."""
    put(
        page,
        '<div data-live="queue" data-live-keep hx-get="/t/rows/" hx-target="find tbody" hx-trigger="hv:live">'
        f'<table class="hv-table"><tbody>{ROWS}</tbody></table></div>',
    )
    return page


def listening(page: Page, publish: Callable[[], object], until: Callable[[], None]) -> None:
    """Publish until the page, whose stream may just be connecting, has heard it."""
    for _ in range(4):
        publish()
        try:
            until()
        except AssertionError:
            continue
        return
    until()


def test_a_list_shows_itself_anew_when_something_happened(a_list: Page) -> None:
    answer(a_list, 200, '<tr id="r9"><td>9</td></tr>' + ROWS)

    listening(
        a_list,
        lambda: live.publish("queue:injection", ticket="P019"),
        lambda: expect(a_list.locator("#r9")).to_be_visible(timeout=4000),
    )


def test_a_list_in_use_is_not_moved_under_the_pointer(a_list: Page) -> None:
    answer(a_list, 200, '<tr id="r9"><td>9</td></tr>' + ROWS)
    a_list.locator("#r2 button").focus()

    listening(
        a_list,
        lambda: live.publish("queue", ticket="P019"),
        lambda: expect(a_list.get_by_role("button", name="1 条更新")).to_be_visible(timeout=4000),
    )

    expect(a_list.locator("#r9")).to_have_count(0)
    a_list.get_by_role("button", name="1 条更新").click()
    expect(a_list.locator("#r9")).to_be_visible()


def test_a_page_that_lost_the_server_says_so_after_fifteen_seconds(
    open_page: OpenPage, a_nurse: User
) -> None:
    page = open_page("/", a_nurse, faults_expected=True)
    page.clock.install()
    page.route("**/live/**", lambda route: route.abort())
    page.reload()
    put(page, '<div data-live="queue"></div>')
    expect(page.locator("#hv-lost")).to_have_count(0)

    page.clock.run_for(17_000)

    expect(page.locator("#hv-lost")).to_contain_text("实时更新中断")
    picture(page, "ui-lost")


def test_a_form_that_asks_while_it_is_filled_in_can_be_sent_meanwhile(page: Page) -> None:
    """Nobody waits for a look-up before F9; the press must not be swallowed."""
    put(
        page,
        '<form method="post" action="/t/sent/" hx-post="/t/look/" hx-trigger="change" hx-target="#out">'
        '<input name="card" aria-label="card"><button class="btn" data-key="F9">登记</button></form>'
        '<div id="out"></div>',
    )
    page.route("**/t/look/", lambda route: None)  # an answer that does not come
    page.route("**/t/sent/", lambda route: route.fulfill(status=200, body="<p>已登记</p>"))
    page.locator("[name=card]").fill("990000198508031242")
    page.locator("[name=card]").press("Tab")
    expect(page.locator("form.htmx-request")).to_have_count(1)

    page.keyboard.press("F9")

    page.wait_for_url("**/t/sent/")


def test_notices_outlive_the_dialog_that_they_were_shown_in(page: Page) -> None:
    """A dialog that is swapped for another, or closed, does not take the corner of notices with it."""
    dialog = '<dialog class="hv-dialog" data-dialog id="d{0}"><button type="button">{0}</button></dialog>'
    for number in (1, 2):
        page.evaluate(
            "html => htmx.swap('#hv-dialogs', html, {swapStyle: 'innerHTML'})",
            dialog.format(number),
        )
        expect(page.locator(f"#d{number}")).to_be_visible()
        _notice(page, f"第 {number} 条")
        expect(page.locator("dialog #hv-polite")).to_contain_text(f"第 {number} 条")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)

    _notice(page, "已保存")

    expect(page.locator("body > .hv-toasts #hv-polite")).to_contain_text("已保存")


def _notice(page: Page, text: str) -> None:
    page.evaluate(
        "text => document.dispatchEvent(new CustomEvent('hv:toast', {detail: {notices: [{text}]}}))",
        text,
    )

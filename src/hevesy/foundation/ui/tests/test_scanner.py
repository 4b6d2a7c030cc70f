"""The scanner: a keyboard that types fast. It is heard whatever has the focus and leaves no trace in fields."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect

from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui.testing import OpenPage

pytestmark = pytest.mark.browser
CODE = "NM1|E|PT26-01873|ABCD2345"


def place_of(letter: str) -> str:
    """Where a character lies on a US keyboard."""
    if letter.isdecimal():
        return f"Digit{letter}"
    return {"|": "Backslash", "-": "Minus", "Enter": "Enter"}.get(letter, f"Key{letter}")


class Desk:
    """A page with a scanner, and what the server was sent."""

    def __init__(self, page: Page, answer: dict[str, Any], status: int = 200) -> None:
        self.page = page
        self.sent: list[Request] = []

        def reply(route: Route, request: Request) -> None:
            self.sent.append(request)
            route.fulfill(status=status, content_type="application/json", body=json.dumps(answer))

        page.route("**/stations/scan/", reply)
        self.keys = page.context.new_cdp_session(page)

    def scan(self, code: str = CODE, every_ms: float = 8) -> None:
        """Type as a scanner does: each key with its time, however slowly this machine hands them over."""
        at = time.time()
        for letter in [*code, "Enter"]:
            at += every_ms / 1000
            key = {"key": letter, "code": place_of(letter), "timestamp": at}
            shift = 8 if letter in "|" or (len(letter) == 1 and letter.isupper()) else 0
            text = "\r" if letter == "Enter" else letter
            self.keys.send(
                "Input.dispatchKeyEvent",
                {"type": "keyDown", "modifiers": shift, "text": text, **key},
            )
            self.keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})

    def texts(self) -> list[str]:
        return [request.post_data_json["text"] for request in self.sent]


@pytest.fixture
def desk(open_page: OpenPage, a_nurse: User) -> Desk:
    return Desk(open_page("/ui/", a_nurse), {"url": "#found", "label": "检查 PT26-01873"})


def test_a_scan_is_heard_and_leaves_the_field_as_it_was(desk: Desk) -> None:
    field = desk.page.get_by_label("体重")
    field.focus()
    field.press("End")

    desk.scan()

    expect(desk.page).to_have_url(desk.page.url.split("#")[0] + "#found")
    expect(field).to_have_value("67.5")
    assert desk.texts() == [CODE]
    assert desk.sent[0].headers["x-hevesy-scan"] == "1"
    assert desk.sent[0].headers["x-csrftoken"]


def test_a_scan_does_not_press_the_focused_button_or_send_a_form(desk: Desk) -> None:
    desk.page.get_by_role("button", name="打开对话框").focus()

    desk.scan()

    expect(desk.page).to_have_url(desk.page.url.split("#")[0] + "#found")
    expect(desk.page.get_by_role("dialog")).to_have_count(0)


def test_a_person_who_types_is_not_a_scanner(desk: Desk) -> None:
    box = desk.page.get_by_role("textbox", name="备注")
    box.focus()

    box.press_sequentially("NM1|slow", delay=120)

    expect(box).to_have_value("NM1|slow")
    assert desk.sent == []


def test_the_same_code_within_five_seconds_counts_once(desk: Desk) -> None:
    desk.scan()
    desk.scan()

    expect(desk.page.locator("#hv-polite")).to_contain_text("重复扫码，只计一次")
    assert desk.texts() == [CODE]


def test_a_code_that_was_cut_short_is_told(desk: Desk) -> None:
    desk.scan("NM1|E")

    expect(desk.page.locator("#hv-polite")).to_contain_text("条码不完整，请重扫")
    assert desk.sent == []


def test_a_chinese_input_method_cannot_swallow_it(desk: Desk) -> None:
    """With an input method on, keys arrive as `Process`; only `event.code` says which they were."""
    desk.page.evaluate(
        """text => {
          const codes = {"|": ["Backslash", true], "-": ["Minus", false]};
          let at = performance.now();
          for (const letter of text + "\\n") {
            const code = letter === "\\n" ? "Enter" : /[A-Z]/.test(letter) ? `Key${letter}`
              : /[0-9]/.test(letter) ? `Digit${letter}` : codes[letter][0];
            const shiftKey = /[A-Z]/.test(letter) || (codes[letter]?.[1] ?? false);
            const event = new KeyboardEvent("keydown", {
              key: letter === "\\n" ? "Enter" : "Process", code, shiftKey, bubbles: true, cancelable: true,
            });
            Object.defineProperty(event, "timeStamp", {value: at += 8});
            document.body.dispatchEvent(event);
          }
        }""",
        CODE,
    )

    expect(desk.page).to_have_url(desk.page.url.split("#")[0] + "#found")
    assert desk.texts() == [CODE]


def test_a_refused_code_says_why(open_page: OpenPage, a_nurse: User) -> None:
    page = open_page("/ui/", a_nurse, faults_expected=True)
    desk = Desk(page, {"error": "这个条码不是本院打印的。请重新打印标签。"}, status=409)

    desk.scan()

    expect(page.locator("#hv-polite")).to_contain_text("这个条码不是本院打印的")


def test_a_code_typed_into_the_box_is_marked_as_typed(desk: Desk) -> None:
    box = desk.page.get_by_role("combobox", name="扫码或检索")
    box.fill(CODE)

    box.press("Enter")

    expect(desk.page).to_have_url(desk.page.url.split("#")[0] + "#found")
    assert desk.texts() == [CODE]
    assert "x-hevesy-scan" not in desk.sent[0].headers
    expect(box).to_have_value("")

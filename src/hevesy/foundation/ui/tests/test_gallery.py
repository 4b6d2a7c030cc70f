"""The gallery in a real browser: nothing breaks, everybody can read it, every part does what it is for."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui.testing import BIG, PHONE, OpenPage, check_accessibility, picture

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_it_in_both_themes(
    open_page: OpenPage, a_technologist: User, theme: str
) -> None:
    page = open_page("/ui/", a_technologist, theme=theme)

    check_accessibility(page)
    picture(page, f"ui-gallery-{theme}", whole=True)

    page.get_by_role("button", name="打开对话框").click()
    check_accessibility(page, within="dialog[open]")
    picture(page, f"ui-dialog-{theme}")
    page.keyboard.press("Escape")

    page.get_by_role("button", name="停！").click()
    check_accessibility(page, within="dialog[open]")
    picture(page, f"ui-stop-{theme}")


def test_it_speaks_english_without_a_chinese_frame(
    open_page: OpenPage, a_technologist: User
) -> None:
    page = open_page("/ui/", a_technologist, language="en")

    expect(page).to_have_title("Page kit · Hevesy")
    expect(page.get_by_role("button", name="Ready to scan")).to_be_visible()
    picture(page, "ui-gallery-english", whole=True)


@pytest.mark.parametrize("size", [PHONE, (683, 384), BIG])
def test_nothing_runs_out_of_the_window(
    open_page: OpenPage, a_technologist: User, size: tuple[int, int]
) -> None:
    page = open_page("/ui/", a_technologist, size=size)

    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0
    picture(page, f"ui-gallery-{size[0]}")


def test_a_dialog_traps_focus_and_gives_it_back(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)
    opener = page.get_by_role("button", name="打开对话框")

    page.keyboard.press("n")
    dialog = page.get_by_role("dialog", name="给药核对")
    expect(dialog).to_be_visible()
    expect(page.get_by_label("注射开始").last).to_be_focused()

    page.keyboard.press("F7")
    expect(page.get_by_label("注射开始").last).to_have_value(re.compile(r"^\d\d:\d\d:\d\d$"))
    for _ in range(20):
        page.keyboard.press("Tab")
        # Past its last control the browser's own bars come; nothing of the page behind may.
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    opener.click()
    page.get_by_role("button", name="关闭").click()
    expect(opener).to_be_focused()


def test_a_hard_stop_has_no_way_past(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)
    page.get_by_role("button", name="停！").click()
    stop = page.get_by_role("alertdialog", name="停！不要注射")
    expect(stop).to_be_visible()
    expect(page.get_by_role("button", name="重新扫注射器")).to_be_focused()

    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(stop).to_be_visible()

    page.keyboard.press("Enter")
    expect(stop).to_be_hidden()


def test_letters_are_keys_only_outside_text_fields(
    open_page: OpenPage, a_technologist: User
) -> None:
    page = open_page("/ui/", a_technologist)

    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="扫码或检索")).to_be_focused()
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("combobox", name="扫码或检索")).to_have_value("n")

    a_technologist.preferences = {"letter_keys": False}
    a_technologist.save()
    page.reload()
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_rows_are_walked_with_the_arrows(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)
    page.locator("#row-1").focus()

    page.keyboard.press("ArrowDown")
    expect(page.locator("#row-2")).to_be_focused()
    page.keyboard.press("End")
    expect(page.locator("#row-4")).to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#row-1$"))


def test_theme_and_side_bar_stay_as_chosen(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)

    page.get_by_role("button", name="深色 / 浅色").click()
    page.get_by_role("button", name="折叠").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("#hv-shell")).to_have_class(re.compile("is-folded"))
    assert page.locator("nav.hv-side").bounding_box()["width"] == 52  # type: ignore[index]
    check_accessibility(page, within="nav.hv-side")


def test_the_clock_warns_when_this_pc_is_wrong(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)
    expect(page.locator("#hv-clock")).not_to_have_class(re.compile("is-drift"))

    page.add_init_script("const now = Date.now; Date.now = () => now() + 125000")
    page.reload()

    expect(page.locator("#hv-clock small")).to_have_text("本机时钟偏差 125 秒")


def test_an_off_button_says_why(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)

    page.get_by_role("button", name="不可用").click(force=True)

    expect(page.locator("#hv-polite")).to_contain_text("患者还没有问诊；请先问诊。")


def module(page: Page, file: str, call: str) -> object:
    """What an expression gives that uses the exports `m` of a script of the page kit."""
    return page.evaluate(f"import('/static/ui/{file}').then(m => ({call}))")


def test_activity_falls_as_physics_says(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)

    # One half-life halves, two quarter, and before the reference time there was more.
    assert module(page, "decay.js", "m.decayed(10400, 6586.2, 6586.2)") == pytest.approx(5200)
    assert module(page, "decay.js", "m.decayed(10400, 2 * 6586.2, 6586.2)") == pytest.approx(2600)
    assert module(page, "decay.js", "m.decayed(10400, -6586.2, 6586.2)") == pytest.approx(20800)
    assert module(page, "decay.js", "m.activityText(10400)") == "10\u2009400"
    assert module(page, "decay.js", "m.activityText(77.84)") == "77.8"
    shown = page.locator("[data-activity='10400'] b").inner_text().replace("\u2009", "")
    assert float(shown) == pytest.approx(10400 * 2 ** (-163 * 60 / 6586.2), rel=2e-3)


def test_uptake_is_measured_against_its_window(open_page: OpenPage, a_technologist: User) -> None:
    page = open_page("/ui/", a_technologist)
    window = "{min: 45, target: 60, max: 90}"

    for elapsed, state, minutes in [
        (30, "wait", 30),
        (44.9, "wait", 16),
        (45, "in", 45),
        (90, "in", 0),
        (90.5, "late", 0),
        (94, "late", 4),
    ]:
        answer = module(page, "uptake.js", f"m.uptake({elapsed}, {window})")
        assert answer == {"state": state, "minutes": minutes}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_login_page_can_be_read(open_page: OpenPage, theme: str) -> None:
    page = open_page("/account/login/", theme=theme)

    expect(page).to_have_title("登录 · Hevesy")
    expect(page.get_by_label("登录名")).to_be_focused()
    check_accessibility(page)
    picture(page, f"ui-login-{theme}")


def test_what_fails_is_told_calmly(open_page: OpenPage, a_nurse: User) -> None:
    page = open_page("/no/such/page/", a_nurse, faults_expected=True)
    expect(page.get_by_role("heading", name="没有这个页面")).to_be_visible()
    check_accessibility(page)
    picture(page, "ui-missing")

    page.goto(page.url.replace("/no/such/page/", "/account/people/"))
    check_accessibility(page)
    picture(page, "ui-forbidden")

    page.goto(page.url.replace("/account/people/", "/"))
    check_accessibility(page)
    picture(page, "ui-home")

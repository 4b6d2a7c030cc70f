"""Login sessions as people meet them: displaced, idle, locked out, left and gone back to (reliability D1, D5, D16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hevesy.foundation.accounts.models import LoginSession, User
from hevesy.foundation.accounts.testing import PASSWORD
from hevesy.foundation.ui.testing import OpenPage
from hevesy.records.reports.models import Report

pytestmark = pytest.mark.browser

LOGIN = "/account/login/"


def log_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Fill in the login form and send it."""
    page.get_by_label("登录名").fill(username)
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="登录", exact=True).click()


def look_again(page: Page) -> None:
    """The person comes back to the window: the page asks whether it may still be shown."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.clause("10.1")
def test_a_second_login_tells_the_first_computer_and_loses_no_typed_text(
    open_page: OpenPage, site: str, a_report_in_work: Report, a_doctor: User
) -> None:
    number = a_report_in_work.exam.number
    first = open_page(f"/reporting/{number}/", a_doctor, faults_expected=True)
    impression = first.locator("textarea[name=impression]")
    impression.fill("刚刚写下、还没有保存的一句话。")

    second = open_page(LOGIN)
    log_in(second, "doctor")
    second.wait_for_url(lambda url: LOGIN not in url)
    first.locator("#save").click()

    first.wait_for_url("**/account/ended/")
    told = first.locator("[data-ended=displaced]")
    expect(told).to_contain_text("登录")
    expect(told).to_contain_text(a_doctor.name_zh)
    expect(told).to_contain_text("安全管理员")
    expect(first.locator("body")).not_to_contain_text("刚刚写下")
    a_report_in_work.refresh_from_db()
    assert "刚刚写下" not in str(a_report_in_work.current.sections)

    first.get_by_role("link", name="重新登录").click()
    log_in(first, "doctor")
    first.wait_for_url(lambda url: LOGIN not in url)
    first.goto(f"{site}/reporting/{number}/")

    expect(first.locator("textarea[name=impression]")).to_have_value(
        "刚刚写下、还没有保存的一句话。"
    )


def test_a_displaced_page_that_nobody_touches_goes_too(
    open_page: OpenPage, a_nurse: User, tuesday_morning: Any
) -> None:
    first = open_page("/technologist/", a_nurse, faults_expected=True)

    second = open_page(LOGIN)
    log_in(second, "nurse")
    second.wait_for_url(lambda url: LOGIN not in url)
    look_again(first)

    expect(first.locator("[data-ended=displaced]")).to_be_visible()


@pytest.mark.clause("10.1")
def test_an_unused_page_closes_after_the_time_of_its_role(
    open_page: OpenPage, a_nurse: User, a_doctor: User, travel: Any
) -> None:
    nurse = open_page("/technologist/", a_nurse, faults_expected=True)
    doctor = open_page("/reporting/", a_doctor)

    travel.shift(timedelta(minutes=31))
    look_again(nurse)
    look_again(doctor)

    expect(nurse.locator("[data-ended=idle]")).to_be_visible()
    expect(doctor.locator("#main")).to_be_visible()
    assert LoginSession.objects.get(user=a_doctor).ended_at is None


def test_before_the_end_a_page_warns_and_one_press_keeps_it(
    open_page: OpenPage, a_nurse: User, travel: Any
) -> None:
    page = open_page("/technologist/", a_nurse)

    travel.shift(timedelta(minutes=29))
    look_again(page)
    with page.expect_response("**/session/stay/"):
        page.get_by_role("button", name="我还在").click()
    travel.shift(timedelta(minutes=10))
    look_again(page)

    expect(page.locator("#main")).to_be_visible()
    assert LoginSession.objects.get(user=a_nurse).ended_at is None


@pytest.mark.clause("10.1")
def test_five_wrong_passwords_lock_and_the_security_administrator_unlocks(
    open_page: OpenPage, a_nurse: User, a_secadmin: User
) -> None:
    page = open_page(LOGIN, faults_expected=True)
    for _attempt in range(5):
        log_in(page, "nurse", "wrong")
    alert = page.get_by_role("alert").filter(has_text="密码")
    expect(alert).to_contain_text("30 分钟")

    log_in(page, "nurse")
    expect(alert).to_contain_text("30 分钟")
    assert not LoginSession.objects.filter(user=a_nurse).exists()

    office = open_page(f"/account/people/{a_nurse.pk}/", a_secadmin)
    office.get_by_role("button", name="解锁").click()
    office.wait_for_load_state()
    log_in(page, "nurse")

    page.wait_for_url(lambda url: LOGIN not in url)
    assert LoginSession.objects.filter(user=a_nurse, ended_at=None).exists()


def test_going_back_after_logging_out_shows_nothing(
    open_page: OpenPage, site: str, a_report_in_work: Report, a_doctor: User
) -> None:
    page = open_page(f"/reporting/{a_report_in_work.exam.number}/", a_doctor, faults_expected=True)
    expect(page.locator("body")).to_contain_text("周围型肺癌")

    page.goto(f"{site}/account/me/")
    page.get_by_role("button", name="退出").last.click()
    page.wait_for_url("**" + LOGIN)
    page.go_back()
    page.go_back()

    expect(page.locator("input[name=password]")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("周围型肺癌")

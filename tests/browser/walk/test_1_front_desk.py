"""The scanner is made known; the patient is registered, booked, arrives, and is called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person, codes_on, text_of
from tests.browser.scanner import Scanner
from tests.browser.walk.day import HEIGHT_CM, ID_CARD, MASKED, NAME, WEIGHT_KG, Day
from tests.house import House

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.peer]


@pytest.mark.clause("1.3", "1.8", "10.6", "10.7")
def test_the_head_makes_the_scanner_known(house: House, at_desk: Any) -> None:
    """A device uses the ports from the address that its page names, and from no other."""
    head, scanner = at_desk("head"), Scanner(house, "PETCT1")
    _set_address(head, "127.0.0.9")
    with pytest.raises(AssertionError, match="Rejected"):
        scanner.worklist()

    _set_address(head, "127.0.0.1")

    assert scanner.worklist() == []


def _set_address(head: Person, address: str) -> None:
    page = head.go("/department/devices/pet-ct-1/")
    page.locator("#id_address").fill(address)
    page.keyboard.press("F9")
    page.get_by_text("已保存").first.wait_for()
    row = head.go("/department/devices/").locator("tr", has_text="PETCT1")
    expect(row).to_contain_text(address)


@pytest.mark.clause("1.4", "2.2", "2.3", "2.4")
def test_the_front_desk_registers_books_and_prints(at_desk: Any, day: Day) -> None:
    clerk = at_desk("registrar")
    page = clerk.go("/registration/")
    page.keyboard.press("n")
    page.wait_for_url("**/registration/new/")
    page.locator("#q").fill(NAME)
    page.locator("#found").get_by_text("没有找到").wait_for()
    page.locator("#found").get_by_role("link", name="新建患者").click()
    page.locator("#id_id_card").fill(ID_CARD)
    page.locator("#id_phone").fill("99000001242")
    page.locator("#id_phone").press("Tab")
    expect(page.locator("#id_birth_date")).to_have_value("1985-08-03")
    expect(page.locator("#id_sex")).to_have_value("F")
    page.keyboard.press("F9")
    page.wait_for_url("**/book/")

    page.locator("#id_item").select_option(label="PET-CT 全身肿瘤显像")
    page.locator("#id_requesting_department").fill("胸外科")
    page.locator("#id_requesting_physician").fill("邵明岚")
    page.locator("#id_clinical_diagnosis").fill("右肺占位")
    page.locator("#id_weight_kg").fill(str(WEIGHT_KG))
    page.locator("#id_height_cm").fill(str(HEIGHT_CM))
    page.locator(".rg-notes").get_by_text("384.8 MBq").wait_for()
    page.locator("#chooser [name=device]").and_(page.get_by_label("PET-CT 1")).check(force=True)
    expect(page.locator(".rg-device")).to_have_count(1)
    page.locator(".rg-slot").first.click()
    expect(page.locator(".rg-chain .s-scanning b")).not_to_be_empty()
    time_of_scan = page.locator(".rg-chain .s-scanning b").inner_text()
    clerk.see("1-booking")
    page.keyboard.press("F9")
    page.wait_for_url("**/registration/exams/**")
    number = re.search(r"/exams/([^/]+)/", page.url)
    assert number
    day.number = number[1]
    assert day.number.startswith("PT")
    expect(page.locator(".hv-patient")).to_contain_text(NAME)

    slip = clerk.printed("预约单")
    words = text_of(slip)
    assert NAME in words and day.number in words and "演示" in words
    assert "禁食" in words, "the preparation of the item stands on the slip"
    assert time_of_scan in words and "PET-CT 1" in words, "when and where"
    label = clerk.printed("标签")
    assert codes_on(slip) == codes_on(label)
    day.code = codes_on(label)[0]
    assert day.code.startswith("NM1|E|")


def test_a_known_number_finds_the_patient_again(at_desk: Any, day: Day) -> None:
    page = at_desk("registrar").go("/registration/new/")
    page.locator("#q").fill(ID_CARD)
    expect(page.locator("#found")).to_contain_text(NAME)


@pytest.mark.clause("1.4", "5.2", "5.4")
def test_nothing_goes_out_of_order(at_desk: Any, day: Day) -> None:
    """The patient is not here yet: neither the interview nor the injection takes the code."""
    interviewer = at_desk("interviewer")
    page = interviewer.go("/interview/")
    interviewer.scan(day.code)
    page.wait_for_url(f"**/interview/{day.number}/")
    expect(page.get_by_text("报到之后、检查结束之前才能记录问诊")).to_be_visible()
    expect(page.get_by_role("button", name="完成问诊")).to_have_count(0)


@pytest.mark.clause("1.4", "2.7", "3.2", "3.3")
def test_the_scanned_slip_gives_a_ticket_and_the_wall_shows_it(
    house: House, browser: Browser, people: dict[str, Person], at_desk: Any, day: Day
) -> None:
    guard = at_desk("sysadmin")
    guard.go("/stations/").get_by_role("link", name="候诊大屏").click()
    guard.page.get_by_role("button", name="浏览器登记码").click()
    address = guard.page.locator("#claim-url").inner_text().strip()
    wall = people["wall"] = Person(house, browser, "wall", size=(1920, 1080))
    wall.go(address)
    wall.page.get_by_role("button", name="确认，就是这台").click()
    screen = wall.go("/calling/wall/waiting/")
    expect(screen.locator(".hv-wall-table")).not_to_contain_text("苏")

    clerk = at_desk("registrar")
    page = clerk.go("/registration/")
    clerk.scan(day.code)
    page.wait_for_url(f"**/registration/exams/{day.number}/")
    expect(page.locator(".hv-patient")).to_contain_text("已报到")
    ticket = page.locator(".cl-ticket b").first.inner_text()

    expect(screen.locator(".hv-wall-table")).to_contain_text(f"{ticket}{MASKED}")
    assert NAME not in screen.content(), "strangers read the wall"
    wall.see("2-wall")

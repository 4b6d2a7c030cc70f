"""What the item needs to be asked, and asked again."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person
from tests.browser.walk.day import HEIGHT_CM, MASKED, NAME, WEIGHT_KG, Day

pytestmark = [pytest.mark.browser, pytest.mark.peer]


@pytest.mark.clause("1.4", "3.5", "5.2", "5.4", "5.5")
def test_the_interview_asks_what_the_item_needs(
    at_desk: Any, people: dict[str, Person], day: Day
) -> None:
    interviewer = at_desk("interviewer")
    page = interviewer.go("/interview/")
    page.get_by_role("button", name="叫下一位").click()
    expect(people["wall"].page.locator(".hv-wall-call")).to_contain_text(MASKED)
    page.get_by_role("button", name="已进入").first.click()
    interviewer.scan(day.code)
    page.wait_for_url(f"**/interview/{day.number}/")
    page.keyboard.press("F9")
    expect(page.locator(".iv-choice.is-bad").first).to_be_visible()

    for name, value in (
        ("identity_checked", "true"), ("diabetes", "none"), ("allergy", "false"), ("pregnancy", "1"),
        ("response", "staging"), ("iv_side", "left"),
    ):  # fmt: skip
        choice = page.locator(f"[name={name}]")
        choice.and_(page.locator(f"[value='{value}']")).check(force=True)
    page.locator("[name=weight_kg]").fill(str(WEIGHT_KG))
    page.locator("[name=height_cm]").fill(str(HEIGHT_CM))
    page.locator("[name=fasting_h]").fill("8")
    page.locator("[name=glucose_mmol_l]").fill("5.6")
    interviewer.see("3-interview")
    page.keyboard.press("F9")
    page.wait_for_url("**/interview/?**")
    done = interviewer.go("/interview/?tab=done")
    expect(done.locator("tr", has_text=NAME)).to_be_visible()


@pytest.mark.clause("5.3")
def test_a_second_interview_keeps_the_first_and_marks_what_changed(at_desk: Any, day: Day) -> None:
    interviewer = at_desk("interviewer")
    page = interviewer.go(f"/interview/{day.number}/")
    page.locator("[name=fasting_h]").fill("9")
    page.keyboard.press("F9")
    page.wait_for_url("**/interview/?**")
    page = interviewer.go(f"/interview/{day.number}/")
    told = page.locator(".iv-side .iv-told")
    expect(told).to_have_count(2)
    changed = told.first.locator(".is-changed")
    expect(changed).to_have_count(1)
    expect(changed.locator("del")).to_contain_text("8")
    expect(changed.locator("ins")).to_contain_text("9")

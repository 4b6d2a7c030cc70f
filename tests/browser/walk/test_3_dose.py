"""From the batch to the activity that went in."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.person import Person, codes_on, text_of
from tests.browser.walk.day import MASKED, NAME, Day

pytestmark = [pytest.mark.browser, pytest.mark.peer]


@pytest.mark.clause("9.1", "9.2", "9.3", "9.4")
def test_the_hot_laboratory_releases_and_dispenses(at_desk: Any, day: Day) -> None:
    maker = at_desk("pharmacist")
    page = maker.go("/radiopharmacy/batches/new/")
    fdg = page.locator("#id_tracer option", has_text="F-18 FDG").get_attribute("value")
    # The tests of the tracer come after the choice; what is typed before they are here would be theirs to replace.
    with page.expect_response(lambda answer: "/tests/" in answer.url):
        page.locator("#id_tracer").select_option(value=fdg)
    expect(page.locator("#rp-tests")).to_contain_text("Kryptofix")
    page.locator("#id_activity_mbq").fill("8000")
    page.locator("#id_reference_at").fill(
        f"{day.assayed_at - timedelta(minutes=30):%Y-%m-%dT%H:%M:%S}"
    )
    page.locator("#id_volume_ml").fill("16")
    page.locator("#id_expires_at").fill(f"{day.assayed_at + timedelta(hours=6):%Y-%m-%dT%H:%M:%S}")
    for verdict in page.locator("#rp-tests select").all():
        verdict.select_option(value="pass")
    numbers = {"radiochemical_purity": "98", "half_life": "109.8", "acetonitrile": "0.1"}
    for reading in page.locator("#rp-tests input[data-number]").all():
        name = reading.get_attribute("name") or ""
        reading.fill(next((v for k, v in numbers.items() if k in name), "6.5"))
    maker.see("4-batch")
    page.keyboard.press("F9")
    page.wait_for_url(re.compile(r"/batches/FDG"))
    batch = page.url

    second = at_desk("pharmacist2")
    page = second.go(batch.removeprefix(second.house.address))
    page.get_by_role("link", name="放行").click()
    page.locator("dialog[open]").get_by_role("button", name="放行").click()
    expect(page.locator("#main")).to_contain_text("已放行")

    page = maker.go("/radiopharmacy/")
    row = page.locator("tr", has_text=NAME)
    row.get_by_role("link", name="分装").click()
    page.wait_for_url("**/dispense/**")
    # 8000 MBq in 16 mL thirty minutes before the assay: 400 MBq are 0.967 mL.
    page.locator("[name=volume_ml]").fill("0.967")
    page.locator("[name=assay_mbq]").fill("400")
    page.locator("[name=assay_time]").fill(day.clock())
    maker.see("4-dispense")
    page.keyboard.press("F9")
    page.wait_for_url("**/radiopharmacy/units/**")
    number = re.search(r"/units/([^/]+)/", page.url)
    assert number
    day.unit = number[1]
    label = maker.printed("打印标签")
    assert day.unit in text_of(label), "people read and type the number that the label prints"
    day.unit_code = codes_on(label)[0]
    assert day.unit_code.startswith("NM1|U|")


@pytest.mark.clause("1.4", "4.2", "4.3", "4.4", "9.2")
def test_the_nurse_verifies_injects_and_measures_what_is_left(
    at_desk: Any, people: dict[str, Person], day: Day
) -> None:
    nurse = at_desk("nurse")
    page = nurse.go("/technologist/")
    panel = page.locator(".tc-call")
    panel.get_by_role("button", name="叫下一位").click()
    expect(people["wall"].page.locator(".hv-wall-call")).to_contain_text(MASKED)
    panel.get_by_role("button", name="已进入").click()
    nurse.scan(day.code)
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text(NAME)
    nurse.scan(day.unit_code)
    expect(dialog.get_by_text("三方一致")).to_be_visible()
    dialog.locator("[name=started_time]").fill(day.clock(5))
    dialog.locator("[name=started_time]").press("Tab")
    dialog.locator("[name=site]").select_option(index=1)
    expect(dialog.locator("#tc-judged")).to_contain_text("387.6")
    nurse.see("5-injection")
    page.keyboard.press("F9")

    # What is left in the syringe is asked for at once.
    dialog = page.locator("dialog[open]#tc-residual")
    expect(dialog).to_contain_text(f"{day.clock(5)} 已注射")
    dialog.locator("[name=residual_mbq]").fill("12")
    dialog.locator("[name=residual_time]").fill(day.clock(12))
    # 400 MBq at T, injected at T + 5 min, 12 MBq left at T + 12 min: 375.026 MBq went in.
    expect(dialog.locator("#tc-net")).to_contain_text("375.0")
    nurse.see("5-residual")
    page.keyboard.press("F9")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("tr", has_text=NAME)).to_contain_text("375 MBq")

"""Written, audited with a marked change, published, and read in the clinic."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.person import text_of
from tests.browser.walk.day import NAME, Day

pytestmark = [pytest.mark.browser, pytest.mark.peer]


FOUND = "右肺上叶后段软组织结节，代谢增高，SUVmax 12.5"
BEFORE = "1. 右肺上叶代谢增高结节，考虑周围型肺癌，建议穿刺活检。"
AFTER = "1. 右肺上叶代谢增高结节，考虑周围型肺癌，伴纵隔及右肺门淋巴结转移，建议穿刺活检。"


@pytest.mark.clause("6.2", "6.7")
def test_the_report_is_written_and_submitted(at_desk: Any, day: Day) -> None:
    doctor = at_desk("doctor")
    page = doctor.go(f"/reporting/{day.number}/")
    page.locator(".rp-templates button").first.click()
    technique = page.locator("#t-technique")
    expect(technique).to_have_value(re.compile("104"))
    expect(technique).to_have_value(re.compile("375"))
    expect(page.locator("#pictures figure")).to_have_count(1)

    findings = page.locator("#t-findings")
    findings.fill(findings.input_value().replace("双肺野清晰，未见代谢异常增高灶", FOUND))
    page.locator("#t-impression").fill(BEFORE)
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#saved")).to_contain_text("保存")
    doctor.see("8-report")
    page.keyboard.press("F9")
    expect(page.locator("#main")).to_contain_text("待审核", timeout=15_000)


@pytest.mark.clause("7.1")
def test_before_it_is_published_the_clinician_sees_nothing(at_desk: Any, day: Day) -> None:
    clinician = at_desk("clinician")
    page = clinician.go(f"/publishing/?q={day.number}")
    expect(page.locator("#found")).to_contain_text(NAME)
    expect(page.locator("#found a.pb-row")).to_have_count(0)
    for path in (f"/publishing/{day.number}/", f"/publishing/{day.number}/report.pdf"):
        assert clinician.context.request.get(path).status == 404
    for path in (f"/reporting/{day.number}/", f"/viewing/studies/{day.study_uid}/"):
        assert clinician.context.request.get(path).status in (403, 404)


@pytest.mark.clause("6.3", "6.6", "6.7", "7.1")
def test_a_senior_audits_with_a_marked_change_and_publishes(at_desk: Any, day: Day) -> None:
    chief = at_desk("chief")
    page = chief.go("/reporting/?list=audit")
    page.locator("#worklist").get_by_text(NAME).click()
    page.wait_for_url(f"**/reporting/{day.number}/**")
    page.locator("#t-impression").fill(AFTER)
    page.get_by_role("button", name="审核签发").click()
    expect(page.get_by_role("button", name="发布")).to_be_visible()
    page.get_by_role("button", name="修改痕迹").click()
    marks = page.locator("#marks .rp-prose")
    expect(marks.locator("ins", has_text="伴纵隔及右肺门淋巴结转移")).to_be_visible()
    expect(marks.locator("del")).to_have_count(0)
    chief.see("8-marks")

    paper = chief.context.request.get(f"/reporting/{day.number}/preview.pdf").body()
    words = re.sub(r"\s", "", text_of(paper))
    assert "伴纵隔及右肺门淋巴结转移" in words and "演示" in words

    page.keyboard.press("F9")
    expect(page.locator("#main")).to_contain_text("已发布")
    assert page.locator("#worklist").get_by_text(NAME).count() == 0, "nothing is left to audit"
    done = chief.go("/reporting/?list=done").locator("#worklist")
    expect(done).to_contain_text(NAME)


@pytest.mark.clause("7.2")
def test_the_clinician_finds_and_reads_what_is_published(at_desk: Any, day: Day) -> None:
    clinician = at_desk("clinician")
    page = clinician.go("/publishing/")
    page.get_by_role("searchbox").fill("苏望舒")
    page.locator("#found a.pb-row").click()
    expect(page.locator("#main")).to_contain_text("伴纵隔及右肺门淋巴结转移")
    expect(page.locator(".pb-grid img")).to_have_count(1)
    clinician.see("9-report")
    paper = clinician.context.request.get(f"/publishing/{day.number}/report.pdf").body()
    words = re.sub(r"\s", "", text_of(paper))
    assert NAME in words and day.number in words and "伴纵隔及右肺门淋巴结转移" in words
    page.locator(".pb-grid a").first.click()
    shown = page.locator(".pb-figure img")
    assert (
        shown.evaluate("async (image) => { await image.decode(); return image.naturalWidth }") > 400
    )
    assert clinician.context.request.get(f"/reporting/{day.number}/").status == 403

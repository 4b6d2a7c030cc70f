"""Real images of somebody whom nobody booked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from playwright.sync_api import expect

from tests.browser.reading import Reader
from tests.browser.scanner import Scanner
from tests.house import House, until

pytestmark = [pytest.mark.browser, pytest.mark.peer, pytest.mark.data]

REAL = Path(os.environ.get("HEVESY_TEST_DATA", "/nowhere")) / "pet_ct_mr" / "STS_001"
FACTOR = 71_000 / 388_777_472 * 2 ** (2711 / 6588)
"""SUVbw per Bq/mL of REAL: weight, injected activity and decay of its header (the oracle in the data's README)."""
OTHER_NAME = "江上白"


@pytest.mark.clause("1.2", "1.3", "6.15")
@pytest.mark.skipif(not REAL.exists(), reason="HEVESY_TEST_DATA has no pet_ct_mr/STS_001")
def test_real_images_that_match_nothing_wait_until_a_person_links_them(
    house: House, at_desk: Any
) -> None:
    scanner = Scanner(house, "PETCT1")
    scanner.send(REAL / "PT_wholebody", REAL / "CT_cropped_same_FoR")

    clerk = at_desk("registrar")
    page = clerk.go("/registration/patients/new/")
    page.locator("#id_name_zh").fill(OTHER_NAME)
    page.locator("#id_sex").select_option(value="M")
    page.locator("#id_birth_date").fill("1961-05-20")
    page.locator("#id_phone").fill("99000001243")
    page.keyboard.press("F9")
    page.wait_for_url("**/book/")
    page.locator("#id_item").select_option(label="PET-CT 全身肿瘤显像")
    page.locator(".rg-slot").first.wait_for()
    page.keyboard.press("F9")
    page.wait_for_url("**/registration/exams/**")
    number = re.search(r"/exams/([^/]+)/", page.url)
    assert number

    page = clerk.go("/viewing/unmatched/")
    row = page.locator("tbody tr", has_text="326")
    until(lambda: page.reload() is None or row.count() == 1, within_s=60, say="267 PET + 59 CT")
    row.get_by_role("link", name="关联").click()
    with page.expect_response(lambda answer: number[1] in answer.url):
        page.get_by_role("searchbox").last.fill(number[1])
    candidate = page.locator(f"#candidate-{number[1]}")
    candidate.get_by_role("link", name="对照并关联").click()
    beside = page.locator("dialog[open]")
    expect(beside.locator("tr", has_text="姓名")).to_contain_text("不一致")
    beside.locator("[name=reason]").fill("外院图像，患者本人带来")
    clerk.see("10-linking")
    page.keyboard.press("F9")
    page.wait_for_url("**/viewing/unmatched/")
    expect(page.locator("tbody tr", has_text="326")).to_have_count(0)

    doctor = at_desk("doctor")
    page = doctor.go(f"/viewing/?q={number[1]}")
    page.locator("#studies").get_by_role("link", name="阅片").click()
    reader = Reader(page)
    reader.wait()

    # The hottest voxel, straight from the files: bladder.
    slices = [pydicom.dcmread(path) for path in (REAL / "PT_wholebody").iterdir()]
    hottest = max(slices, key=lambda one: one.pixel_array.max() * float(one.RescaleSlope))
    values = hottest.pixel_array * float(hottest.RescaleSlope) + float(hottest.RescaleIntercept)
    j, i = np.unravel_index(values.argmax(), values.shape)
    spacing = float(hottest.PixelSpacing[0])
    x0, y0, z = (float(mm) for mm in hottest.ImagePositionPatient)
    peak = (x0 + i * spacing, y0 + j * spacing, z)
    reader.look_at(peak)
    shown = reader.hover("overlay-axial", peak)
    assert shown["SUVbw"] == pytest.approx(values.max() * FACTOR, abs=0.06)
    assert shown["SUVbw"] / shown["Bq/mL"] == pytest.approx(2.42903e-4, rel=1e-3)

    corner = (peak[0] - 14, peak[1] - 9, z)
    region = reader.ellipse("overlay-axial", corner, (peak[0] + 14, peak[1] + 9, z))
    suv = next(one for one in region["shown"] if one and one["units"] == "SUVbw")
    rows, columns = np.indices(values.shape)
    u = (x0 + columns * spacing - region["centre"][0]) / region["radiusUMm"]
    v = (y0 + rows * spacing - region["centre"][1]) / region["radiusVMm"]
    inside = values[u**2 + v**2 <= 1] * FACTOR
    assert suv["max"] == pytest.approx(inside.max(), rel=1e-4)
    assert suv["mean"] == pytest.approx(inside.mean(), rel=1e-3)
    doctor.see("10-viewer")

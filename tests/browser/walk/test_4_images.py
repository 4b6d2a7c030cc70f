"""The scanner's ports, and the study in the viewer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from hevesy.imaging.dicomio import Administration
from hevesy.imaging.phantoms import PhantomPair, make_fdg_phantom
from tests.browser.reading import Reader, grey, hot_iron
from tests.browser.scanner import Scanner, scan
from tests.browser.walk.day import NAME, WEIGHT_KG, Day
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.peer]


@pytest.fixture(scope="module")
def phantom() -> PhantomPair:
    """The body that lies down on the table, with lesions of known SUV."""
    return make_fdg_phantom(7)


@pytest.mark.clause("1.3", "1.4", "3.1")
def test_the_scanner_fetches_the_worklist_performs_and_sends(
    house: House, at_desk: Any, day: Day, phantom: PhantomPair, tmp_path: Path
) -> None:
    scanner = Scanner(house, "PETCT1")
    entries = scanner.worklist()
    assert [entry.AccessionNumber for entry in entries] == [day.number]
    entry = entries[0]
    assert "苏" in str(entry.PatientName) and "Su" in str(entry.PatientName)
    assert float(entry.PatientWeight) == WEIGHT_KG
    day.study_uid = entry.StudyInstanceUID
    assert Scanner(house, "PETCT2").worklist() == []

    technologist = at_desk("technologist")
    row = technologist.go("/technologist/").locator("tr", has_text=NAME)
    expect(row).to_contain_text("摄取中")
    technologist.scan(day.code)
    technologist.page.wait_for_url(f"**/technologist/exams/{day.number}/")
    expect(technologist.page.locator("#main")).to_contain_text(NAME)
    row = technologist.go("/technologist/").locator("tr", has_text=NAME)
    begin = day.assayed_at + timedelta(minutes=67)
    performed = scanner.begin(entry, begin)
    expect(row).to_contain_text("检查中", timeout=15_000)
    assert scanner.worklist() == [], "what is being acquired is off the worklist"

    injected = Administration(
        activity_bq=375.026e6, injected_at=day.assayed_at + timedelta(minutes=5)
    )
    scan(tmp_path, phantom, entry, injected, begin)
    scanner.send(tmp_path)
    scanner.end(performed, begin + timedelta(minutes=7))

    done = technologist.go("/technologist/?tab=done").locator("tr", has_text=NAME)
    expect(done).to_contain_text("已采集", timeout=60_000)
    technologist.see("6-done")


def test_a_stranger_is_not_answered(house: House) -> None:
    refused = Scanner(house, "NOBODY")
    with pytest.raises(AssertionError, match="Rejected"):
        refused.worklist()


@pytest.mark.clause("6.9", "6.10", "6.11", "6.15", "6.19", "8.2", "8.3")
def test_the_physician_reads_the_fused_study(at_desk: Any, day: Day, phantom: PhantomPair) -> None:
    doctor = at_desk("doctor")
    page = doctor.go("/reporting/")
    page.locator("#worklist").get_by_text(NAME).click()
    # The images come a moment after the last of them was sent; the desk shows them by itself.
    page.locator("#pictures").get_by_role("link", name="阅片").click(timeout=60_000)
    page.wait_for_url(f"**/viewing/studies/{day.study_uid}/**")
    reader = Reader(page)
    reader.wait()
    slots = {slot.get_attribute("data-slot") for slot in page.locator(".hvv-cell").all()}
    planes = ("axial", "coronal", "sagittal")
    assert slots == {f"{what}-{p}" for what in ("base", "overlay", "fused") for p in planes} | {
        "mip"
    }

    # The linked cross: a press on the projection leads to the hottest voxel on the ray.
    tumour = next(one for one in phantom.truth["lesions"] if one.name == "right upper lobe")
    reader.click("mip", tumour.centre_lps)
    assert np.linalg.norm(np.subtract(reader.cross, tumour.centre_lps)) <= tumour.radius_mm

    reader.look_at(tumour.centre_lps)
    shown = reader.hover("fused-axial", tumour.centre_lps)
    assert shown["SUVbw"] == pytest.approx(tumour.suv, rel=2e-3)
    assert -50 < shown["CT"] < 150

    # Pixels of the fused picture: the blend of both tables at known values, and black beside the patient.
    liver = (-60.0, -20.0, tumour.centre_lps[2] - 190)
    beside = (-220.0, -8.0, tumour.centre_lps[2])
    hot, air = reader.colours("fused-axial", tumour.centre_lps, beside)
    low, high = reader.window("base")
    wanted = (1 - reader.alpha) * grey(
        (shown["CT"] - low) / (high - low)
    ) + reader.alpha * hot_iron(tumour.suv / reader.window("overlay")[1])
    assert np.abs(hot - wanted).max() < 16, (hot, wanted)
    assert air.max() < 8
    reader.look_at(liver)
    shown = reader.hover("fused-axial", liver)
    assert shown["SUVbw"] == pytest.approx(phantom.truth["organ_suv"]["liver"], rel=0.3)
    (calm,) = reader.colours("fused-axial", liver)
    wanted = (1 - reader.alpha) * grey(
        (shown["CT"] - low) / (high - low)
    ) + reader.alpha * hot_iron(shown["SUVbw"] / reader.window("overlay")[1])
    assert np.abs(calm - wanted).max() < 24, (calm, wanted)

    # Windowing: the keys 1 to 5 set the upper limit of PET.
    before = reader.window("overlay")
    page.keyboard.press("5")
    assert reader.window("overlay")[1] != before[1]
    page.keyboard.press("r")

    reader.look_at(tumour.centre_lps)
    x, y, z = tumour.centre_lps
    region = reader.ellipse("fused-axial", (x - 7, y - 7, z), (x + 7, y + 7, z))
    suv = next(one for one in region["shown"] if one and one["units"] == "SUVbw")
    assert suv["max"] == pytest.approx(tumour.suv, rel=1e-3)
    assert suv["mean"] == pytest.approx(tumour.suv, rel=5e-3), "inside the plateau of the sphere"
    doctor.see("7-viewer")

    page.locator(".hvv-cell[data-slot=fused-axial]").hover()
    page.keyboard.press("k")
    page.get_by_text("已存为关键图像").first.wait_for()

"""One patient all the way through the house: every desk in Chromium, every port with a real peer.

The house is `hevesy run` in processes of its own. Each test is one stage of the same patient's day and stands on those
before it; nothing here reaches into the program, so a stage fails when what is behind its page or port is not done.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pydicom
import pytest
from playwright.sync_api import expect

from hevesy.imaging.dicomio import Administration
from hevesy.imaging.phantoms import PhantomPair, make_fdg_phantom
from tests.browser.house import House, Person, codes_on, new_home, text_of, until
from tests.browser.reading import Reader, grey, hot_iron
from tests.browser.scanner import Scanner, scan

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.peer]

REAL = Path(os.environ.get("HEVESY_TEST_DATA", "/nowhere")) / "pet_ct_mr" / "STS_001"
FACTOR = 71_000 / 388_777_472 * 2 ** (2711 / 6588)
"""SUVbw per Bq/mL of REAL: weight, injected activity and decay of its header (the oracle in the data's README)."""

NAME = "苏望舒"
OTHER_NAME = "江上白"
ID_CARD = "990000198508031242"
WEIGHT_KG = 104
HEIGHT_CM = 168


@dataclass
class Day:
    """What the stages hand on to each other."""

    zone: ZoneInfo
    number: str = ""
    code: str = ""
    unit: str = ""
    unit_code: str = ""
    assayed_at: datetime = field(default_factory=datetime.now)
    study_uid: str = ""
    worklist: dict[str, Any] = field(default_factory=dict)

    def clock(self, minutes: float = 0) -> str:
        """A time of day of the house, minutes after the assay."""
        return f"{self.assayed_at + timedelta(minutes=minutes):%H:%M:%S}"


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A running house with an empty waiting room."""
    one = House(new_home())
    one.open()
    yield one
    assert one.close() == 0


@pytest.fixture(scope="module")
def day(house: House) -> Day:
    """The patient's day: the dose is measured 75 minutes before the walk begins, so that the uptake is over."""
    zone = ZoneInfo(house.environment["HEVESY_TIME_ZONE"])
    now = datetime.now(zone).replace(second=0, microsecond=0)
    return Day(zone, assayed_at=now - timedelta(minutes=75))


@pytest.fixture(scope="module")
def people(house: House, browser: Browser) -> Iterator[dict[str, Person]]:
    """Everybody who has logged in so far, by login name."""
    known: dict[str, Person] = {}
    yield known
    for person in known.values():
        person.see(f"last-{person.username}")
        person.context.close()
    faults = [fault for person in known.values() for fault in person.faults]
    assert not faults, "\n".join(faults)


@pytest.fixture
def at_desk(house: House, browser: Browser, people: dict[str, Person]) -> Any:
    """`at_desk("nurse")`: that person, logged in at a browser of their own."""

    def arrive(username: str, **options: Any) -> Person:
        if username not in people:
            people[username] = Person(house, browser, username, **options).log_in()
        return people[username]

    return arrive


@pytest.mark.clause("1.3")
@pytest.mark.clause("1.8")
def test_0_the_head_makes_the_scanner_known(at_desk: Any) -> None:
    """A device may use the ports only when its page says so."""
    head = at_desk("head")
    page = head.go("/department/devices/pet-ct-1/")
    page.locator("#id_address").fill("127.0.0.1")
    for right in ("echo", "store", "worklist", "mpps"):
        page.locator(f"[name=dicom_rights][value={right}]").check()
    page.keyboard.press("F9")
    page.get_by_text("已保存").first.wait_for()
    expect(head.go("/department/devices/").locator("tr", has_text="PETCT1")).to_contain_text(
        "127.0.0.1"
    )


@pytest.mark.clause("1.4")
@pytest.mark.clause("2.2")
@pytest.mark.clause("2.3")
@pytest.mark.clause("2.4")
def test_1_the_front_desk_registers_books_and_prints(at_desk: Any, day: Day) -> None:
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


def test_1_a_known_number_finds_the_patient_again(at_desk: Any, day: Day) -> None:
    page = at_desk("registrar").go("/registration/new/")
    page.locator("#q").fill(ID_CARD)
    expect(page.locator("#found")).to_contain_text(NAME)


def test_2_nothing_goes_out_of_order(at_desk: Any, day: Day) -> None:
    """The patient is not here yet: neither the interview nor the injection takes the code."""
    interviewer = at_desk("interviewer")
    page = interviewer.go("/interview/")
    interviewer.scan(day.code)
    page.wait_for_url(f"**/interview/{day.number}/")
    expect(page.get_by_text("报到之后、检查结束之前才能记录问诊")).to_be_visible()
    expect(page.get_by_role("button", name="完成问诊")).to_have_count(0)


@pytest.mark.clause("1.4")
@pytest.mark.clause("3.2")
@pytest.mark.clause("3.3")
def test_2_the_scanned_slip_gives_a_ticket_and_the_wall_shows_it(
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

    expect(screen.locator(".hv-wall-table")).to_contain_text(f"{ticket}苏*舒")
    assert NAME not in screen.content(), "strangers read the wall"
    wall.see("2-wall")


@pytest.mark.clause("1.4")
@pytest.mark.clause("3.5")
@pytest.mark.clause("5.2")
@pytest.mark.clause("5.4")
@pytest.mark.clause("5.5")
def test_3_the_interview_asks_what_the_item_needs(
    at_desk: Any, people: dict[str, Person], day: Day
) -> None:
    interviewer = at_desk("interviewer")
    page = interviewer.go("/interview/")
    page.get_by_role("button", name="叫下一位").click()
    expect(people["wall"].page.locator(".hv-wall-call")).to_contain_text("苏*舒")
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
def test_3_a_second_interview_keeps_the_first_and_marks_what_changed(
    at_desk: Any, day: Day
) -> None:
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


@pytest.mark.clause("9.1")
@pytest.mark.clause("9.2")
@pytest.mark.clause("9.4")
def test_4_the_hot_laboratory_releases_and_dispenses(at_desk: Any, day: Day) -> None:
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


@pytest.mark.clause("1.4")
@pytest.mark.clause("4.2")
@pytest.mark.clause("4.3")
@pytest.mark.clause("9.2")
def test_5_the_nurse_verifies_injects_and_measures_what_is_left(at_desk: Any, day: Day) -> None:
    nurse = at_desk("nurse")
    page = nurse.go("/technologist/")
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


@pytest.fixture(scope="module")
def phantom() -> PhantomPair:
    """The body that lies down on the table, with lesions of known SUV."""
    return make_fdg_phantom(7)


@pytest.mark.clause("1.3")
@pytest.mark.clause("3.1")
def test_6_the_scanner_fetches_the_worklist_performs_and_sends(
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


def test_6_a_stranger_is_not_answered(house: House) -> None:
    refused = Scanner(house, "NOBODY")
    with pytest.raises(AssertionError, match="Rejected"):
        refused.worklist()


@pytest.mark.clause("6.9")
@pytest.mark.clause("6.10")
@pytest.mark.clause("6.15")
@pytest.mark.clause("8.2")
@pytest.mark.clause("8.3")
def test_7_the_physician_reads_the_fused_study(
    at_desk: Any, day: Day, phantom: PhantomPair
) -> None:
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


FOUND = "右肺上叶后段软组织结节，代谢增高，SUVmax 12.5"
BEFORE = "1. 右肺上叶代谢增高结节，考虑周围型肺癌，建议穿刺活检。"
AFTER = "1. 右肺上叶代谢增高结节，考虑周围型肺癌，伴纵隔及右肺门淋巴结转移，建议穿刺活检。"


@pytest.mark.clause("6.2")
@pytest.mark.clause("6.7")
def test_8_the_report_is_written_and_submitted(at_desk: Any, day: Day) -> None:
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
def test_9_before_it_is_published_the_clinician_sees_nothing(at_desk: Any, day: Day) -> None:
    clinician = at_desk("clinician")
    page = clinician.go(f"/publishing/?q={day.number}")
    expect(page.locator("#found")).to_contain_text(NAME)
    expect(page.locator("#found a.pb-row")).to_have_count(0)
    for path in (f"/publishing/{day.number}/", f"/publishing/{day.number}/report.pdf"):
        assert clinician.context.request.get(path).status == 404
    for path in (f"/reporting/{day.number}/", f"/viewing/studies/{day.study_uid}/"):
        assert clinician.context.request.get(path).status in (403, 404)


@pytest.mark.clause("6.3")
@pytest.mark.clause("6.6")
@pytest.mark.clause("6.7")
@pytest.mark.clause("7.1")
def test_8_a_senior_audits_with_a_marked_change_and_publishes(at_desk: Any, day: Day) -> None:
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
def test_9_the_clinician_finds_and_reads_what_is_published(at_desk: Any, day: Day) -> None:
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


@pytest.mark.clause("1.2")
@pytest.mark.clause("1.3")
@pytest.mark.clause("6.15")
@pytest.mark.data
@pytest.mark.skipif(not REAL.exists(), reason="HEVESY_TEST_DATA has no pet_ct_mr/STS_001")
def test_10_real_images_that_match_nothing_wait_until_a_person_links_them(
    house: House, at_desk: Any, day: Day
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

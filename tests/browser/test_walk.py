"""One patient all the way through the house: every desk in Chromium, every port with a real peer.

The house is `hevesy run` in processes of its own. Each test is one stage of the same patient's day and stands on those
before it; nothing here reaches into the program, so a stage fails when what is behind its page or port is not done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from hevesy.imaging.dicomio import Administration
from hevesy.imaging.phantoms import PhantomPair, make_fdg_phantom
from tests.browser.house import House, Person, codes_on, new_home, text_of, until
from tests.browser.scanner import Scanner, scan

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.peer]

NAME = "苏望舒"
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


def test_4_the_hot_laboratory_releases_and_dispenses(at_desk: Any, day: Day) -> None:
    maker = at_desk("pharmacist")
    page = maker.go("/radiopharmacy/batches/new/")
    fdg = page.locator("#id_tracer option", has_text="F-18 FDG").get_attribute("value")
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
    expect(done).to_contain_text("待报告", timeout=60_000)
    technologist.see("6-done")


def test_6_a_stranger_is_not_answered(house: House) -> None:
    refused = Scanner(house, "NOBODY")
    with pytest.raises(AssertionError, match="Rejected"):
        refused.worklist()

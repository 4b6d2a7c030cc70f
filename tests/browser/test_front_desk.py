"""The front desk in a real browser: from the search box to the confirmed arrival."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from hevesy.foundation.accounts.models import User
from hevesy.foundation.accounts.seeding import run_seeders
from hevesy.foundation.stations import qr
from hevesy.foundation.ui.testing import OpenPage, check_accessibility, picture
from hevesy.records.catalogue.models import ExamItem, Policy
from hevesy.records.exams.actions import book_exam
from hevesy.records.exams.models import Exam
from hevesy.records.patients.actions import register_patient
from hevesy.records.patients.models import Patient

pytestmark = pytest.mark.browser


@pytest.fixture
def a_department(transactional_db: None) -> None:
    """A seeded department that works every day."""
    run_seeders()
    Policy.objects.filter(key="booking.open_weekdays").update(value=list(range(7)))


@pytest.fixture
def an_exam_now(a_department: None, the_desk: Any) -> Exam:
    """A densitometry booked for this very moment."""
    patient = register_patient(
        the_desk, name_zh="欧阳雪", sex="F", phone="13800006621", birth_date=None
    )
    now = timezone.localtime()
    grid = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    return book_exam(
        the_desk,
        patient=patient,
        item=ExamItem.objects.get(code="bmd"),
        starts_at=grid,
        priority=Exam.Priority.EMERGENCY,
    )


@pytest.mark.clause("2.1")
@pytest.mark.clause("2.2")
def test_a_new_patient_is_found_missing_registered_and_booked(
    open_page: OpenPage, a_department: None, a_registrar: User
) -> None:
    page = open_page("/registration/", a_registrar)
    page.keyboard.press("n")
    page.wait_for_url("**/registration/new/")
    page.locator("#q").fill("陈建国")
    page.locator("#found").get_by_text("没有找到").wait_for()
    page.locator("#found").get_by_role("link", name="新建患者").click()

    expect(page.locator("#id_name_zh")).to_have_value("陈建国")
    page.keyboard.press("F2")
    page.locator("#id_id_card").fill("11010519491231002x")
    page.locator("#id_phone").click()
    expect(page.locator("#id_birth_date")).to_have_value("1949-12-31")
    expect(page.locator("#id_sex")).to_have_value("F")
    page.keyboard.press("F9")
    page.wait_for_url("**/book/")

    page.locator("#id_item").select_option(label="PET-CT 全身肿瘤显像")
    page.locator(".rg-week a").nth(2).click()
    page.locator("#id_weight_kg").fill("62")
    page.locator("#id_clinical_diagnosis").fill("肺占位")
    page.locator(".rg-notes").get_by_text("229.4 MBq").wait_for()
    slot = page.locator(".rg-slot").nth(3)
    shown = slot.inner_text()
    slot.click()
    expect(page.locator(".rg-chain .s-scanning b")).to_contain_text(shown)
    picture(page, "booking")
    page.keyboard.press("F9")
    page.wait_for_url("**/registration/exams/**")

    exam = Exam.objects.get()
    assert exam.number.startswith("PT")
    assert f"{timezone.localtime(exam.booked_for):%H:%M}" == shown
    assert exam.weight_kg == 62
    expect(page.locator(".hv-patient")).to_contain_text("陈建国")
    assert Patient.objects.get().identifiers.get().value == "11010519491231002X"


@pytest.mark.clause("1.4")
@pytest.mark.clause("2.4")
def test_a_scanned_slip_confirms_the_arrival_whatever_has_the_focus(
    open_page: OpenPage, an_exam_now: Exam, a_registrar: User
) -> None:
    page = open_page("/registration/", a_registrar)
    page.evaluate(
        """code => document.dispatchEvent(new CustomEvent("hv:code", {detail: {text: code, typed: false}}))""",
        qr.make("E", an_exam_now.code),
    )
    page.wait_for_url(f"**/registration/exams/{an_exam_now.number}/")

    expect(page.locator(".hv-patient")).to_contain_text("已报到")
    an_exam_now.refresh_from_db()
    assert an_exam_now.state == "arrived"


@pytest.mark.clause("2.5")
def test_the_top_box_finds_a_patient_by_initials_and_a_list_refreshes_itself(
    open_page: OpenPage, an_exam_now: Exam, a_registrar: User, the_desk: Any
) -> None:
    from hevesy.records.exams.actions import mark_arrived

    page = open_page("/registration/", a_registrar)
    page.keyboard.press("/")
    page.keyboard.type("oyx", delay=30)
    page.locator("#hv-hits").get_by_text("欧阳雪").wait_for()
    page.keyboard.press("Escape")
    row = page.locator(f"#exam-{an_exam_now.pk}")
    expect(row).to_contain_text("已预约")

    mark_arrived(the_desk, an_exam_now)

    expect(row).to_contain_text("已报到", timeout=10_000)


@pytest.mark.clause("2.2")
def test_an_arrival_pressed_in_the_list_keeps_the_list(
    open_page: OpenPage, an_exam_now: Exam, a_registrar: User
) -> None:
    page = open_page("/registration/", a_registrar)
    row = page.locator(f"#exam-{an_exam_now.pk}")

    row.get_by_role("button", name="报到").click()

    expect(row).to_contain_text("已报到")
    assert page.url.endswith("/registration/")


def test_a_press_outlives_a_list_that_shows_itself_anew_at_that_moment(
    open_page: OpenPage, an_exam_now: Exam, a_registrar: User
) -> None:
    page = open_page("/registration/", a_registrar)
    row = page.locator(f"#exam-{an_exam_now.pk}")
    expect(row.get_by_role("button", name="报到")).to_be_visible()

    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.method))

    # In one breath: the list may have been drawn anew since it was looked at.
    page.evaluate(
        """row => {
          const buttons = [...document.querySelectorAll(`${row} button`)];
          const button = buttons.find((one) => one.textContent.includes("报到"));
          const list = button.closest("[data-live]");
          button.click();
          list.dispatchEvent(new CustomEvent("hv:live", { detail: {} }));
        }""",
        f"#exam-{an_exam_now.pk}",
    )

    expect(row).to_contain_text("已报到", timeout=15_000)
    assert "POST" not in given_up


def test_a_dialog_asks_for_the_reason_and_gives_the_focus_back(
    open_page: OpenPage, an_exam_now: Exam, a_registrar: User
) -> None:
    page = open_page(f"/registration/exams/{an_exam_now.number}/", a_registrar)
    page.get_by_role("link", name="取消检查").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("#id_reason")).to_be_focused()
    check_accessibility(page, within="dialog[open]")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.get_by_role("link", name="取消检查").click()
    dialog.locator("#id_reason").fill("患者要求")
    dialog.get_by_role("button", name="取消检查").click()
    expect(page.locator(".hv-patient")).to_contain_text("已取消")

"""The pages in a real browser: phone first, both themes, no violation of WCAG 2.2 AA."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.ui.testing import BIG, PC, PHONE, OpenPage, check_accessibility, picture
from hevesy.records.archive.models import Study
from hevesy.records.exams.models import Exam
from hevesy.records.exams.testing import at
from hevesy.records.findings.actions import save_key_image
from hevesy.records.reports.actions import correct_report
from hevesy.records.reports.models import Publication
from hevesy.records.reports.testing import SECTIONS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ActorFor = Callable[[User], Actor]
CAPTIONS = ("右肺上叶后段 SUVmax 12.8", "隆突下淋巴结", "肝右叶", "右髂骨")


@pytest.fixture
def four_pictures(an_acquired_exam: Exam, a_doctor: User, actor_for: ActorFor) -> None:
    """Four key images, drawn: a body outline with one bright spot each."""
    study = Study.objects.create(
        study_instance_uid=an_acquired_exam.study_instance_uid,
        exam=an_acquired_exam,
        last_received_at=at(11),
    )
    for number, caption in enumerate(CAPTIONS):
        image = Image.new("RGB", (512, 400), "black")
        draw = ImageDraw.Draw(image)
        draw.ellipse((60, 70, 450, 330), fill=(70, 70, 70))
        draw.ellipse((110 + 70 * number, 160, 140 + 70 * number, 190), fill=(255, 190, 60))
        out = io.BytesIO()
        image.save(out, "PNG")
        save_key_image(actor_for(a_doctor), study, out.getvalue(), caption=caption)


@pytest.fixture
def a_corrected_report(
    four_pictures: None, a_publication: Publication, a_chief: User, actor_for: ActorFor
) -> Exam:
    changed = {**SECTIONS, "impression": SECTIONS["impression"].replace("余", "L1 椎体转移；余")}
    correct_report(
        actor_for(a_chief), a_publication.report, changed, base_number=3, reason="补充骨转移部位"
    )
    return a_publication.report.exam


@pytest.mark.clause("7.2", "7.3")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("pc", PC), ("big", BIG)])
def test_a_report_reads_well_everywhere(
    a_corrected_report: Exam,
    a_clinician: User,
    open_page: OpenPage,
    name: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    address = f"/publishing/{a_corrected_report.number}/"
    page = open_page(address, a_clinician, size=size, theme=theme)

    picture(page, f"publishing-report-{name}-{theme}")
    check_accessibility(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page is wider than the screen"
    if name == "phone":
        conclusion = page.get_by_text("符合周围型肺癌").last.bounding_box()
        first = page.locator(".pb-grid img").first.bounding_box()
        assert conclusion and first
        assert conclusion["y"] < first["y"] < size[1], "conclusion and images before scrolling"
        for button in page.locator(".pb-dock a:visible").all():
            box = button.bounding_box()
            assert box and box["height"] >= 44 and box["y"] + box["height"] <= size[1]


@pytest.mark.clause("7.3")
@pytest.mark.parametrize(("name", "size"), [("phone", PHONE), ("pc", PC)])
def test_the_list_and_a_picture(
    a_corrected_report: Exam,
    a_clinician: User,
    open_page: OpenPage,
    name: str,
    size: tuple[int, int],
) -> None:
    page = open_page("/publishing/", a_clinician, size=size)
    picture(page, f"publishing-list-{name}")
    check_accessibility(page)

    page.get_by_role("searchbox").fill("单雄")
    page.wait_for_url("**q=*")
    page.get_by_text("单雄信").click()
    page.locator(".pb-grid a").nth(1).click()
    page.get_by_text("隆突下淋巴结").wait_for()
    picture(page, f"publishing-picture-{name}")
    check_accessibility(page)
    page.get_by_role("link", name="下一幅").click()
    page.get_by_text("肝右叶").wait_for()


@pytest.mark.clause("7.1", "7.2")
def test_the_pdf_is_shown_in_the_page(
    a_corrected_report: Exam, a_clinician: User, open_page: OpenPage
) -> None:
    page = open_page(f"/publishing/{a_corrected_report.number}/", a_clinician, size=PC)

    with page.expect_response("**/report.pdf") as answer:
        page.locator(".pb-dock a:visible").first.click()

    assert answer.value.status == 200
    page.locator("iframe.pb-paper").wait_for()
    picture(page, "publishing-pdf-pc")
    check_accessibility(page, without=("iframe",))


@pytest.mark.clause("7.1")
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("name", "size"), [("pc", PC), ("big", BIG)])
def test_the_department_manages(
    a_corrected_report: Exam,
    a_chief: User,
    open_page: OpenPage,
    name: str,
    size: tuple[int, int],
    theme: str,
) -> None:
    address = f"/publishing/manage/?list=published&exam={a_corrected_report.number}"
    page: Any = open_page(address, a_chief, size=size, theme=theme)

    picture(page, f"publishing-manage-{name}-{theme}")
    check_accessibility(page)

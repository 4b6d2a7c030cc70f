"""The list and the scanner's side of it (clause 4.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from hevesy.desks.technologist import boards
from hevesy.desks.technologist.tests.conftest import HTMX
from hevesy.records.doses.models import DoseRequest
from hevesy.records.exams.actions import move_step

pytestmark = [pytest.mark.django_db, pytest.mark.clause("4.1")]


@pytest.fixture
def technologist(a_technologist, actor_for):
    return actor_for(a_technologist)


@pytest.fixture
def given(ready, technologist):
    """`given("孙秀珍", minutes=40)`: injected so many minutes ago."""

    def make(name, minutes):
        step = ready(name)
        move_step(technologist, step, "administer", at=timezone.now() - timedelta(minutes=minutes))
        return step

    return make


def test_the_row_shows_what_comes_next(ready, drawn, technologist):
    step = ready()
    assert boards.row(technologist, step.exam.number).act.word == "申请药物"
    drawn(step)
    act = boards.row(technologist, step.exam.number).act
    assert act.word == "给药核对" and act.dialog


def test_a_dose_is_asked_for_once(ready, a_technologist, client_of):
    step = ready()
    client = client_of(a_technologist)
    url = reverse("technologist:request", args=[step.pk])
    for _press in range(2):
        page = client.post(url, headers=HTMX).content.decode()
    assert "已申请" in page and DoseRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("minutes", "tone", "word"),
    [(20, "", "上机"), (60, "", "上机"), (68, "is-amber", "上机"), (90, "is-red", "上机")],
)
def test_the_uptake_window_colours_the_row(given, technologist, minutes, tone, word):
    step = given("孙秀珍", minutes)
    row = boards.row(technologist, step.exam.number)
    assert row.tone == tone and row.act.word == word
    assert row.act.dialog == (not 55 <= minutes <= 75)


def test_windows_that_close_first_stand_first(given, ready, technologist):
    later, sooner, waiting = given("甲", 20), given("乙", 50), ready("丙")
    rows = boards.rows(technologist)
    assert [row.exam.pk for row in rows] == [sooner.exam_id, later.exam_id, waiting.exam_id]


def test_starting_outside_the_window_wants_a_reason_that_stays(given, a_technologist, client_of):
    step = given("孙秀珍", 20)
    client = client_of(a_technologist)
    url = reverse("technologist:start", args=[step.pk])
    assert "原因" in client.get(url, headers=HTMX).content.decode()
    assert client.post(url, {"reason": ""}, headers=HTMX).status_code == 409
    client.post(url, {"reason": "患者不能久等"}, headers=HTMX)
    step.refresh_from_db()
    assert step.state == "acquiring"
    assert step.exam.timeline.filter(event="step.start").get().reason == "患者不能久等"


def test_start_and_finish_by_hand_and_take_back(given, a_technologist, client_of):
    step = given("孙秀珍", 60)
    client = client_of(a_technologist)
    for name, state in [("start", "acquiring"), ("finish", "acquired")]:
        client.post(reverse(f"technologist:{name}", args=[step.pk]), headers=HTMX)
        step.refresh_from_db()
        assert step.state == state
    back = reverse("technologist:move", args=[step.pk, "back"])
    assert client.post(back, {"reason": ""}).status_code == 409
    client.post(back, {"reason": "患者移动，重扫"})
    step.refresh_from_db()
    assert step.state == "acquiring"


def test_the_page_shows_tabs_rows_and_the_side_panel(given, ready, a_technologist, client_of):
    step = given("孙秀珍", 60)
    ready("陈建国")
    client = client_of(a_technologist)
    page = client.get(reverse("technologist:worklist")).content.decode()
    for text in ("技师工作站", "孙秀珍", "陈建国", "进行中", "给药核对", step.exam.number):
        assert text in page
    side = client.get(reverse("technologist:side", args=[step.exam.number]), headers=HTMX)
    assert "孙秀珍" in side.content.decode()
    assert client.get(reverse("technologist:side", args=["PT00-0"])).status_code == 404


def test_pages_cost_the_same_for_five_patients_as_for_one(
    ready, drawn, a_technologist, client_of, django_assert_max_num_queries
):
    client = client_of(a_technologist)
    drawn(ready("甲"))
    client.get(reverse("technologist:rows"))
    for name in "乙丙丁戊":
        drawn(ready(name))
    with django_assert_max_num_queries(16):
        client.get(reverse("technologist:rows"))


def test_a_nurse_sees_the_list_and_may_not_start_the_scanner(given, a_nurse, a_student, client_of):
    step = given("孙秀珍", 60)
    client = client_of(a_nurse)
    assert client.get(reverse("technologist:worklist")).status_code == 200
    assert client.post(reverse("technologist:start", args=[step.pk])).status_code == 403
    assert client_of(a_student).get(reverse("technologist:worklist")).status_code == 403

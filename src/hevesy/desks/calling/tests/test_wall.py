"""The wall screen: masked names, the call, and a voice that is known to be heard (clauses 3.3, 3.4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from hevesy.foundation.stations.middleware import COOKIE, token_hash
from hevesy.foundation.stations.models import Station
from hevesy.records.catalogue.models import Room
from hevesy.records.equipment.models import Device
from hevesy.records.queues import actions
from hevesy.records.queues.models import Screen, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.clause("3.3")]


@pytest.fixture
def a_screen_on_the_wall() -> Client:
    """The browser of a registered wall screen: nobody is logged in there."""
    Station.objects.create(
        code="tv-1", name="候诊大屏", kind="screen", token_hash=token_hash("secret")
    )
    client = Client()
    client.cookies[COOKIE] = "secret"
    return client


@pytest.fixture
def call(arrived, queues, actor_for, a_nurse):
    """`call("陈建国")`: somebody is called to the interview room."""

    def make(name):
        arrived(name)
        return actions.call_next(
            actor_for(a_nurse), queues["interview"], Room.objects.get(code="interview-1")
        )

    return make


def test_a_screen_shows_number_and_masked_name_and_nothing_else_of_the_patient(
    call, a_screen_on_the_wall
):
    ticket = call("陈建国")
    page = a_screen_on_the_wall.get(reverse("calling:wall", args=["waiting"])).content.decode()
    assert "I001" in page and "陈*国" in page and "请到 问诊室" in page
    for secret in ("陈建国", ticket.exam.number, ticket.exam.patient.patient_id):
        assert secret not in page


def test_who_came_in_is_not_called_any_more(call, a_screen_on_the_wall, actor_for, a_nurse):
    ticket = call("陈建国")
    body = reverse("calling:wall-body", args=["waiting"])
    actions.serve(actor_for(a_nurse), ticket)
    page = a_screen_on_the_wall.get(body).content.decode()
    assert "is-idle" in page and "陈*国" in page


def test_an_old_call_is_not_shown_as_the_current_one(call, a_screen_on_the_wall, tuesday_morning):
    call("陈建国")
    body = reverse("calling:wall-body", args=["waiting"])
    assert "data-spoken" in a_screen_on_the_wall.get(body).content.decode()
    tuesday_morning.shift(timedelta(seconds=40))
    page = a_screen_on_the_wall.get(body).content.decode()
    assert "data-spoken" not in page and "is-idle" not in page
    tuesday_morning.shift(timedelta(minutes=4))
    assert "is-idle" in a_screen_on_the_wall.get(body).content.decode()


@pytest.mark.clause("3.4")
def test_the_voice_says_digits_one_by_one_and_the_surname_rightly(call, a_screen_on_the_wall):
    call("单雄信")
    page = a_screen_on_the_wall.get(reverse("calling:wall", args=["waiting"])).content.decode()
    assert "请 I 零 零 幺 号，善先生，到 问诊室，问诊。" in page


def test_who_rests_sees_how_long(arrived, queues, a_screen_on_the_wall):
    exam = arrived("欧阳雪")
    exam.visit_state = "interviewed"
    exam.save()
    exam.steps.update(state="administered", administered_at=timezone.now() - timedelta(minutes=20))
    actions.follow(exam)
    page = a_screen_on_the_wall.get(reverse("calling:wall", args=["waiting"])).content.decode()
    assert "欧阳*" in page and "约 40 分钟" in page


def test_a_device_that_is_down_says_so(queues, a_screen_on_the_wall):
    Device.objects.filter(code="pet-ct-1").update(availability="down")
    page = a_screen_on_the_wall.get(reverse("calling:wall", args=["scan-pet-ct"])).content.decode()
    assert "设备检修中" in page


def test_the_desk_knows_whether_the_screen_is_heard(
    queues, a_screen_on_the_wall, a_nurse, client_of
):
    a_screen_on_the_wall.post(
        reverse("calling:wall-report", args=["waiting"]), {"sound": "blocked"}
    )
    assert Screen.objects.get(code="waiting").sound == "blocked"
    page = client_of(a_nurse).get(reverse("calling:screens")).content.decode()
    assert "请点一下屏幕" in page
    Screen.objects.update(seen_at=timezone.now() - timedelta(minutes=5))
    assert "离线" in client_of(a_nurse).get(reverse("calling:screens")).content.decode()


def test_a_screen_starts_on_its_own_wall_and_strangers_see_nothing(
    queues, a_screen_on_the_wall, a_clinician, client_of
):
    assert a_screen_on_the_wall.get(reverse("calling:first-wall")).url == reverse(
        "calling:wall", args=["waiting"]
    )
    url = reverse("calling:wall", args=["waiting"])
    assert Client().get(url).status_code == 302
    assert client_of(a_clinician).get(url).status_code == 403
    assert a_screen_on_the_wall.get(reverse("calling:desk")).status_code in (302, 401, 403)
    assert a_screen_on_the_wall.get(reverse("calling:wall", args=["nowhere"])).status_code == 404
    assert not Ticket.objects.exists()

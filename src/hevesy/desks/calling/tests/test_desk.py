"""Triage, the panel of other desks, and announcements (clauses 3.2, 3.4, 3.5)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from hevesy.records.queues import states
from hevesy.records.queues.models import Call, Ticket

pytestmark = [pytest.mark.django_db, pytest.mark.clause("3.5")]

HTMX = {"HX-Request": "true"}


def test_the_desk_shows_every_queue_with_its_rooms_and_patients(arrived, a_nurse, client_of):
    arrived("陈建国")
    page = client_of(a_nurse).get(reverse("calling:desk")).content.decode()
    for text in ("分诊叫号", "I001", "陈建国", "问诊室", "注射室1", "叫下一位"):
        assert text in page


def test_pages_cost_the_same_for_three_patients_as_for_one(
    arrived, a_nurse, client_of, django_assert_max_num_queries
):
    client = client_of(a_nurse)
    arrived("甲")
    client.get(reverse("calling:queues"))
    for name in "乙丙":
        arrived(name)
    with django_assert_max_num_queries(14):
        client.get(reverse("calling:queues"))


def test_calling_serving_and_finishing_by_the_buttons(arrived, a_nurse, client_of):
    arrived("陈建国")
    client = client_of(a_nurse)
    answer = client.post(
        reverse("calling:next", args=["interview"]), {"room": "interview-1"}, headers=HTMX
    )
    assert "已呼叫" in answer.content.decode()
    ticket = Ticket.objects.get()
    for move, state in [
        ("serve", states.SERVING),
        ("back", states.WAITING),
        ("hold", states.HELD),
        ("back", states.WAITING),
        ("call", states.CALLED),
        ("miss", states.MISSED),
    ]:
        client.post(
            reverse("calling:act", args=[ticket.pk, move]), {"room": "interview-1"}, headers=HTMX
        )
        ticket.refresh_from_db()
        assert ticket.state == state, move


def test_without_scripts_the_buttons_lead_back_to_the_desk(arrived, a_nurse, client_of):
    arrived("陈建国")
    answer = client_of(a_nurse).post(
        reverse("calling:next", args=["interview"]), {"room": "interview-1"}
    )
    assert answer.status_code == 302 and answer.url == reverse("calling:desk")
    assert Ticket.objects.get().state == states.CALLED


def test_a_refusal_is_told_and_changes_nothing(arrived, a_nurse, client_of):
    client = client_of(a_nurse)
    answer = client.post(
        reverse("calling:next", args=["injection"]), {"room": "injection-1"}, headers=HTMX
    )
    assert answer.status_code == 409
    arrived("陈建国")
    ticket = Ticket.objects.get()
    assert client.post(reverse("calling:act", args=[ticket.pk, "miss"])).status_code == 409
    assert client.post(reverse("calling:act", args=[ticket.pk, "delete"])).status_code == 404
    jump = client.post(reverse("calling:act", args=[ticket.pk, "jump"]), {"reason": " "})
    assert jump.status_code == 409


def test_the_panel_remembers_the_room_of_this_workstation(arrived, a_nurse, client_of):
    client = client_of(a_nurse)
    url = reverse("calling:panel", args=["injection"])
    client.get(url, {"room": "injection-2"})
    panel = client.get(url).content.decode()
    assert 'value="injection-2"' in panel
    assert client.get(reverse("calling:panel", args=["nowhere"])).status_code == 404


@pytest.mark.clause("3.4")
def test_a_phrase_is_announced(arrived, a_nurse, client_of):
    arrived("陈建国")
    client = client_of(a_nurse)
    url = reverse("calling:announce")
    client.post(url, {"to": "injection", "phrase": "drink-water"}, headers=HTMX)
    assert Call.objects.get().text == "已注射的患者请饮水五百毫升"
    assert client.post(url, {"to": "injection", "text": ""}, headers=HTMX).status_code == 409


def test_who_may_only_look_gets_no_buttons(arrived, a_doctor, an_auditor, client_of):
    arrived("陈建国")
    client = client_of(a_doctor)
    assert "叫下一位" not in client.get(reverse("calling:desk")).content.decode()
    url = reverse("calling:next", args=["interview"])
    assert client.post(url, {"room": "interview-1"}).status_code == 403
    assert client_of(an_auditor).get(reverse("calling:desk")).status_code == 403

"""One workstation per person, idle time-out, longest time, paired phones (clause 10.1; reliability D5)."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from hevesy.foundation.accounts import actions, sessions
from hevesy.foundation.accounts.actors import Actor, Refused, system_actor
from hevesy.foundation.accounts.models import LoginSession, Role
from hevesy.foundation.accounts.pairing import make_code
from hevesy.foundation.accounts.testing import PASSWORD
from hevesy.foundation.audit.models import AuditEvent

STATE = "/account/session/"
ASK_JSON = {"HTTP_ACCEPT": "application/json"}
ADMIN = system_actor("test", "accounts.manage")


def live(user):
    return LoginSession.objects.filter(user=user, ended_at=None)


def why(browser):
    """What the next request of this browser is told: the reason, or `live`."""
    answer = browser.get(STATE, **ASK_JSON)
    return answer.json().get("reason", "live") if answer.status_code == 401 else "live"


@pytest.mark.clause("10.1")
def test_a_second_login_displaces_the_first_and_tells_it_where(a_nurse, client_of):
    first = client_of(a_nurse)
    second = client_of(a_nurse, REMOTE_ADDR="10.1.2.3")

    assert why(first) == "displaced"
    assert why(second) == "live"
    assert live(a_nurse).count() == 1


@pytest.mark.clause("10.1")
def test_the_displaced_fragment_leaves_its_page(a_nurse, client_of):
    first = client_of(a_nurse)
    client_of(a_nurse)

    answer = first.get(STATE, HTTP_HX_REQUEST="true")

    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/account/ended/"


@pytest.mark.clause("10.1")
def test_of_many_requests_at_the_end_the_last_still_knows_the_reason(a_nurse, client_of, travel):
    page, live_list = client_of(a_nurse), Client()
    live_list.cookies.update(page.cookies)
    travel.shift(timedelta(minutes=31))

    live_list.get("/account/me/")
    page.get("/account/me/", headers={"Accept": "application/json"})

    assert 'data-ended="idle"' in page.get("/account/ended/").content.decode()


@pytest.mark.clause("10.1")
def test_the_database_refuses_a_second_workstation(a_nurse):
    LoginSession.objects.create(user=a_nurse, key_hash="a")

    with pytest.raises(IntegrityError), transaction.atomic():
        LoginSession.objects.create(user=a_nurse, key_hash="b")
    LoginSession.objects.create(user=a_nurse, key_hash="c", kind="phone")


@pytest.mark.clause("10.1")
def test_somebody_who_does_nothing_is_logged_out(a_nurse, client_of, travel):
    browser = client_of(a_nurse)

    travel.shift(timedelta(minutes=29))
    assert why(browser) == "live"
    travel.shift(timedelta(minutes=2))
    assert why(browser) == "idle"


def test_work_keeps_a_session_alive_and_polling_does_not(a_nurse, client_of, travel):
    browser = client_of(a_nurse)
    for _half_hour in range(3):
        travel.shift(timedelta(minutes=25))
        assert browser.post("/account/session/stay/").status_code == 204

    for _quarter in range(3):
        travel.shift(timedelta(minutes=9))
        browser.get(STATE, **ASK_JSON)
        browser.post("/account/session/stay/", HTTP_X_HEVESY_PASSIVE="1")
        browser.get("/account/ended/", HTTP_ACCEPT="text/event-stream")
    travel.shift(timedelta(minutes=4))

    assert why(browser) == "idle"


def test_the_most_generous_role_decides_how_long_a_session_may_lie(a_nurse, client_of, travel):
    a_nurse.roles.add(Role.objects.get(key="doctor"))
    browser = client_of(a_nurse)

    travel.shift(timedelta(minutes=59))
    assert why(browser) == "live"
    travel.shift(timedelta(minutes=2))
    assert why(browser) == "idle"


def test_twelve_hours_are_the_longest_whatever_one_does(a_nurse, client_of, travel):
    browser = client_of(a_nurse)
    for _quarter in range(47):
        travel.shift(timedelta(minutes=15))
        browser.post("/account/session/stay/")
    assert why(browser) == "live"

    travel.shift(timedelta(minutes=16))

    assert browser.get(STATE, **ASK_JSON).status_code in (302, 401)
    assert not live(a_nurse).exists() or sessions.ends_at(live(a_nurse).get()) <= timezone.now()


def test_logging_in_gives_the_browser_a_new_key_and_out_kills_the_old(a_nurse, client):
    client.get("/account/ended/")
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    planted = session.session_key

    answer = client.post("/account/login/", {"username": "nurse", "password": PASSWORD})

    assert answer.status_code == 302
    key = client.session.session_key
    assert key != planted
    client.post("/account/logout/")
    thief = Client()
    thief.cookies["sessionid"] = key
    assert thief.get(STATE, **ASK_JSON).status_code == 401
    assert LoginSession.objects.get(user=a_nurse).end_reason == "logout"


def test_a_stolen_key_of_an_ended_session_opens_nothing(a_nurse, client_of):
    browser = client_of(a_nurse)
    thief = Client()
    thief.cookies["sessionid"] = browser.session.session_key

    actions.set_active(ADMIN, a_nurse, False)

    assert why(thief) == "inactive"


def test_new_roles_and_a_reset_password_end_every_session(a_nurse, client_of):
    browser = client_of(a_nurse)
    actions.set_roles(ADMIN, a_nurse, ["technologist"])
    assert why(browser) == "rights"

    browser = client_of(a_nurse)
    actions.reset_password(ADMIN, a_nurse)
    assert why(browser) == "password"


def test_changing_my_own_password_keeps_this_browser_and_ends_my_phone(a_nurse, client_of):
    browser = client_of(a_nurse)
    old_key = browser.session.session_key
    phone = paired_phone(a_nurse)

    answer = browser.post(
        "/account/me/password/",
        {"present": PASSWORD, "new": "Another-glow-19", "again": "Another-glow-19"},
    )

    assert answer.status_code == 302, answer.content.decode()
    assert why(browser) == "live"
    assert why(phone) == "password"
    assert browser.session.session_key != old_key


def test_taking_a_right_from_a_role_ends_the_sessions_of_its_holders(a_nurse, a_doctor, client_of):
    nurse, doctor = client_of(a_nurse), client_of(a_doctor)
    role = Role.objects.get(key="nurse")

    actions.change_role(
        ADMIN,
        role,
        permissions=set(role.permissions) - {"doses.administer"},
        idle_minutes=20,
    )

    assert why(nurse) == "rights"
    assert why(doctor) == "live"


def paired_phone(user):
    code = make_code(Actor(user=user), live(user).get(kind="workstation"))
    phone = Client(REMOTE_ADDR="10.9.9.9")
    assert phone.post(f"/account/join/{code}/").status_code == 302
    return phone


@pytest.mark.clause("10.1")
def test_a_paired_phone_displaces_nobody_and_ends_with_its_workstation(a_nurse, client_of):
    workstation = client_of(a_nurse)
    phone = paired_phone(a_nurse)
    assert (why(workstation), why(phone)) == ("live", "live")

    workstation.post("/account/logout/")

    assert why(phone) == "workstation"


def test_a_pairing_code_works_once_and_not_late(a_nurse, client_of, travel):
    client_of(a_nurse)
    mine = Actor(user=a_nurse)
    session = live(a_nurse).get()
    used, late = make_code(mine, session), make_code(mine, session)
    Client().post(f"/account/join/{used}/")

    assert Client().post(f"/account/join/{used}/").status_code == 409
    travel.shift(timedelta(minutes=4))
    assert Client().post(f"/account/join/{late}/").status_code == 409


def test_nobody_shows_a_code_for_another_person_or_from_a_phone(a_nurse, a_doctor, client_of):
    client_of(a_nurse)
    phone = paired_phone(a_nurse)

    with pytest.raises(Refused):
        make_code(Actor(user=a_doctor), live(a_nurse).get(kind="workstation"))
    assert phone.post("/account/me/phone/").status_code == 409


def test_another_person_s_session_cannot_be_ended_from_my_profile(a_nurse, a_doctor, client_of):
    client_of(a_doctor)
    foreign = live(a_doctor).get()

    assert client_of(a_nurse).post(f"/account/me/sessions/{foreign.pk}/end/").status_code == 404
    assert live(a_doctor).exists()


def test_logins_and_their_ends_are_in_the_audit_trail(a_nurse, client_of):
    client_of(a_nurse)
    client_of(a_nurse)

    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", "details__reason"))
    assert verbs == [
        ("account.login", None),
        ("account.logout", "displaced"),
        ("account.login", None),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.clause("10.1")
def test_of_many_logins_at_the_same_moment_exactly_one_lives(a_nurse):
    barrier = threading.Barrier(6)

    def log_in(number):
        barrier.wait()
        try:
            sessions.open_session(Actor(user=a_nurse), session_key=f"key-{number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=log_in, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert LoginSession.objects.filter(user=a_nurse).count() == 6
    assert live(a_nurse).count() == 1

"""The login page: lock-out, redirects, and what a stranger can learn (D1, D6, D13, D14)."""

import statistics
import time
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client, override_settings

from hevesy.foundation.accounts import actions
from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import LoginSession
from hevesy.foundation.accounts.testing import PASSWORD
from hevesy.foundation.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
LOGIN = "/account/login/"


def attempt(username="nurse", password="wrong", client=None, **headers):
    client = client or Client()
    return client.post(LOGIN, {"username": username, "password": password}, **headers)


def shown(answer):
    """The sentence that the login page shows."""
    return str(answer.context["refusal"] or answer.context["form"].non_field_errors())


def test_the_right_password_opens_the_page_that_was_asked_for(a_nurse, client):
    answer = client.post(
        LOGIN, {"username": "nurse", "password": PASSWORD, "next": "/account/me/?a=1"}
    )

    assert (answer.status_code, answer["Location"]) == (302, "/account/me/?a=1")
    assert LoginSession.objects.get().user == a_nurse


def test_login_names_are_taken_in_every_spelling(a_nurse):
    for name in ("NURSE", " nurse ", "ｎｕｒｓｅ"):
        assert attempt(name, PASSWORD).status_code == 302


def test_wrong_password_unknown_name_and_closed_account_look_the_same(a_nurse, a_doctor):
    a_doctor.is_active = False
    a_doctor.save()

    answers = [attempt(), attempt("nobody"), attempt("doctor", PASSWORD), attempt("", "")]

    assert [answer.status_code for answer in answers] == [400] * 4
    assert len({shown(answer) for answer in answers[:3]}) == 1


def test_five_wrong_passwords_lock_the_account_for_half_an_hour(a_nurse, travel):
    first_node, second_node = Client(REMOTE_ADDR="10.0.0.1"), Client(REMOTE_ADDR="10.0.0.2")
    for node in (first_node, second_node, first_node, second_node):
        assert attempt(client=node).status_code == 400

    answers = [attempt(client=first_node), attempt("nurse", PASSWORD, client=second_node)]

    assert [answer.status_code for answer in answers] == [429, 429]
    assert not LoginSession.objects.exists()
    travel.shift(timedelta(minutes=31))
    assert attempt("nurse", PASSWORD).status_code == 302


def test_an_unknown_name_is_locked_with_the_same_words(a_nurse):
    for _try in range(5):
        known, unknown = attempt("nurse"), attempt("nobody")

    assert (known.status_code, unknown.status_code) == (429, 429)
    assert shown(known) == shown(unknown)


def test_spellings_of_one_name_are_counted_together(a_nurse):
    for name in ("nurse", "Nurse", "NURSE", " nurse", "ｎｕｒｓｅ"):
        answer = attempt(name)

    assert answer.status_code == 429


def test_other_people_at_the_same_pc_are_not_locked(a_nurse, a_doctor):
    for _try in range(5):
        attempt("nurse")

    assert attempt("doctor", PASSWORD).status_code == 302


def test_success_forgets_earlier_mistakes_and_the_administrator_unlocks(a_nurse):
    for _try in range(4):
        attempt()
    assert attempt("nurse", PASSWORD).status_code == 302
    for _try in range(5):
        attempt()
    assert attempt("nurse", PASSWORD).status_code == 429

    actions.unlock(system_actor("test", "accounts.manage"), a_nurse)

    assert attempt("nurse", PASSWORD).status_code == 302


def test_failures_are_audited_without_the_password(a_nurse):
    attempt("nurse", "my-secret-try")

    row = AuditEvent.objects.get(verb="account.login", outcome="refused")
    assert row.actor_name == "nurse"
    assert "my-secret-try" not in str(vars(row))


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "\\\\evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "///evil.example",
        "\thttps://evil.example",
    ],
)
def test_login_never_leads_to_another_site(a_nurse, client, target):
    answer = client.post(LOGIN, {"username": "nurse", "password": PASSWORD, "next": target})

    assert answer["Location"] == "/"


def test_line_ends_in_the_target_make_no_header(a_nurse, client):
    answer = client.post(
        LOGIN, {"username": "nurse", "password": PASSWORD, "next": "/x\r\nSet-Cookie: a=b"}
    )

    assert "\n" not in answer["Location"]
    assert "a" not in answer.cookies


def test_a_foreign_host_header_gets_400(client):
    with override_settings(ALLOWED_HOSTS=["hevesy.hospital"]):
        assert client.get(LOGIN, HTTP_HOST="evil.example").status_code == 400
        assert client.get(LOGIN, HTTP_HOST="hevesy.hospital").status_code == 200


def test_forwarding_headers_of_a_stranger_are_not_believed(a_nurse, client):
    client.post(
        LOGIN,
        {"username": "nurse", "password": PASSWORD},
        HTTP_X_FORWARDED_FOR="1.2.3.4",
        HTTP_X_REAL_IP="1.2.3.4",
    )

    assert LoginSession.objects.get().address == "127.0.0.1"
    assert not {key for key in vars(AuditEvent.objects.first()).values() if key == "1.2.3.4"}


@pytest.mark.parametrize(("header", "status"), [("X-CSRFToken", 400), ("X_CSRFToken", 403)])
def test_a_header_with_an_underscore_is_not_the_one_with_a_hyphen(
    a_nurse, site, client, header, status
):
    """A proxy takes away what it must not pass on by its name with hyphens (D14)."""
    token = client.get(LOGIN).cookies["csrftoken"].value
    connection = HTTPConnection(urlsplit(site).netloc, timeout=15)

    connection.request(
        "POST",
        LOGIN,
        "username=nurse&password=wrong",
        {
            "Cookie": f"csrftoken={token}",
            "Content-Type": "application/x-www-form-urlencoded",
            header: token,
        },
    )

    assert connection.getresponse().status == status
    connection.close()


def test_extra_fields_are_ignored(a_nurse, client):
    client.post(
        LOGIN,
        {
            "username": "nurse",
            "password": PASSWORD,
            "is_superuser": "1",
            "is_active": "0",
            "roles": "head",
        },
    )

    a_nurse.refresh_from_db()
    assert a_nurse.is_active
    assert [role.key for role in a_nurse.roles.all()] == ["nurse"]


def test_the_login_form_needs_its_csrf_token(a_nurse):
    strict = Client(enforce_csrf_checks=True)

    assert attempt("nurse", PASSWORD, client=strict).status_code == 403


def test_pages_after_login_are_not_kept_by_the_browser(client):
    assert "no-store" in client.get(LOGIN)["Cache-Control"]


def test_the_cookie_is_closed_to_scripts_and_other_sites(a_nurse, client):
    client.post(LOGIN, {"username": "nurse", "password": PASSWORD})

    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_displaced_browser_reads_who_when_and_where(a_nurse, client_of):
    first = client_of(a_nurse)
    attempt("nurse", PASSWORD, REMOTE_ADDR="10.7.7.7")

    page = first.get("/account/me/")

    assert page.status_code == 401
    text = page.content.decode()
    assert "10.7.7.7" in text
    assert 'data-ended="displaced"' in text
    assert first.get("/account/ended/").status_code == 200


@override_settings(
    PASSWORD_HASHERS=["hevesy.foundation.accounts.hashing.QueuedArgon2PasswordHasher"],
    AXES_ENABLED=False,
)
@pytest.mark.soak
def test_time_does_not_tell_whether_an_account_exists(a_nurse):
    """D1: the difference of the medians is below 20 %."""
    a_nurse.set_password(PASSWORD)
    a_nurse.save()

    def seconds(name):
        begun = time.perf_counter()
        attempt(name)
        return time.perf_counter() - begun

    pairs = [(seconds("nurse"), seconds("nobody")) for _try in range(9)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))

    assert abs(known - unknown) / known < 0.2

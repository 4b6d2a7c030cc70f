"""The pages of the security administrator and of one's own account, as a browser uses them."""

import re

import pytest

from hevesy.foundation.accounts.models import ApiToken, LoginSession, Role, User
from hevesy.foundation.accounts.testing import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(a_secadmin, client_of):
    return client_of(a_secadmin)


def test_a_new_person_gets_a_password_that_works_and_must_be_changed(office, client):
    page = office.post(
        "/account/people/new/",
        {"username": "Zhang", "name_zh": "张伟", "name_latin": "Zhang Wei", "roles": ["nurse"]},
    )

    password = page.context["new_password"]
    assert password in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    client.post("/account/login/", {"username": "zhang", "password": password})
    assert client.get("/account/me/")["Location"] == "/account/me/password/"
    forced = client.get("/account/me/password/")
    assert forced.status_code == 200

    changed = client.post(
        "/account/me/password/",
        {"present": password, "new": "Molybdenum-99-cow", "again": "Molybdenum-99-cow"},
    )

    assert changed["Location"] == "/account/me/"
    assert client.get("/account/me/").status_code == 200


def test_a_taken_name_keeps_what_was_typed(office, a_nurse):
    page = office.post(
        "/account/people/new/", {"username": "nurse", "name_zh": "另一位", "roles": ["nurse"]}
    )

    assert page.status_code == 400
    assert "另一位" in page.content.decode()


@pytest.mark.clause("1.7")
def test_roles_are_given_on_the_page_and_nothing_else_comes_along(office, a_nurse):
    office.post(
        f"/account/people/{a_nurse.pk}/roles/",
        {"roles": ["technologist"], "is_active": "0", "password": "x", "is_demo": "1"},
    )

    a_nurse.refresh_from_db()
    assert [role.key for role in a_nurse.roles.all()] == ["technologist"]
    assert a_nurse.is_active
    assert a_nurse.check_password(PASSWORD)
    assert not a_nurse.is_demo


def test_correcting_a_name_changes_no_login_name(office, a_nurse):
    office.post(
        f"/account/people/{a_nurse.pk}/",
        {"name_zh": "刘敏敏", "title": "主管护师", "username": "root"},
    )

    a_nurse.refresh_from_db()
    assert (a_nurse.name_zh, a_nurse.title, a_nurse.username) == ("刘敏敏", "主管护师", "nurse")


def test_people_are_found_by_name_login_name_and_role(office, a_nurse, a_doctor):
    def found(query):
        page = office.get("/account/people/" + query, HTTP_HX_REQUEST="true")
        return {person.username for person in page.context["people"]}

    assert found("?q=刘") == {"nurse"}
    assert found("?q=doc") == {"doctor"}
    assert found("?role=nurse") == {"nurse"}
    assert found("?q=%25") == set()


@pytest.mark.clause("1.7")
def test_closing_and_reopening_an_account(office, a_nurse, client):
    office.post(f"/account/people/{a_nurse.pk}/active/", {})
    assert (
        client.post("/account/login/", {"username": "nurse", "password": PASSWORD}).status_code
        == 400
    )
    assert a_nurse not in office.get("/account/people/").context["people"]
    assert a_nurse in office.get("/account/people/?closed=1").context["people"]

    office.post(f"/account/people/{a_nurse.pk}/active/", {"active": "1"})

    assert User.objects.get(pk=a_nurse.pk).is_active


def test_a_session_is_ended_by_hand(office, a_nurse, client_of):
    client_of(a_nurse)
    session = LoginSession.objects.get(user=a_nurse)

    office.post(f"/account/people/{a_nurse.pk}/sessions/{session.pk}/end/")

    session.refresh_from_db()
    assert session.end_reason == "closed"


@pytest.mark.clause("1.7")
def test_a_role_is_changed_on_its_page(office, a_nurse):
    role = Role.objects.get(key="nurse")
    page = office.post(
        "/account/roles/nurse/",
        {"permissions": [*role.permissions, "archive.view"], "idle_minutes": "45"},
    )

    assert page.status_code == 302
    role.refresh_from_db()
    assert "archive.view" in role.permissions
    assert role.idle_minutes == 45
    refused = office.post(
        "/account/roles/auditor/",
        {"permissions": ["audit.read", "reports.view"], "idle_minutes": "15"},
    )
    assert refused.status_code == 400


@pytest.mark.parametrize("minutes", ["0", "-5", "9999", "abc", ""])
def test_odd_minutes_are_refused(office, a_nurse, minutes):
    role = Role.objects.get(key="nurse")

    page = office.post(
        "/account/roles/nurse/", {"permissions": role.permissions, "idle_minutes": minutes}
    )

    assert page.status_code == 400
    role.refresh_from_db()
    assert role.idle_minutes == 30


def test_a_token_is_shown_once(office, a_nurse):
    page = office.post("/account/tokens/", {"user": "nurse", "name": "PACS bridge"})
    text = page.context["new_token"]

    assert text in page.content.decode()
    assert text not in office.get("/account/tokens/").content.decode()
    office.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert ApiToken.objects.get().revoked_at


def test_names_with_markup_are_shown_as_text(office, a_nurse):
    a_nurse.name_zh = "<script>alert(1)</script>"
    a_nurse.save()

    text = office.get("/account/people/").content.decode()

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_my_page_shows_my_roles_sessions_and_choices(a_nurse, client_of):
    browser = client_of(a_nurse)

    page = browser.get("/account/me/").content.decode()
    browser.post("/account/me/prefer/language/", {"value": "en"})
    browser.post("/account/me/prefer/letter_keys/", {"value": "off"})

    assert "护士" in page
    a_nurse.refresh_from_db()
    assert a_nurse.preferences == {"language": "en", "letter_keys": False}
    assert "My account" in browser.get("/account/me/").content.decode()


def test_the_phone_s_code_is_shown_as_a_drawing(a_nurse, client_of):
    page = client_of(a_nurse).post("/account/me/phone/")

    assert page.status_code == 200
    assert "<svg" in page.content.decode()


def test_the_matrix_of_rights_is_read_by_the_two_who_answer_for_it(
    a_secadmin, an_auditor, client_of
):
    for user in (a_secadmin, an_auditor):
        page = client_of(user).get("/account/roles/").content.decode()
        assert "administer radiopharmaceuticals" in page or "给药" in page


def test_the_rights_of_a_role_stand_in_groups_with_chinese_names(office, a_nurse):
    page = office.get("/account/roles/nurse/").content.decode()

    groups = re.findall(r"<legend[^>]*>([^<]+)", page)
    assert len(groups) > 10
    assert not [name for name in groups if name.isascii()]

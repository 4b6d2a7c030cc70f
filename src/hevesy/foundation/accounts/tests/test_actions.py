"""Making and changing accounts: what is refused, and what is left behind in the audit trail (D3, D9, D11)."""

import pytest
from django.test import override_settings

from hevesy.foundation.accounts import actions
from hevesy.foundation.accounts.actors import PermissionRefused, Refused, system_actor
from hevesy.foundation.accounts.models import Role, User
from hevesy.foundation.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
GOOD = "Technetium-99m!"


@pytest.fixture
def secadmin(a_secadmin, actor_for):
    return actor_for(a_secadmin)


def make(by, **more):
    fields = {"username": "zhang", "name_zh": "张伟", "password": GOOD, "roles": ["nurse"], **more}
    return actions.create_user(by, **fields)


def test_the_security_administrator_makes_an_account_and_it_is_audited(secadmin):
    user = make(secadmin)

    assert user.must_change_password
    assert user.check_password(GOOD)
    row = AuditEvent.objects.get(verb="account.create")
    assert row.details == {"username": "zhang", "roles": ["nurse"]}
    assert GOOD not in str(row.details)


@pytest.mark.parametrize("who", ["a_head", "a_sysadmin", "an_auditor", "a_nurse"])
def test_nobody_else_makes_accounts_or_gives_roles(who, request, actor_for, a_nurse):
    by = actor_for(request.getfixturevalue(who))

    with pytest.raises(PermissionRefused):
        make(by)
    with pytest.raises(PermissionRefused):
        actions.set_roles(by, a_nurse, ["head"])
    with pytest.raises(PermissionRefused):
        actions.reset_password(by, a_nurse)


@pytest.mark.parametrize("name", ["", "  ", "a b", "a|b", "../x", "x" * 61])
def test_odd_login_names_are_refused(secadmin, name):
    with pytest.raises(Refused):
        make(secadmin, username=name)


def test_a_login_name_is_taken_in_every_spelling(secadmin):
    make(secadmin)

    for spelling in ("zhang", "ZHANG", "ｚｈａｎｇ", " Zhang "):
        with pytest.raises(Refused):
            make(secadmin, username=spelling)


@pytest.mark.parametrize(
    "password",
    [
        "Short-1a",
        "onlysmallletters",
        "twokinds1234",
        "Zhang-2024-pass",
        "My-gnahz-77777",
        "Password123",
        "Password1234",
        "",
    ],
)
@pytest.mark.clause("10.12")
def test_weak_passwords_are_refused(secadmin, password):
    with pytest.raises(actions.WeakPassword):
        make(secadmin, password=password)
    assert not User.objects.filter(username="zhang").exists()


def test_none_of_the_last_five_passwords_comes_again(a_nurse, actor_for):
    mine = actor_for(a_nurse)
    passwords = [f"Isotope-number-{n}x" for n in range(6)]
    for password in passwords:
        actions.change_own_password(mine, password)

    for password in passwords[1:]:
        with pytest.raises(actions.WeakPassword):
            actions.change_own_password(mine, password)
    actions.change_own_password(mine, passwords[0])


def test_random_passwords_keep_the_rules(a_nurse):
    for _draw in range(50):
        actions.check_new_password(actions.random_password(), a_nurse)


@pytest.mark.clause("10.12")
def test_an_administrator_s_role_is_held_alone(secadmin, a_sysadmin, a_nurse):
    for roles in (["sysadmin", "auditor"], ["sysadmin", "secadmin"], ["auditor", "doctor"]):
        with pytest.raises(Refused):
            actions.set_roles(secadmin, a_nurse, roles)

    actions.set_roles(secadmin, a_sysadmin, ["auditor"])

    assert [role.key for role in a_sysadmin.roles.all()] == ["auditor"]


def test_nobody_changes_their_own_roles_or_closes_themselves(secadmin, a_secadmin):
    with pytest.raises(Refused):
        actions.set_roles(secadmin, a_secadmin, ["secadmin", "head"])
    with pytest.raises(Refused):
        actions.set_active(secadmin, a_secadmin, False)
    with pytest.raises(Refused):
        actions.reset_password(secadmin, a_secadmin)


def test_the_last_who_manages_accounts_stays(a_secadmin):
    console = system_actor("console", "accounts.manage")

    with pytest.raises(Refused):
        actions.set_active(console, a_secadmin, False)
    with pytest.raises(Refused):
        actions.set_roles(console, a_secadmin, ["nurse"])
    with pytest.raises(Refused):
        actions.change_role(
            console, Role.objects.get(key="secadmin"), permissions=[], idle_minutes=15
        )


@pytest.mark.clause("10.12")
def test_the_three_administrators_roles_cannot_gain_clinical_rights(secadmin):
    for key in ("sysadmin", "secadmin", "auditor"):
        role = Role.objects.get(key=key)
        with pytest.raises(Refused):
            actions.change_role(
                secadmin, role, permissions=[*role.permissions, "reports.view"], idle_minutes=15
            )


def test_rights_that_nobody_declared_are_refused(secadmin):
    role = Role.objects.get(key="auditor")

    with pytest.raises(Refused):
        actions.change_role(
            secadmin, role, permissions=["audit.read", "everything"], idle_minutes=15
        )


def test_a_role_s_change_says_what_was_given_and_taken(secadmin, a_nurse):
    role = Role.objects.get(key="nurse")

    actions.change_role(
        secadmin,
        role,
        permissions=(set(role.permissions) | {"archive.view"}) - {"queues.call"},
        idle_minutes=10,
    )

    row = AuditEvent.objects.get(verb="account.role.change")
    assert (row.details["given"], row.details["taken"]) == (["archive.view"], ["queues.call"])


def test_the_public_password_of_the_demo_needs_loopback(secadmin):
    user = make(secadmin, password="hevesy-demo", demo_password=True)
    assert user.is_demo
    assert user.check_password("hevesy-demo")

    with override_settings(DICOM_ADDRESS="0.0.0.0:11112"), pytest.raises(Refused):
        make(secadmin, username="other", password="hevesy-demo", demo_password=True)


def test_preferences_hold_only_what_is_offered(a_nurse, actor_for):
    mine = actor_for(a_nurse)
    actions.set_preference(mine, "language", "en")
    actions.set_preference(mine, "letter_keys", False)
    a_nurse.refresh_from_db()
    assert a_nurse.preferences == {"language": "en", "letter_keys": False}

    for name, value in (("language", "xx"), ("is_superuser", True), ("letter_keys", "yes")):
        with pytest.raises(Refused):
            actions.set_preference(mine, name, value)

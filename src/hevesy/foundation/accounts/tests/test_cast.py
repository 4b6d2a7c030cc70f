"""The cast of the test suite and the seeding of roles."""

import pytest
from django.db import IntegrityError, connection, transaction

from hevesy.foundation.accounts.models import Role, RoleHolding, User
from hevesy.foundation.accounts.seeding import run_seeders
from hevesy.foundation.accounts.testing import CAST, cast_member


@pytest.mark.django_db
def test_everybody_of_the_cast_has_an_account_with_the_seeded_role():
    for fixture, (username, role_key, _name) in CAST.items():
        member = cast_member(fixture)
        assert member.username == username
        assert [role.key for role in member.roles.all()] == [role_key]


def test_a_nurse_may_administer_and_a_clinician_may_not(a_nurse, a_clinician, actor_for):
    assert actor_for(a_nurse).may("doses.administer")
    assert not actor_for(a_clinician).may("doses.administer")


@pytest.mark.django_db
def test_a_second_seeding_makes_nothing():
    run_seeders(up_to=10)

    assert run_seeders(up_to=10) == []


@pytest.mark.django_db
def test_seeding_again_keeps_what_the_site_changed_and_brings_what_an_upgrade_adds():
    run_seeders(up_to=10)
    nurse = Role.objects.get(key="nurse")
    nurse.permissions = sorted({*nurse.permissions, "archive.view"} - {"exams.arrive"})
    nurse.delivered_permissions = [c for c in nurse.delivered_permissions if c != "queues.call"]
    nurse.permissions.remove("queues.call")
    nurse.save()

    run_seeders(up_to=10)

    nurse.refresh_from_db()
    assert "archive.view" in nurse.permissions
    assert "exams.arrive" not in nurse.permissions
    assert "queues.call" in nurse.permissions


@pytest.mark.clause("10.12")
def test_the_database_refuses_two_administrator_roles_on_one_person(a_sysadmin):
    with pytest.raises(IntegrityError), transaction.atomic():
        a_sysadmin.roles.add(Role.objects.get(key="auditor"))


@pytest.mark.clause("10.12")
def test_raw_sql_cannot_hide_the_group_of_a_role(a_sysadmin):
    auditor = Role.objects.get(key="auditor")
    insert = (
        "INSERT INTO accounts_roleholding (user_id, role_id, exclusive_group) VALUES (%s, %s, '')"
    )
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(insert, [a_sysadmin.pk, auditor.pk])


def test_a_role_that_joins_a_group_later_is_judged_too(a_sysadmin, a_nurse):
    a_sysadmin.roles.add(Role.objects.get(key="nurse"))

    with pytest.raises(IntegrityError), transaction.atomic():
        Role.objects.filter(key="nurse").update(exclusive_group="administrators")

    assert RoleHolding.objects.filter(user=a_nurse, exclusive_group="").exists()


def test_nobody_has_a_right_without_a_role(db):
    stranger = User.objects.create(username="nobody", name_zh="无名")

    assert stranger.permission_codes() == frozenset()

"""Pytest plugin: the cast. One person for each default role, logged-in clients, and actors for actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django.test import Client

    from hevesy.foundation.accounts.actors import Actor
    from hevesy.foundation.accounts.models import User

CAST: dict[str, tuple[str, str, str]] = {
    "a_registrar": ("registrar", "registrar", "陈静"),
    "a_nurse": ("nurse", "nurse", "刘敏"),
    "a_technologist": ("technologist", "technologist", "周强"),
    "an_interviewer": ("interviewer", "interviewer", "吴琳"),
    "a_doctor": ("doctor", "doctor", "林晓"),
    "a_chief": ("chief", "chief", "赵明远"),
    "another_chief": ("chief2", "chief", "孙立"),
    "a_head": ("head", "head", "郑国华"),
    "a_pharmacist": ("pharmacist", "pharmacist", "何蕾"),
    "another_pharmacist": ("pharmacist2", "pharmacist", "罗刚"),
    "a_physicist": ("physicist", "physicist", "高原"),
    "a_labtech": ("labtech", "labtech", "马丽"),
    "a_clinician": ("clinician", "clinician", "黄河"),
    "a_student": ("student", "student", "徐佳"),
    "an_expert": ("expert", "expert", "胡文"),
    "a_sysadmin": ("sysadmin", "sysadmin", "郭伟"),
    "a_secadmin": ("secadmin", "secadmin", "曹宁"),
    "an_auditor": ("auditor", "auditor", "邓洁"),
}
"""Fixture name → login name, role key, Chinese name."""

PASSWORD = "Glows-in-the-dark-18"
"""The password of everybody in the cast."""


def cast_member(fixture: str) -> User:
    """The person of that fixture name, made with the seeded role on first use."""
    from django.contrib.auth.hashers import make_password

    from hevesy.foundation.accounts.models import Role, User
    from hevesy.foundation.accounts.seeding import run_seeders

    username, role_key, name_zh = CAST[fixture]
    known = User.objects.filter(username=username).first()
    if known is not None:
        return known
    if not Role.objects.filter(key=role_key).exists():
        run_seeders(up_to=10)  # the roles alone: quick enough for every test
    user = User(username=username, name_zh=name_zh, password=make_password(PASSWORD))
    user.save()
    user.roles.add(Role.objects.get(key=role_key))
    return user


def _fixture(name: str) -> Any:
    @pytest.fixture(name=name)
    def member(db: None) -> User:
        return cast_member(name)

    member.__doc__ = f"{CAST[name][2]}, role {CAST[name][1]}."
    return member


for _name in CAST:
    globals()[_name] = _fixture(_name)


@pytest.fixture
def actor_for() -> Callable[..., Actor]:
    """`actor_for(user)`: the actor that a page of this user would pass to an action."""
    from hevesy.foundation.accounts.actors import Actor

    def make(user: User, **more: Any) -> Actor:
        return Actor(user=user, address="127.0.0.1", **more)

    return make


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """`client_of(user)`: a test client in which this user is logged in."""
    from django.test import Client

    def make(user: User, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def travel() -> Iterator[Any]:
    """The clock of the whole program, to be moved: `travel.shift(timedelta(minutes=31))`. It goes on ticking."""
    import time_machine

    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        yield clock

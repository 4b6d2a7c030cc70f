"""Acts on accounts: the only writers of people, roles and passwords. Each leaves one audit row."""

from __future__ import annotations

import secrets
import string
import unicodedata
from collections.abc import Iterable
from typing import Any

from axes.utils import reset as reset_login_failures
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts import sessions
from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.accounts.checks import listens_beyond_loopback
from hevesy.foundation.accounts.models import LoginSession, PastPassword, Role, User
from hevesy.foundation.accounts.permissions import DECLARED
from hevesy.foundation.accounts.tokens import issue_token, revoke_token
from hevesy.foundation.audit.actions import record

__all__ = ["issue_token", "revoke_token"]

PREFERENCES: dict[str, set[Any]] = {
    "language": {code for code, _name in settings.LANGUAGES},
    "letter_keys": {True, False},
}
"""What a person may prefer, and the values allowed."""


class AccountRefused(Refused):
    """An account cannot be made or changed like this."""


class WeakPassword(Refused):
    """The new password breaks a rule; the sentence names every broken one."""

    status = 400


def login_name(text: str) -> str:
    """A login name as it is stored and looked up: without blanks, full-width forms folded, small letters."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


@transaction.atomic
def create_user(
    by: Actor,
    *,
    username: str,
    name_zh: str,
    password: str | None = None,
    roles: Iterable[str | Role] = (),
    name_latin: str = "",
    title: str = "",
    demo_password: bool = False,
) -> User:
    """Make an account. A password given here must be changed at the first login; without one nobody can log in.

    `demo_password` takes the public password of the demo as it is, and only while nothing listens beyond loopback.
    """
    by.require("accounts.manage")
    username = login_name(username)
    if not username or len(username) > 60 or any(c.isspace() or c in "|/\\" for c in username):
        raise AccountRefused(_("Choose a login name of up to 60 characters without blanks."))
    if User.objects.filter(username=username).exists():
        raise AccountRefused(_("The login name %(name)s is taken.") % {"name": username})
    user = User(username=username, name_zh=name_zh, name_latin=name_latin, title=title)
    if demo_password:
        if listens_beyond_loopback():
            raise AccountRefused(
                _("Demo accounts are refused while the system listens beyond this machine.")
            )
        user.is_demo = True
        user.set_password(password)
    elif password is not None:
        check_new_password(password, user)
        user.set_password(password)
        user.must_change_password = True
    else:
        user.set_unusable_password()
    user.save()
    _hold(user, _roles(roles))
    record(by, "account.create", user, username=username, roles=[r.key for r in user.roles.all()])
    return user


@transaction.atomic
def change_person(by: Actor, user: User, *, name_zh: str, name_latin: str, title: str) -> User:
    """Correct the names and title of an account."""
    by.require("accounts.manage")
    user = User.objects.select_for_update().get(pk=user.pk)
    user.name_zh, user.name_latin, user.title = name_zh, name_latin, title
    user.save(update_fields=["name_zh", "name_latin", "title"])
    record(by, "account.change", user)
    return user


@transaction.atomic
def set_roles(by: Actor, user: User, roles: Iterable[str | Role]) -> User:
    """Give a person exactly these roles. The person's sessions end, so that no page keeps a right that was taken.

    Nobody changes the roles of their own account, and two roles of one exclusive group are refused.
    """
    by.require("accounts.manage")
    if by.user is not None and by.user.pk == user.pk:
        raise AccountRefused(_("Another administrator must change your own roles."))
    user = User.objects.select_for_update().get(pk=user.pk)
    before = sorted(role.key for role in user.roles.all())
    wanted = _roles(roles)
    _keep_an_administrator(user, wanted, user.is_active)
    _hold(user, wanted)
    after = sorted(role.key for role in wanted)
    if before != after:
        record(by, "account.roles", user, before=before, after=after)
        sessions.end_all_sessions(by, user, LoginSession.End.RIGHTS)
    return user


@transaction.atomic
def set_active(by: Actor, user: User, active: bool) -> User:
    """Close or reopen an account. Closing ends its sessions; its tokens stop at once. Nothing is deleted."""
    by.require("accounts.manage")
    if by.user is not None and by.user.pk == user.pk:
        raise AccountRefused(_("Another administrator must close your own account."))
    user = User.objects.select_for_update().get(pk=user.pk)
    _keep_an_administrator(user, list(user.roles.all()), active)
    if user.is_active != active:
        user.is_active = active
        user.save(update_fields=["is_active"])
        record(by, "account.open" if active else "account.close", user)
        if not active:
            sessions.end_all_sessions(by, user, LoginSession.End.INACTIVE)
    return user


@transaction.atomic
def reset_password(by: Actor, user: User) -> str:
    """Give an account a random password, shown once, that must be changed at the next login. Unlocks it as well."""
    by.require("accounts.manage")
    if by.user is not None and by.user.pk == user.pk:
        raise AccountRefused(_("Change your own password on your profile page."))
    user = User.objects.select_for_update().get(pk=user.pk)
    password = random_password()
    _store_password(user, password, must_change=True)
    record(by, "account.password.reset", user)
    sessions.end_all_sessions(by, user, LoginSession.End.PASSWORD)
    transaction.on_commit(lambda: reset_login_failures(username=user.username))
    return password


@transaction.atomic
def unlock(by: Actor, user: User) -> None:
    """Let a person try again who was locked out by wrong passwords."""
    by.require("accounts.manage")
    record(by, "account.unlock", user)
    reset_login_failures(username=user.username)


@transaction.atomic
def change_own_password(by: Actor, new_password: str, *, keep: LoginSession | None = None) -> User:
    """Choose a new password; every other session of the person ends."""
    assert by.user is not None
    user = User.objects.select_for_update().get(pk=by.user.pk)
    check_new_password(new_password, user)
    _store_password(user, new_password, must_change=False)
    record(by, "account.password.change", user)
    sessions.end_all_sessions(by, user, LoginSession.End.PASSWORD, keep=keep)
    return user


@transaction.atomic
def set_preference(by: Actor, name: str, value: Any) -> User:
    """Keep how a person likes the pages: language, letter keys."""
    assert by.user is not None
    if name not in PREFERENCES or value not in PREFERENCES[name]:
        raise AccountRefused(_("There is no such choice."))
    user = User.objects.select_for_update().get(pk=by.user.pk)
    user.preferences = {**user.preferences, name: value}
    user.save(update_fields=["preferences"])
    record(by, "account.preference", user, name=name)
    return user


@transaction.atomic
def change_role(by: Actor, role: Role, *, permissions: Iterable[str], idle_minutes: int) -> Role:
    """Change what a role may do at this site. Sessions of everybody who holds it end if a right was taken.

    An administrator's role keeps to its own rights: none of the three may gain what another holds, or clinical rights.
    """
    by.require("accounts.manage")
    role = Role.objects.select_for_update().get(pk=role.pk)
    wanted = set(permissions)
    unknown = wanted - set(DECLARED)
    if unknown:
        raise AccountRefused(
            _("Unknown rights: %(codes)s.") % {"codes": ", ".join(sorted(unknown))}
        )
    if not 1 <= idle_minutes <= 480:
        raise AccountRefused(_("Choose between 1 and 480 minutes."))
    beyond = wanted - set(role.delivered_permissions)
    if role.exclusive_group and beyond:
        raise AccountRefused(
            _("The three administrators' roles cannot be widened: their duties are kept apart.")
        )
    before = set(role.permissions)
    if before - wanted and "accounts.manage" in before - wanted:
        raise AccountRefused(_("Somebody must be able to manage accounts."))
    role.permissions = sorted(wanted)
    role.idle_minutes = idle_minutes
    role.save(update_fields=["permissions", "idle_minutes"])
    record(
        by,
        "account.role.change",
        role,
        given=sorted(wanted - before),
        taken=sorted(before - wanted),
        idle_minutes=idle_minutes,
    )
    if before - wanted:
        for user in role.users.all():
            sessions.end_all_sessions(by, user, LoginSession.End.RIGHTS)
    return role


@transaction.atomic
def close_session(by: Actor, session: LoginSession) -> bool:
    """End one session by hand: one's own from the profile page, or anybody's by the security administrator."""
    if by.user is None or by.user.pk != session.user_id:
        by.require("accounts.manage")
    here = by.station.name if by.station else (by.address or "")
    return sessions.end_session(by, session, LoginSession.End.CLOSED, ended_from=here)


def check_new_password(password: str, user: User) -> None:
    """Raise `WeakPassword` with every rule that the password breaks."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error


def random_password() -> str:
    """Sixteen characters without look-alikes, of four kinds: to be read out once and then changed."""
    letters = [c for c in string.ascii_letters if c not in "lIOo"]
    digits = "23456789"
    body = [secrets.choice(letters) for _position in range(10)]
    ends = [
        secrets.choice("abcdefghkmn"),
        secrets.choice("ABCDEFGHKMN"),
        *(secrets.choice(digits) for _position in range(3)),
        secrets.choice("-+=%"),
    ]
    mixed = body + ends
    secrets.SystemRandom().shuffle(mixed)
    return "".join(mixed)


def _store_password(user: User, password: str, *, must_change: bool) -> None:
    if user.has_usable_password():
        PastPassword.objects.create(user=user, password=user.password)
    user.set_password(password)
    user.must_change_password = must_change
    user.password_changed_at = timezone.now()
    user.is_demo = False
    user.save(update_fields=["password", "must_change_password", "password_changed_at", "is_demo"])


def _roles(roles: Iterable[str | Role]) -> list[Role]:
    keys = [role.key if isinstance(role, Role) else role for role in roles]
    found = {role.key: role for role in Role.objects.filter(key__in=keys)}
    missing = sorted(set(keys) - set(found))
    if missing:
        raise AccountRefused(_("There is no role %(key)s.") % {"key": ", ".join(missing)})
    return list(found.values())


def _hold(user: User, roles: list[Role]) -> None:
    if len(roles) > 1 and any(role.exclusive_group for role in roles):
        raise AccountRefused(
            _(
                "An administrator's role is held alone: their duties are kept apart, and they read no records. "
                "Make a second account for other work."
            )
        )
    try:
        with transaction.atomic():
            # Taken before given: a change from one administrator's role to another must not meet itself.
            user.roles.remove(*user.roles.exclude(pk__in=[role.pk for role in roles]))
            user.roles.add(*roles)
    except IntegrityError as error:
        raise AccountRefused(_("These roles exclude each other.")) from error
    if hasattr(user, "_permission_codes"):
        del user._permission_codes


def _keep_an_administrator(user: User, roles: list[Role], active: bool) -> None:
    """Refuse the step after which nobody could manage accounts any more."""
    if active and any("accounts.manage" in role.permissions for role in roles):
        return
    others = User.objects.filter(is_active=True).exclude(pk=user.pk).prefetch_related("roles")
    if user.may("accounts.manage") and not any(other.may("accounts.manage") for other in others):
        raise AccountRefused(_("Somebody must be able to manage accounts."))

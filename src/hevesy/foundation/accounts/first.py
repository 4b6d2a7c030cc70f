"""A new installation has no account: the first administrator comes from the console (reliability D3)."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts import actions
from hevesy.foundation.accounts.actors import Refused, system_actor
from hevesy.foundation.accounts.models import Role, User
from hevesy.foundation.accounts.queries import administrators


class AlreadyAppointed(Refused):
    """Somebody manages accounts already."""

    def __init__(self) -> None:
        super().__init__(
            _("Somebody manages accounts already. Ask the security administrator for an account.")
        )


def nobody_manages() -> bool:
    """Whether the installation has no active account (the demo's aside) that can manage accounts."""
    return not administrators().exists() and not administrators(demo=True).exists()


def console_code() -> str | None:
    """The code that the console shows at start, made once and kept readable by its owner only; None once appointed."""
    path = _path()
    if not nobody_manages():
        path.unlink(missing_ok=True)
        return None
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("-".join(secrets.token_hex(2) for _part in range(4)))
    return path.read_text().strip()


def code_is_right(code: str) -> bool:
    """Whether this is the console's code."""
    path = _path()
    return path.exists() and hmac.compare_digest(
        path.read_text().strip().encode(), code.strip().lower().encode()
    )


@transaction.atomic
def appoint(*, username: str, name_zh: str, password: str) -> User:
    """Make the first security administrator. Raises `AlreadyAppointed` when there is one."""
    role = Role.objects.select_for_update().filter(key="secadmin").first()
    if role is None:
        raise Refused(_("The roles are missing. Run: hevesy seed"))
    if administrators().exists():
        raise AlreadyAppointed
    by = system_actor("console", "accounts.manage", channel="command")
    user = actions.create_user(
        by, username=username, name_zh=name_zh, password=password, roles=[role]
    )
    user.must_change_password = False  # the person chose it; nobody else has seen it
    user.save(update_fields=["must_change_password"])
    _path().unlink(missing_ok=True)
    return user


def _path() -> Path:
    return Path(settings.HOME) / "keys" / "first_run"

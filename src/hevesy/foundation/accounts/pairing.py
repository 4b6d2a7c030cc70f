"""A phone joins its owner's workstation session by a one-time QR code (clause 10.1: it displaces nobody)."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.contrib.auth import login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Actor, Refused
from hevesy.foundation.accounts.models import LoginSession, PairingCode
from hevesy.foundation.accounts.sessions import key_hash
from hevesy.foundation.audit.actions import record

VALID_MINUTES = 3
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class CodeRefused(Refused):
    """A pairing or claiming code that was used, has run out, or never was."""

    def __init__(self) -> None:
        super().__init__(
            _("This code was used already or has run out. Show a new one and scan it again.")
        )


@transaction.atomic
def make_code(by: Actor, session: LoginSession) -> str:
    """A one-time code for the phone of the person whose workstation session this is."""
    if (
        by.user is None
        or session.user_id != by.user.pk
        or session.kind != LoginSession.Kind.WORKSTATION
    ):
        raise CodeRefused
    code = secrets.token_urlsafe(24)
    PairingCode.objects.create(
        session=session,
        code_hash=key_hash(code),
        expires_at=timezone.now() + timedelta(minutes=VALID_MINUTES),
    )
    record(by, "account.phone.code", session)
    return code


def find(code: str) -> LoginSession:
    """The workstation session that shows this code. Raises `CodeRefused`."""
    pairing = (
        PairingCode.objects.select_related("session__user", "session__station")
        .filter(code_hash=key_hash(code), used_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if pairing is None or pairing.session.ended_at or not pairing.session.user.is_active:
        raise CodeRefused
    return pairing.session


@transaction.atomic
def join_phone(request: HttpRequest, code: str) -> LoginSession:
    """Use the code up and log this browser in as the person's phone. Raises `CodeRefused`."""
    session = find(code)
    used = PairingCode.objects.filter(code_hash=key_hash(code), used_at=None).update(
        used_at=timezone.now()
    )
    if not used:
        raise CodeRefused
    request.pair_with = session  # type: ignore[attr-defined]
    login(request, session.user, backend=_BACKEND)
    joined: LoginSession = request.login_session  # type: ignore[attr-defined]
    return joined

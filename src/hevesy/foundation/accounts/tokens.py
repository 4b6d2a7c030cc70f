"""Tokens with which programs act for a user: `Authorization: Bearer hv_…`."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import ApiToken, User
from hevesy.foundation.accounts.sessions import key_hash
from hevesy.foundation.audit.actions import record

PREFIX = "hv_"
USED_EVERY = timedelta(minutes=1)
"""How exact `last_used_at` is: not every request writes a row."""


@transaction.atomic
def issue_token(
    user: User, *, by: Actor, name: str = "", expires_at: datetime | None = None
) -> str:
    """Make a token with the rights of `user` and return its text, which is shown once and not kept."""
    by.require("tokens.manage")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name or user.username,
        hint=text[:8],
        token_hash=key_hash(text),
        created_by_name=str(by),
        expires_at=expires_at,
    )
    record(by, "account.token.issue", token, user=user.username, name=token.name)
    return text


@transaction.atomic
def revoke_token(token: ApiToken, *, by: Actor) -> ApiToken:
    """End a token now. Once is enough: a second time changes nothing."""
    by.require("tokens.manage")
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(by, "account.token.revoke", token, name=token.name)
    return token


def find_live(text: str) -> ApiToken | None:
    """The token of this text if it still opens something: not revoked, not expired, its user active."""
    if not text.startswith(PREFIX):
        return None
    token = (
        ApiToken.objects.select_related("user")
        .prefetch_related("user__roles")
        .filter(token_hash=key_hash(text), revoked_at__isnull=True, user__is_active=True)
        .first()
    )
    if token and token.expires_at and token.expires_at <= timezone.now():
        return None
    return token


def mark_used(token: ApiToken, address: str | None) -> None:
    """Note when and from where the token was last used."""
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at >= USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now, last_used_address=address)

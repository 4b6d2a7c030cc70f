"""Reactions to Django's login signals: every way in opens a login session, every failure is written down."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from hevesy.foundation.accounts import sessions
from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import LoginSession, User
from hevesy.foundation.audit.actions import record


def _actor(request: HttpRequest, user: User | None, name: str = "") -> Actor:
    return Actor(
        user=user,
        name=name,
        station=getattr(request, "station", None),
        address=request.META.get("REMOTE_ADDR"),
    )


@receiver(user_logged_in, dispatch_uid="accounts.open_session")
def open_login_session(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    session, displaced = sessions.open_session(
        _actor(request, user),
        session_key=request.session.session_key or "",
        browser=request.META.get("HTTP_USER_AGENT", ""),
        paired_with=getattr(request, "pair_with", None),
    )
    request.login_session = session  # type: ignore[attr-defined]
    request.displaced_sessions = displaced  # type: ignore[attr-defined]


@receiver(user_logged_out, dispatch_uid="accounts.end_session")
def end_login_session(sender: Any, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    session: LoginSession | None = getattr(request, "login_session", None)
    if session is not None and user is not None:
        sessions.end_session(_actor(request, user), session, LoginSession.End.LOGOUT)


@receiver(user_login_failed, dispatch_uid="accounts.note_failure")
def note_failed_login(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    if request is None:
        return
    name = str(credentials.get("username", ""))[:60]
    with transaction.atomic():
        record(_actor(request, None, name), "account.login", None, outcome="refused", username=name)

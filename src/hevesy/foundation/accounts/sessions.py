"""Login sessions: one workstation per person, idle time-out, longest time, and why a session ended (clause 10.1).

Django's session row says that a browser is logged in; the `LoginSession` row says whether it still may be.
Ending a session needs only its row, so a session can be ended from another process, for a reason that is told.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import LoginSession, User
from hevesy.foundation.audit.actions import record

SEEN_EVERY = timedelta(seconds=30)
"""How exact `last_seen_at` is: not every request writes a row."""


def key_hash(session_key: str) -> str:
    """What is kept of a session key or one-time code: enough to recognise it, useless to a thief of the database."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def idle_limit(user: User) -> timedelta:
    """How long this person's session may lie unused: the most generous of the person's roles."""
    minutes = [role.idle_minutes for role in user.roles.all()]
    return timedelta(minutes=max(minutes, default=settings.SESSION_IDLE_MINUTES))


def live_sessions(user: User) -> QuerySet[LoginSession]:
    """The sessions of this person that have not ended."""
    return LoginSession.objects.filter(user=user, ended_at__isnull=True).select_related("station")


@transaction.atomic
def open_session(
    by: Actor,
    *,
    session_key: str,
    browser: str = "",
    paired_with: LoginSession | None = None,
) -> tuple[LoginSession, list[LoginSession]]:
    """Begin a session of `by.user`. At a workstation it displaces the one elsewhere, and the phones paired with that.

    The user row is locked, so that of two logins at the same moment the later one wins.
    Returns the session and those that it displaced.
    """
    assert by.user is not None
    user = User.objects.select_for_update().get(pk=by.user.pk)
    kind = LoginSession.Kind.PHONE if paired_with else LoginSession.Kind.WORKSTATION
    displaced: list[LoginSession] = []
    if kind == LoginSession.Kind.WORKSTATION:
        here = by.station.name if by.station else (by.address or "")
        displaced = list(live_sessions(user).filter(kind=kind))
        for earlier in displaced:
            end_session(by, earlier, LoginSession.End.DISPLACED, ended_from=here)
    session = LoginSession.objects.create(
        user=user,
        key_hash=key_hash(session_key),
        kind=kind,
        paired_with=paired_with,
        station=by.station,
        address=by.address,
        browser=browser[:200],
    )
    record(by, "account.login", session, kind=str(kind))
    return session, displaced


@transaction.atomic
def end_session(
    by: Actor,
    session: LoginSession,
    reason: str,
    *,
    ended_from: str = "",
    at: datetime | None = None,
) -> bool:
    """End a session and the phones paired with it. Returns False if it had ended before."""
    at = at or timezone.now()
    ended = LoginSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(
        ended_at=at, end_reason=reason, ended_from=ended_from[:120]
    )
    if not ended:
        return False
    LoginSession.objects.filter(paired_with=session, ended_at__isnull=True).update(
        ended_at=at, end_reason=LoginSession.End.WORKSTATION
    )
    record(by, "account.logout", session, reason=str(reason))
    return True


@transaction.atomic
def end_all_sessions(
    by: Actor, user: User, reason: str, *, keep: LoginSession | None = None
) -> int:
    """End every session of a person except `keep`; returns how many ended."""
    sessions = live_sessions(user)
    if keep is not None:
        sessions = sessions.exclude(pk=keep.pk)
    return sum(end_session(by, session, reason) for session in sessions)


def session_of(session: SessionBase) -> LoginSession | None:
    """The login session that belongs to this browser session, ended or not; None if there is none."""
    if not session.session_key:
        return None
    return (
        LoginSession.objects.select_related("user", "station")
        .prefetch_related("user__roles")
        .filter(key_hash=key_hash(session.session_key))
        .first()
    )


def ends_at(session: LoginSession) -> datetime:
    """When this session ends if nobody uses it from now on."""
    longest = session.started_at + timedelta(hours=settings.SESSION_LONGEST_HOURS)
    return min(session.last_seen_at + idle_limit(session.user), longest)


def end_if_over(by: Actor, session: LoginSession) -> LoginSession:
    """End a session whose time is up; returns it as it now is."""
    if session.ended_at is None and timezone.now() >= ends_at(session):
        longest = session.started_at + timedelta(hours=settings.SESSION_LONGEST_HOURS)
        expired = timezone.now() >= longest
        end_session(by, session, LoginSession.End.EXPIRED if expired else LoginSession.End.IDLE)
        session.refresh_from_db(fields=["ended_at", "end_reason", "ended_from"])
    return session


def still_live(session_id: int) -> bool:
    """Whether this login session may still be served; long-lived answers (live events) ask between two events."""
    session = (
        LoginSession.objects.select_related("user")
        .prefetch_related("user__roles")
        .get(pk=session_id)
    )
    return session.ended_at is None and timezone.now() < ends_at(session)


def mark_seen(session: LoginSession) -> None:
    """Somebody used the session just now."""
    now = timezone.now()
    if now - session.last_seen_at >= SEEN_EVERY:
        LoginSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(last_seen_at=now)
        session.last_seen_at = now


@transaction.atomic
def move_session(session: LoginSession, session_key: str) -> None:
    """The browser got a new session key (password change): the login session goes on under it."""
    LoginSession.objects.filter(pk=session.pk, ended_at__isnull=True).update(
        key_hash=key_hash(session_key)
    )

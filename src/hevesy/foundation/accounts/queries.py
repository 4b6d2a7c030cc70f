"""Reads of accounts, narrowed to what the reader may see."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from hevesy.foundation.accounts.actors import Actor
from hevesy.foundation.accounts.models import ApiToken, LoginSession, Role, User
from hevesy.foundation.accounts.permissions import DECLARED


def people(by: Actor, text: str = "", role: str = "", *, closed: bool = False) -> QuerySet[User]:
    """Accounts for the security administrator, by name or login name."""
    by.require("accounts.manage")
    found: QuerySet[User] = User.objects.prefetch_related("roles").order_by("username")
    if not closed:
        found = found.filter(is_active=True)
    if text:
        found = found.filter(
            Q(username__icontains=text) | Q(name_zh__icontains=text) | Q(name_latin__icontains=text)
        )
    if role:
        found = found.filter(roles__key=role)
    return found


def administrators(*, demo: bool = False) -> QuerySet[User]:
    """Active accounts that can manage accounts; with `demo`, every active account that the demo made."""
    if demo:
        return User.objects.filter(is_active=True, is_demo=True)
    managing = [role.pk for role in Role.objects.all() if "accounts.manage" in role.permissions]
    return User.objects.filter(is_active=True, is_demo=False, roles__in=managing).distinct()


def sessions_of(by: Actor, user: User, limit: int = 20) -> list[LoginSession]:
    """The latest sessions of a person: one's own, or anybody's for the security administrator."""
    if by.user is None or by.user.pk != user.pk:
        by.require("accounts.manage")
    return list(user.login_sessions.select_related("station")[:limit])


def tokens(by: Actor) -> QuerySet[ApiToken]:
    """Every token, live ones first."""
    by.require("tokens.manage")
    return ApiToken.objects.select_related("user").order_by("-revoked_at", "-created_at")


def permission_matrix() -> dict[str, Any]:
    """Every declared right against every role: `groups` of rows (`code`, `label`, `held` per role) and the `roles`."""
    roles = list(Role.objects.all())
    groups: dict[str, list[dict[str, Any]]] = {}
    for code, label in DECLARED.items():
        row = {
            "code": code,
            "label": label,
            "held": [code in role.permissions for role in roles],
        }
        groups.setdefault(code.partition(".")[0], []).append(row)
    return {"roles": roles, "groups": groups}


def is_locked(user: User) -> bool:
    """Whether too many wrong passwords hold this account shut at this moment."""
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    failures = AccessAttempt.objects.filter(
        username=user.username, attempt_time__gt=since
    ).aggregate(total=Sum("failures_since_start"))["total"]
    return (failures or 0) >= settings.AXES_FAILURE_LIMIT

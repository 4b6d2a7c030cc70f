"""Seeds the site's roles from the declared defaults."""

from __future__ import annotations

from django.db import transaction

from hevesy.foundation.accounts.models import Role
from hevesy.records.staffing.rights import DEFAULT_ROLES


@transaction.atomic
def seed_roles() -> list[str]:
    """Make missing roles; bring rights that an upgrade adds or withdraws to roles that exist.

    A site's own changes stay: only the difference between what was delivered last time and what is delivered now
    is applied. Returns one line for each role made or changed.
    """
    existing = {role.key: role for role in Role.objects.select_for_update()}
    made: list[str] = []
    missing = [default for default in DEFAULT_ROLES if default.key not in existing]
    Role.objects.bulk_create(
        Role(
            key=default.key,
            name_zh=default.name_zh,
            name_en=default.name_en,
            permissions=sorted(default.permissions),
            delivered_permissions=sorted(default.permissions),
            idle_minutes=default.idle_minutes,
            exclusive_group=default.exclusive_group,
        )
        for default in missing
    )
    made.extend(f"role {default.key} {default.name_zh}" for default in missing)
    for default in DEFAULT_ROLES:
        role = existing.get(default.key)
        if role is None:
            continue
        before, now = set(role.delivered_permissions), set(default.permissions)
        if before != now:
            role.permissions = sorted((set(role.permissions) | (now - before)) - (before - now))
            role.delivered_permissions = sorted(now)
            role.save(update_fields=["permissions", "delivered_permissions"])
            made.append(f"role {default.key}: rights brought up to date")
    return made

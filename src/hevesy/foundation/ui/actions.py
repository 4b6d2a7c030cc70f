"""What users set about their own pages."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.models import User

PREFERENCES: dict[str, tuple[str, ...]] = {
    "language": tuple(code for code, _name in settings.LANGUAGES),
    "letter_keys": ("on", "off"),
    "theme": ("light", "dark"),
}
"""Preferences of the page frame and their values."""


@transaction.atomic
def set_preference(user: User, key: str, value: str) -> User:
    """Keep one preference of `user` himself. Not audited: it changes nothing but the look of his own pages."""
    if value not in PREFERENCES.get(key, ()):
        raise Refused(_("This setting does not exist."))
    locked = User.objects.select_for_update().get(pk=user.pk)
    locked.preferences[key] = value == "on" if key == "letter_keys" else value
    locked.save(update_fields=["preferences"])
    user.preferences = locked.preferences
    return locked

"""What a password must be (GB/T 22239-2019 level three as usually assessed); every limit is a setting."""

from __future__ import annotations

import unicodedata

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from hevesy.foundation.accounts.models import User


class ThreeKinds:
    """At least `kinds` of: small letters, capitals, digits, anything else."""

    def __init__(self, kinds: int = 3) -> None:
        self.kinds = kinds

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise unless the password mixes enough kinds of characters."""
        found = {_kind(character) for character in password}
        if len(found) < self.kinds:
            raise ValidationError(self.get_help_text(), code="password_kinds")

    def get_help_text(self) -> str:
        """The rule as a sentence."""
        return _(
            "Mix at least %(kinds)d of: small letters, capitals, digits, other characters."
        ) % {"kinds": self.kinds}


class NotTheName:
    """Not the login name or name, forwards or backwards, whole or inside."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise if the password holds the name of its user."""
        if user is None:
            return
        folded = _fold(password)
        for name in (user.username, user.name_zh, user.name_latin.replace(" ", "")):
            part = _fold(name)
            if len(part) >= 3 and (part in folded or part[::-1] in folded):
                raise ValidationError(self.get_help_text(), code="password_name")

    def get_help_text(self) -> str:
        """The rule as a sentence."""
        return _("Do not use your own name or login name.")


class NotUsedBefore:
    """None of the last `count` passwords, the present one included."""

    def __init__(self, count: int = 5) -> None:
        self.count = count

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise if the user had this password lately."""
        if user is None or user.pk is None:
            return
        past = user.past_passwords.values_list("password", flat=True)[: self.count - 1]
        for known in [user.password, *past]:
            if known and check_password(password, known):
                raise ValidationError(self.get_help_text(), code="password_used")

    def get_help_text(self) -> str:
        """The rule as a sentence."""
        return _("Not one of your last %(count)d passwords.") % {"count": self.count}


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    return {"Ll": "small", "Lu": "capital", "Nd": "digit"}.get(category, "other")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()

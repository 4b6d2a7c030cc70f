"""What the shell of every page needs; read lazily, so that fragments pay nothing."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from hevesy.foundation.ui import alarms, nav, toasts
from hevesy.foundation.ui.words import words

THEMES = ("light", "dark")


class Shell:
    """The frame of a page as one user at one workstation sees it."""

    def __init__(self, request: HttpRequest, *, offline: bool = False) -> None:
        self.request = request
        self.offline = offline
        """Whether the database must not be asked: it may be what failed."""

    @property
    def demo(self) -> bool:
        """Whether this is the demonstration system, which every page says."""
        return bool(settings.DEMO)

    @property
    def theme(self) -> str:
        """The theme chosen at this workstation: light unless dark was asked for."""
        chosen = self.request.COOKIES.get("hv_theme", "")
        return chosen if chosen in THEMES else "light"

    @property
    def folded(self) -> bool:
        """Whether the side bar shows icons only."""
        return self.request.COOKIES.get("hv_side") == "folded"

    @property
    def letter_keys(self) -> bool:
        """Whether single letters work as keys for this user."""
        if self.offline:
            return True
        preferences = getattr(self.request.user, "preferences", None) or {}
        return preferences.get("letter_keys", True) is not False

    @property
    def languages(self) -> list[tuple[str, str]]:
        """Languages to choose from: code and own name."""
        return list(settings.LANGUAGES)

    @cached_property
    def now(self) -> Any:
        """The server's time."""
        return timezone.now()

    @cached_property
    def groups(self) -> list[nav.NavGroup]:
        """The side bar with its counts."""
        return nav.groups_for(self.request)

    @cached_property
    def alarms(self) -> list[alarms.RaisedAlarm]:
        """The counts of the top bar."""
        return alarms.raised_for(self.request)

    @cached_property
    def words(self) -> dict[str, str]:
        """Sentences for the scripts."""
        return words()

    @cached_property
    def notices(self) -> list[dict[str, Any]]:
        """Toasts to show when the page opens."""
        return [] if self.offline else toasts.waiting(self.request)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the variable `shell`."""
    return {"shell": Shell(request)}

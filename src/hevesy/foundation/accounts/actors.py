"""Who does something: the one argument `by` that every action takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from hevesy.foundation.accounts.models import User
    from hevesy.foundation.stations.models import Station


class Refused(Exception):
    """An action was refused and nothing was written. `str()` is a sentence for a person, in their language."""

    status = 409


class PermissionRefused(Refused):
    """The actor lacks a permission."""

    status = 403

    def __init__(self, code: str) -> None:
        from hevesy.foundation.accounts.permissions import label

        self.code = code
        super().__init__(_("You may not: %(what)s.") % {"what": label(code)})


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at a station, a program with a token, a device, or the system itself.

    `channel` says how the act came in: web, api, dicom, job, command.
    `method` says how the thing acted on was identified: scan (QR or bar code) or manual.
    """

    user: User | None = None
    name: str = ""
    channel: str = "web"
    station: Station | None = None
    address: str | None = None
    method: str = "manual"
    permissions: frozenset[str] = field(default_factory=frozenset)

    def may(self, code: str) -> bool:
        """Whether this actor holds the permission `code`."""
        if self.user is not None:
            return self.user.may(code)
        return code in self.permissions

    def require(self, code: str) -> None:
        """Raise `PermissionRefused` unless the actor holds the permission `code`."""
        if not self.may(code):
            raise PermissionRefused(code)

    def __str__(self) -> str:
        return self.user.name_zh if self.user else self.name


def system_actor(name: str, *permissions: str, channel: str = "job") -> Actor:
    """An actor without a person: a device (`dicom:PET1`), a job, a command. It may do what is named here only."""
    return Actor(name=name, channel=channel, permissions=frozenset(permissions))

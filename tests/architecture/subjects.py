"""Things that addresses are about: for each parameter of an address, the value of one minimal object.

A key is `view name.parameter` (`accounts:person.pk`), `namespace:*.parameter`, or `*.parameter`; the first that
fits wins. The object must be one that the roles allowed by the policy may really open. Functions are called
once per test, inside its transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.architecture.addresses import Address

SUBJECTS: dict[str, Callable[[], Any]] = {}


def subject(*keys: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Register the function that makes the value for these parameters."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        for key in keys:
            assert key not in SUBJECTS, f"{key} has a subject already"
            SUBJECTS[key] = function
        return function

    return register


class NoSubject(AssertionError):
    """An address has a parameter for which no value is known."""


class Subjects:
    """The values of one test, each made once."""

    def __init__(self) -> None:
        self._made: dict[Callable[[], Any], Any] = {}

    def values(self, address: Address) -> dict[str, Any]:
        """A value for each parameter of the address."""
        return {name: self._value(address, name) for name in address.parameters}

    def _value(self, address: Address, parameter: str) -> Any:
        for key in (
            f"{address.name}.{parameter}",
            f"{address.namespace}:*.{parameter}",
            f"*.{parameter}",
        ):
            if key in SUBJECTS:
                function = SUBJECTS[key]
                if function not in self._made:
                    self._made[function] = function()
                return self._made[function]
        raise NoSubject(
            f"{address.name} ({address.route}) has the parameter {parameter!r}, and tests/architecture/subjects.py "
            f"knows no value for it. Add one: @subject('{address.name}.{parameter}')"
        )


@subject("accounts:*.pk")
def _a_person() -> int:
    from hevesy.foundation.accounts.testing import cast_member

    return int(cast_member("another_chief").pk)


@subject("accounts:*.session_pk")
def _a_session() -> int:
    from hevesy.foundation.accounts.models import LoginSession

    session, _made = LoginSession.objects.get_or_create(key_hash="walk", user_id=_a_person())
    return int(session.pk)


@subject("accounts:end_session.pk")
def _a_foreign_session() -> int:
    return _a_session()


@subject("accounts:prefer.name")
def _a_preference() -> str:
    return "language"


@subject("accounts:*.key")
def _a_role() -> str:
    return "nurse"


@subject("accounts:revoke_token.pk")
def _a_token() -> int:
    from hevesy.foundation.accounts.models import ApiToken

    token = ApiToken.objects.create(
        user_id=_a_person(), name="walk", hint="hv_walk", token_hash="walk"
    )
    return int(token.pk)


@subject("accounts:join.code", "stations:claim.code")
def _a_code() -> str:
    return "no-such-code"


@subject("stations:*.pk")
def _a_station() -> int:
    from hevesy.foundation.stations.models import Station

    return int(Station.objects.create(code="walk", name="走廊", kind="pc").pk)


@subject("files:serve.pk")
def _a_stored_file() -> int:
    return 0

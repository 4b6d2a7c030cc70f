"""Things that addresses are about: for each parameter of an address the value of one object, and what to send.

A key is `view name.parameter` (`accounts:person.pk`), `namespace:*.parameter`, or `*.parameter`; the first that
fits wins. The object must be one that the roles allowed by the policy may really open: "not there" counts as refused.
`BODIES` holds what a program sends where an empty request is refused (422) before rights are judged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.architecture.addresses import Address
from tests.architecture.clinic import Clinic, Maker

SUBJECTS: dict[str, Maker] = {}
BODIES: dict[str, Maker] = {}


def subject(*keys: str) -> Callable[[Maker], Maker]:
    """Register the function that makes the value for these parameters."""
    return _registering(SUBJECTS, keys)


def body(*names: str) -> Callable[[Maker], Maker]:
    """Register the function that makes what is sent to these addresses."""
    return _registering(BODIES, names)


def _registering(table: dict[str, Maker], keys: tuple[str, ...]) -> Callable[[Maker], Maker]:
    def register(function: Maker) -> Maker:
        for key in keys:
            assert key not in table, f"{key} is there already"
            table[key] = function
        return function

    return register


class NoSubject(AssertionError):
    """An address has a parameter for which no value is known."""


class Subjects:
    """The values of one test, each made once."""

    def __init__(self) -> None:
        self.clinic = Clinic()
        self._made: dict[Maker, Any] = {}

    def values(self, address: Address) -> dict[str, Any]:
        """A value for each parameter of the address."""
        return {name: self._value(address, name) for name in address.parameters}

    def body(self, address: Address) -> dict[str, Any]:
        """What is sent to the address; empty unless registered."""
        function = BODIES.get(address.name)
        return self._once(function) if function else {}

    def _value(self, address: Address, parameter: str) -> Any:
        for key in (
            f"{address.name}.{parameter}",
            f"{address.namespace}:*.{parameter}",
            f"*.{parameter}",
        ):
            if key in SUBJECTS:
                return self._once(SUBJECTS[key])
        raise NoSubject(
            f"{address.name} ({address.route}) has the parameter {parameter!r}, and tests/architecture/subjects "
            f"knows no value for it. Add one: @subject('{address.name}.{parameter}')"
        )

    def _once(self, function: Maker) -> Any:
        if function not in self._made:
            self._made[function] = function(self.clinic)
        return self._made[function]

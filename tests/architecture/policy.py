"""The stored policy of addresses: read, written and compared."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.addresses import ASKERS, STRANGERS

PATH = Path(__file__).with_name("address_policy.toml")
HEAD = """\
# Who may open which address. Grouped by who asks; everything not listed is refused (401, 403, 404 or the login page).
#
# `anybody`    opens for everybody, logged in or not
# `logged_in`  opens for every role, not for strangers (unless a wall screen or kiosk lists it)
# a role       opens for it besides those; names are URL names
# `nobody`     opens for no default role with the subject of the walk; the comment in subjects.py says why
#
# `name POST`  the same view asked with POST, where that opens for others than GET does
#
# A person reads every change of this file. To see what is measured now:
#     python tests/architecture/print_address_policy.py
"""


class Policy:
    """Address name → who opens it."""

    def __init__(self, openers: dict[str, frozenset[str]]) -> None:
        self.openers = openers

    @classmethod
    def stored(cls) -> Policy:
        """As kept in the file."""
        table = tomllib.loads(PATH.read_text())
        people = set(ASKERS) - set(STRANGERS)
        openers: dict[str, set[str]] = {name: set() for name in table.get("nobody", [])}
        for name in table.get("anybody", []):
            openers.setdefault(name, set()).update(ASKERS)
        for name in table.get("logged_in", []):
            openers.setdefault(name, set()).update(people)
        for asker, names in table.get("opens", {}).items():
            assert asker in ASKERS, f"address_policy.toml: unknown role {asker}"
            for name in names:
                openers.setdefault(name, set()).add(asker)
        return cls({name: frozenset(who) for name, who in openers.items()})

    def to_toml(self) -> str:
        """As the file is written: for people to read."""
        everybody, people = frozenset(ASKERS), frozenset(ASKERS) - frozenset(STRANGERS)
        anybody = [name for name, who in self.openers.items() if who == everybody]
        logged_in = [
            name for name, who in self.openers.items() if people <= who and who != everybody
        ]
        nobody = [name for name, who in self.openers.items() if not who]
        lines = [HEAD, f"anybody = {_listed(anybody)}", f"logged_in = {_listed(logged_in)}"]
        lines += [f"nobody = {_listed(nobody)}", "", "[opens]"]
        for asker in ASKERS:
            plain = {*anybody, *(() if asker in STRANGERS else logged_in)}
            names = [
                name for name, who in self.openers.items() if asker in who and name not in plain
            ]
            lines.append(f"{asker} = {_listed(names)}")
        return "\n".join(lines) + "\n"

    def differences(self, measured: Policy) -> list[str]:
        """What differs between the stored policy and what was measured, one sentence each."""
        found = []
        for name, openers in measured.openers.items():
            if name not in self.openers:
                found.append(
                    f"{name} has no policy. Measured: opens for {', '.join(sorted(openers)) or 'nobody'}. "
                    "If that is right, add it to tests/architecture/address_policy.toml."
                )
                continue
            more, less = openers - self.openers[name], self.openers[name] - openers
            if more:
                found.append(f"{name} opens for {', '.join(sorted(more))}: the policy refuses it.")
            if less:
                found.append(f"{name} refuses {', '.join(sorted(less))}: the policy opens it.")
        for name in self.openers:
            view = name.removesuffix(" POST")
            if name != view and view in measured.openers and name not in measured.openers:
                found.append(f"{name} is judged like {view} now: remove it from the policy.")
        return found


def _listed(names: Iterable[str]) -> str:
    inner = "".join(f'  "{name}",\n' for name in sorted(names))
    return f"[\n{inner}]" if inner else "[]"

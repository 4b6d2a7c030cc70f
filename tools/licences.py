"""List what Hevesy ships with and each licence; exit 1 when one is not on the list of those that are fine.

Python: what the extra `server` pulls in. JavaScript: the packages whose files the build copies or bundles.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FINE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software|MPL[- ]2|Mozilla|OFL|SIL Open Font|HPND|Zlib|0BSD|Unlicense|CC0|LGPL|"
    r"Public Domain|ZPL",
    re.IGNORECASE,
)
NOT_FINE = re.compile(r"(?<!L)(?<!Lesser )GPL|Affero|Commercial|Proprietary", re.IGNORECASE)
# Their metadata does not say it; the licence file does.
KNOWN = {"noto-cjk-sans-otc": "OFL-1.1", "htmx-ext-sse": "0BSD"}


def licence_of(package: Distribution) -> str:
    """The licence as the package's metadata states it: expression, classifiers, or the first line of the field."""
    name = package.metadata["Name"]
    if name.lower() in KNOWN:
        return KNOWN[name.lower()]
    expression = package.metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [
        line.rsplit(" :: ", 1)[1]
        for line in package.metadata.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    field = (package.metadata.get("License") or "").strip().splitlines()
    return ", ".join(classifiers) or (field[0] if field else "unknown")


def shipped() -> dict[str, Distribution]:
    """The distributions that `hevesy[server]` needs, by normal name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement("hevesy[server]")]
    while waiting:
        requirement = waiting.pop()
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            continue
        key = requirement.name.lower().replace("_", "-")
        extras = requirement.extras or {""}
        if key in found and not requirement.extras:
            continue
        found[key] = package
        for line in package.requires or []:
            child = Requirement(line)
            if child.marker is None or any(child.marker.evaluate({"extra": one}) for one in extras):
                waiting.append(child)
    found.pop("hevesy", None)
    return found


def javascript() -> list[tuple[str, str, str]]:
    """(name, version, licence) of the packages in package-lock.json that are not for development only."""
    lock = json.loads((ROOT / "package-lock.json").read_text())
    return [
        (name, entry["version"], str(entry.get("license", KNOWN.get(name, "unknown"))))
        for path, entry in lock["packages"].items()
        if (name := path.split("node_modules/")[-1]) and not entry.get("dev")
    ]


def main() -> int:
    """Print the table; 1 if a licence is not known to be fine."""
    rows = [
        (package.metadata["Name"], package.version, licence_of(package))
        for _name, package in sorted(shipped().items())
    ]
    bad = 0
    for name, version, licence in [*rows, *sorted(javascript())]:
        ok = bool(FINE.search(licence)) and not NOT_FINE.search(licence)
        bad += not ok
        sys.stdout.write(f"{name:<34}{version:<14}{licence}{'' if ok else '   <-- look at this'}\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

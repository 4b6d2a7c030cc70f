"""The colour maps: one registry, grouped, with names in two languages (clause 6.14).

What a map is stands in maps.toml; tables that no formula gives stand in tables.json (see
`make_tables`). A map is presentation: it never touches a value.
"""

from __future__ import annotations

import base64
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.refusal import Refused

Table = npt.NDArray[np.uint8]

TABLES_FILE: Final = Path(__file__).with_name("tables.json")
_DEFINITIONS_FILE: Final = Path(__file__).with_name("maps.toml")
# A fall of luminance below this is the rounding of a table to bytes.
_ROUNDING: Final = 0.004
_LOG_STRENGTH: Final = 15.0


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """256 colours with names, group, source and licence.

    table: (256, 3) uint8, not writeable. monotone: whether luminance only rises or only falls;
    where it does not, the eye misjudges the size of a lesion. common_at: makers on whose
    workstations a map of this name and look is usual, a look-alike unless common_at_checked.
    """

    id: str
    name_en: str
    name_zh: str
    group: str
    source: str
    licence: str
    table: Table
    monotone: bool
    common_at: tuple[str, ...] = ()
    common_at_checked: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain values; the table as 768 bytes (red, green, blue of each level) in base64."""
        return {
            "id": self.id,
            "name_en": self.name_en,
            "name_zh": self.name_zh,
            "group": self.group,
            "source": self.source,
            "licence": self.licence,
            "monotone": self.monotone,
            "common_at": list(self.common_at),
            "common_at_checked": self.common_at_checked,
            "table": base64.b64encode(self.table.tobytes()).decode(),
        }


@cache
def colour_maps() -> Mapping[str, ColourMap]:
    """All maps by id, in the order of the menu."""
    stored = json.loads(TABLES_FILE.read_text(encoding="utf-8"))
    return {key: _made(key, entry, stored) for key, entry in definitions()["maps"].items()}


def colour_map(key: str) -> ColourMap:
    """The map of an id; `Refused` "colour_map_unknown"."""
    found = colour_maps().get(key)
    if found is None:
        raise Refused(
            "colour_map_unknown",
            "There is no colour map of this name; `hevesy image mip --list-colour-maps` lists all.",
            "没有该名称的彩色表；可用 `hevesy image mip --list-colour-maps` 查看全部。",
            key,
        )
    return found


@cache
def groups() -> Mapping[str, tuple[str, str]]:
    """Names (English, Chinese) of the groups by key, in the order of the menu."""
    return {
        key: (str(group["name_en"]), str(group["name_zh"]))
        for key, group in definitions()["groups"].items()
    }


@cache
def definitions() -> dict[str, Any]:
    """What maps.toml says."""
    return tomllib.loads(_DEFINITIONS_FILE.read_text(encoding="utf-8"))


def luminance(table: Table) -> npt.NDArray[np.float64]:
    """CIE 1931 luminance Y of sRGB colours (…, 3), 0 to 1 (IEC 61966-2-1)."""
    share = table / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return np.asarray(linear @ np.array((0.2126, 0.7152, 0.0722)))


def is_monotone(table: Table) -> bool:
    """Whether luminance never turns back by more than the rounding of a table."""
    lit = luminance(table)
    change = np.diff(lit) * np.sign(lit[-1] - lit[0])
    return bool(lit[-1] != lit[0] and change.min() >= -_ROUNDING)


def _made(key: str, entry: Mapping[str, Any], stored: Mapping[str, str]) -> ColourMap:
    if "knots" in entry:
        table = _from_knots(entry["knots"], entry.get("curve", ""), entry.get("steps", 0))
    else:
        table = np.frombuffer(base64.b64decode(stored[key]), dtype=np.uint8).reshape(256, 3)
    table.setflags(write=False)
    return ColourMap(
        id=key,
        name_en=entry["name_en"],
        name_zh=entry["name_zh"],
        group=entry["group"],
        source=entry["source"],
        licence=entry["licence"],
        table=table,
        monotone=is_monotone(table),
        common_at=tuple(entry.get("common_at", ())),
        common_at_checked=entry.get("common_at_checked", False),
    )


def _from_knots(knots: list[list[int]], curve: str, steps: int) -> Table:
    """Straight lines between [level, red, green, blue], rounded half up as the viewer does."""
    share = np.arange(256) / 255.0
    if steps:
        share = np.floor(np.arange(256) * steps / 256) / (steps - 1)
    bent = {
        "": share,
        "log": np.log1p(_LOG_STRENGTH * share) / np.log1p(_LOG_STRENGTH),
        "root": np.sqrt(share),
        "square": share**2,
    }[curve]
    level, *channels = np.array(knots, dtype=np.float64).T
    lines = np.stack([np.interp(255.0 * bent, level, one) for one in channels], axis=1)
    return np.floor(lines + 0.5).astype(np.uint8)

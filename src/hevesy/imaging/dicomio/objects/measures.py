"""The codes of measures and derivations, read once from measures.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from hevesy.imaging.dicomio.objects.sources import Code
from hevesy.imaging.refusal import Refused

# CID 7464 General Region of Interest Measurement Modifiers.
DERIVATIONS: Final[dict[str, Code]] = {
    "mean": ("373098007", "SCT", "Mean"),
    "max": ("56851009", "SCT", "Maximum"),
    "min": ("255605001", "SCT", "Minimum"),
    "sd": ("386136009", "SCT", "Standard Deviation"),
    "peak": ("126031", "DCM", "Peak Value Within ROI"),
}
# What objects of before 2018 call the same: SNOMED RT identifiers.
_FORMER: Final[dict[tuple[str, str], str]] = {
    ("R-00317", "SRT"): "373098007",
    ("G-A437", "SRT"): "56851009",
    ("R-404FB", "SRT"): "255605001",
    ("R-10047", "SRT"): "386136009",
    ("G-D705", "SRT"): "118565006",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of measures.toml; unit is a UCUM code."""

    key: str
    code: Code
    unit: Code
    method: Code | None
    source: str
    checked: bool


@cache
def measures() -> dict[str, Measure]:
    """All rows by key."""
    text = files("hevesy.imaging.dicomio.objects").joinpath("measures.toml").read_text("utf-8")
    return {
        key: Measure(
            key,
            _code(row["code"]),
            _code(row["unit"]),
            _code(row["method"]) if "method" in row else None,
            row["source"],
            row["checked"],
        )
        for key, row in tomllib.loads(text).items()
    }


def measure(key: str) -> Measure:
    """The row of a key. Raises `Refused` (unknown_measure)."""
    try:
        return measures()[key]
    except KeyError:
        raise Refused(
            "unknown_measure",
            f"There is no code for the measure {key}; add it to measures.toml with its source.",
            f"测量项 {key} 没有对应编码，请连同来源加入 measures.toml。",
            key,
        ) from None


def key_of(code: Code, wanted: dict[str, Code]) -> str:
    """The key whose code has the same value and scheme; the value itself for a foreign code."""
    former = _FORMER.get(code[:2])
    same = (former, "SCT") if former else code[:2]
    for key, known in wanted.items():
        if known[:2] == same:
            return key
    return code[0]


def _code(parts: list[Any]) -> Code:
    value, scheme, meaning = (str(part) for part in parts)
    return value, scheme, meaning

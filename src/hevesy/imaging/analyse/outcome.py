"""What every analysis answers with: measures with units and ranges, curves, findings, provenance."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from hevesy.imaging.analyse.curves import TimeActivityCurve
from hevesy.imaging.analyse.regions import RegionSet
from hevesy.imaging.geometry.volume import Finding
from hevesy.imaging.refusal import Refused

Floats: TypeAlias = npt.NDArray[np.float64]

REFERENCE_TABLE: Final = Path(__file__).with_name("reference_ranges.toml")


@dataclass(frozen=True, slots=True)
class Reference:
    """The range called normal. low, high: None where open. checked: read in its source by us."""

    low: float | None
    high: float | None
    source: str
    checked: bool

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "low": self.low,
            "high": self.high,
            "source": self.source,
            "checked": self.checked,
        }


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a report. The key ends in its unit; value is None where it does not exist.

    standard_deviation: from counting statistics alone, None where it was not worked out. region:
    the name that a person gave to what was measured, in any language; the key is an English term.
    """

    key: str
    value: float | None
    units: str
    label_en: str
    label_zh: str
    reference: Reference | None = None
    standard_deviation: float | None = None
    region: str = ""

    @property
    def within_reference(self) -> bool | None:
        """Whether the value lies in the reference range; None without a value or a range."""
        if self.value is None or self.reference is None:
            return None
        low, high = self.reference.low, self.reference.high
        return (low is None or self.value >= low) and (high is None or self.value <= high)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "key": self.key,
            "value": _plain(self.value),
            "units": self.units,
            "standard_deviation": _plain(self.standard_deviation),
            "label_en": self.label_en,
            "label_zh": self.label_zh,
            "region": self.region,
            "reference": self.reference.as_json() if self.reference else None,
            "within_reference": self.within_reference,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a plot; `marks` draws points instead of a line."""

    x: Floats
    y: Floats
    label_en: str
    label_zh: str
    marks: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CurvePanel:
    """A plot of lines over one axis; `verticals` are x positions worth a mark."""

    title_en: str
    title_zh: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    verticals: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ImagePanel:
    """An image (rows, columns); regions are drawn on it. cyclic: values are angles in degrees."""

    title_en: str
    title_zh: str
    image: Floats
    regions: RegionSet | None = None
    view: str = ""
    cyclic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The answer of one study.

    study: its name on the command line. method: what was done, in one or two sentences. decay: how
    decay was dealt with. version: of the method, changes whenever numbers may. source: papers and
    guidelines. inputs: what was given besides images and regions, units in the keys. verdicts: what
    criteria say of the measures, as plain mappings with their own rule, source and `checked`.
    """

    study: str
    measures: tuple[Measure, ...]
    method: str
    decay: str
    version: str
    source: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    curves: tuple[TimeActivityCurve, ...] = ()
    panels: tuple[CurvePanel | ImagePanel, ...] = ()
    verdicts: tuple[Mapping[str, Any], ...] = ()

    def value(self, key: str) -> float | None:
        """The value of a measure. Raises KeyError if the study has no such measure."""
        return self.measure(key).value

    def measure(self, key: str) -> Measure:
        """The measure of that key. Raises KeyError."""
        for one in self.measures:
            if one.key == key:
                return one
        raise KeyError(key)

    def as_json(self) -> dict[str, Any]:
        """Plain values, free of not-a-number."""
        return {
            "study": self.study,
            "measures": [one.as_json() for one in self.measures],
            "findings": [
                {
                    "key": one.key,
                    "text_en": one.text_en,
                    "text_zh": one.text_zh,
                    "values": dict(one.values),
                }
                for one in self.findings
            ],
            "method": self.method,
            "decay": self.decay,
            "version": self.version,
            "source": self.source,
            "inputs": dict(self.inputs),
            "curves": [one.as_json() for one in self.curves],
            "verdicts": [dict(one) for one in self.verdicts],
        }


def reference(study: str, measure: str, *, table: Path | None = None) -> Reference | None:
    """The normal range of a measure, from the table beside this module or a site's own.

    None where the table has no such row. Raises `Refused` (`bad_table`) for a row without source.
    """
    row = _rows(table or REFERENCE_TABLE).get(study, {}).get(measure)
    if row is None:
        return None
    if not row.get("source") or "checked" not in row:
        raise bad_table(f"{study}.{measure}: source and checked are needed")
    return Reference(
        low=float(row["low"]) if "low" in row else None,
        high=float(row["high"]) if "high" in row else None,
        source=str(row["source"]),
        checked=bool(row["checked"]),
    )


@cache
def _rows(table: Path) -> dict[str, Any]:
    return tomllib.loads(table.read_text("utf-8"))


def bad_table(detail: str) -> Refused:
    """The refusal of a table that a site edited wrongly; `detail` names row and fault."""
    return Refused(
        "bad_table",
        f"The table is not usable: {detail}.",
        f"参考表无法使用：{detail}。",
        detail,
    )


def key_of(name: str, number: int) -> str:
    """The first part of a key for a region: its name in English, else its number from 1."""
    term = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") if name.isascii() else ""
    return term if re.match("[a-z]", term) else f"region_{number}"


def ratio(numerator: float, denominator: float) -> float | None:
    """A quotient, or None where it does not exist: no measure is ever infinite."""
    return numerator / denominator if denominator else None


def _plain(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None

"""Quality tests of a batch: which are due before release, what passes, what was read (clause 9.4).

Limits are the site's policy (`doses.qc.<tracer>`), delivered with their sources in seeds/qc.toml; nothing here decides
what a drug has to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language

from hevesy.records.catalogue.queries import policy
from hevesy.records.doses.models import Batch

GENERIC = "*"


@dataclass(frozen=True, slots=True)
class QualityTest:
    """One test. `lower`/`upper` bound a number; without both somebody judges. `before`: due before the release."""

    code: str
    name_zh: str
    name_en: str
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    before: bool = True
    source: str = ""

    @property
    def name(self) -> str:
        """The name in the language of the request."""
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh

    @property
    def is_number(self) -> bool:
        """Whether a number is read, rather than a judgement made."""
        return self.lower is not None or self.upper is not None

    @property
    def limit(self) -> str:
        """The limit as people write it: 4.5-8.5, ≥ 95 %, ≤ 50 µg/mL."""
        unit = f" {self.unit}" if self.unit else ""
        if self.lower is not None and self.upper is not None:
            return f"{self.lower:g}–{self.upper:g}{unit}"
        if self.lower is not None:
            return f"≥ {self.lower:g}{unit}"
        if self.upper is not None:
            return f"≤ {self.upper:g}{unit}"
        return ""

    def passes(self, value: Any) -> bool:
        """Whether a reading passes. Raises `ValueError` if a number is wanted and it is none."""
        if not self.is_number:
            return value in (True, "true", "pass", "on", "1", 1)
        number = float(value)
        if number != number or number in (float("inf"), float("-inf")):
            raise ValueError(f"{self.code}: not a number")
        return (self.lower is None or number >= self.lower) and (
            self.upper is None or number <= self.upper
        )


def tests_for(tracer_short: str) -> list[QualityTest]:
    """The tests that the site wants of a batch of the tracer; the general ones where it wants no special."""
    rows = policy(f"doses.qc.{tracer_short}", None) or policy(f"doses.qc.{GENERIC}", None) or []
    return [QualityTest(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class Reading:
    """The last reading of a test, and how many there were: a repeated test stays visible."""

    test: QualityTest
    value: Any
    passed: bool | None
    by: str
    at: str
    times: int

    @property
    def is_pending(self) -> bool:
        """Not read yet."""
        return self.passed is None


def readings(batch: Batch, wanted: Sequence[QualityTest] | None = None) -> list[Reading]:
    """Every test wanted of the batch with its last reading, in the order of the policy.

    `wanted`: the tests of its tracer, if they were read already (for lists of batches).
    """
    tests = tests_for(batch.tracer.short) if wanted is None else wanted
    known = {test.code for test in tests}
    # A test that was dropped from the policy later does not disappear from the record.
    extra = [QualityTest(code, code, code, before=False) for code in batch.qc if code not in known]
    found = []
    for test in [*tests, *extra]:
        rows: Sequence[Mapping[str, Any]] = batch.qc.get(test.code, [])
        last = rows[-1] if rows else {}
        found.append(
            Reading(
                test,
                last.get("value"),
                last.get("passed"),
                last.get("by", ""),
                last.get("at", ""),
                len(rows),
            )
        )
    return found


def entry(
    test: QualityTest, value: Any, *, by: str, at: datetime, reason: str = ""
) -> dict[str, Any]:
    """One reading as it is stored."""
    passed = test.passes(value)
    return {
        "value": float(value) if test.is_number else passed,
        "passed": passed,
        "by": by,
        "at": at.isoformat(),
        "reason": reason,
    }


def blocks_release(batch: Batch) -> list[Reading]:
    """The readings that forbid the release: due before it and missing, or failed."""
    return [
        reading
        for reading in readings(batch)
        if reading.passed is False or (reading.test.before and reading.is_pending)
    ]


def pending(batch: Batch, wanted: Sequence[QualityTest] | None = None) -> list[Reading]:
    """Tests that may come after the release and have not come: the release is conditional until then."""
    return [reading for reading in readings(batch, wanted) if reading.is_pending]

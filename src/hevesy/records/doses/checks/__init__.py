"""What is looked at before a radiopharmaceutical goes into a patient (clause 4.2; reliability H1, H5, H8).

Pure judgement: reads the records handed in, writes nothing, asks nobody. The page shows the list while the syringe is
still in its shield; `actions.administer` judges again under locks, so nothing that changes in between slips through.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hevesy.records.doses.checks import dose
from hevesy.records.doses.checks.dose import CLOCK_REFUSE_S, UNIT_SLIP, identity
from hevesy.records.doses.checks.findings import (
    Finding,
    Intent,
    Level,
    Limits,
    clock,
    planned_mbq,
)
from hevesy.records.doses.checks.patient import AGE_MAY_BE_PREGNANT, age_on, patient

__all__ = [
    "AGE_MAY_BE_PREGNANT",
    "CLOCK_REFUSE_S",
    "UNIT_SLIP",
    "Finding",
    "Intent",
    "Level",
    "Limits",
    "age_on",
    "clock",
    "identity",
    "judge",
    "planned_mbq",
    "unanswered",
    "worst",
]


def judge(intent: Intent, limits: Limits) -> list[Finding]:
    """Everything there is to say about the intended administration, worst things included; order of the page."""
    return [
        *identity(intent.step, intent.unit),
        *dose.expiry(intent),
        *dose.step(intent),
        *dose.times(intent),
        *dose.activity(intent, limits),
        *patient(intent, limits),
        *dose.clocks(intent),
    ]


def worst(findings: Sequence[Finding]) -> Level:
    """The heaviest level in the list."""
    return max((finding.level for finding in findings), default=Level.OK)


def unanswered(findings: Sequence[Finding], overrides: Sequence[dict[str, Any]]) -> list[Finding]:
    """Findings that want a reason and have none."""
    answered = {
        str(override.get("check"))
        for override in overrides
        if str(override.get("reason", "")).strip()
    }
    return [
        finding
        for finding in findings
        if finding.level in (Level.WARN, Level.SECOND) and finding.code not in answered
    ]

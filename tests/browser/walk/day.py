"""The patient of the walk, and what the stages hand on to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

NAME = "苏望舒"
MASKED = "苏*舒"
ID_CARD = "990000198508031242"
WEIGHT_KG = 104
HEIGHT_CM = 168


@dataclass
class Day:
    """What is known so far; `assayed_at` is the pre-injection assay, in the house's time."""

    assayed_at: datetime
    number: str = ""
    code: str = ""
    unit: str = ""
    unit_code: str = ""
    study_uid: str = ""

    def clock(self, minutes: float = 0) -> str:
        """A time of day, minutes after the assay."""
        return f"{self.assayed_at + timedelta(minutes=minutes):%H:%M:%S}"

"""What readers said about rows of lesion tables: accepted as a lesion, or rejected."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.scoring import WEIGHED

NEEDED: Final = tuple(sorted({name.removeprefix("log_") for name in WEIGHED}))


@dataclass(frozen=True, slots=True)
class Label:
    """One row with a reader's decision.

    study: any key that is the same for all rows of one study, and tells nothing about the patient.
    features: as `places.features_of` gives them, in the row's JSON under "features". pipeline:
    `LesionReport.version`. suggested: whether the table had included it. at: ISO 8601.
    """

    study: str
    tracer: str
    rule: str
    pipeline: str
    features: Mapping[str, float | None]
    suggested: bool
    accepted: bool
    at: str

    def as_json(self) -> dict[str, Any]:
        """Plain mapping, one line of a file of labels."""
        return {
            "study": self.study,
            "tracer": self.tracer,
            "rule": self.rule,
            "pipeline": self.pipeline,
            "suggested": self.suggested,
            "accepted": self.accepted,
            "at": self.at,
            "features": dict(self.features),
        }


def label_of(told: Any) -> Label:
    """A label from its JSON. Raises `ValueError` that says what is wrong with it."""
    if not isinstance(told, dict):
        raise ValueError("no JSON object")
    words: dict[str, str] = {}
    for name in ("study", "tracer", "rule", "pipeline", "at"):
        word = told.get(name)
        if not isinstance(word, str) or not word or not word.isprintable():
            raise ValueError(f"{name} is missing")
        words[name] = word
    datetime.fromisoformat(words["at"])
    for name in ("suggested", "accepted"):
        if not isinstance(told.get(name), bool):
            raise ValueError(f"{name} is neither true nor false")
    return Label(
        **words,
        features=checked_features(told.get("features")),
        suggested=told["suggested"],
        accepted=told["accepted"],
    )


def checked_features(told: Any) -> dict[str, float | None]:
    """Features by name, finite numbers or None. Raises `ValueError` where one is not or is missing."""
    if not isinstance(told, Mapping):
        raise ValueError("features are missing")
    for name, value in told.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value)):
            raise ValueError(f"feature {name} is no number")
    missing = [name for name in NEEDED if name not in told]
    if missing:
        raise ValueError(f"features are missing: {', '.join(missing)}")
    return {str(name): None if value is None else float(value) for name, value in told.items()}


def read_labels(path: Path) -> list[Label]:
    """A file of one JSON object per line; empty lines are skipped.

    Raises `Refused` with the number of the first line that is no label; `OSError`.
    """
    labels = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            labels.append(label_of(json.loads(line)))
        except ValueError as error:
            raise Refused(
                "no_label",
                f"Line {number} is no label of a lesion row; export the labels again.",
                f"第 {number} 行不是病灶标注，请重新导出标注。",
                str(error),
            ) from error
    return labels

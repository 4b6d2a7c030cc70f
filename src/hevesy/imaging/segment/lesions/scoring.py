"""How much a row looks like a lesion: a logistic of its features, by hand or learned weights.

The score orders the rows of the table and nothing else: what counts is decided by class and reader.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from hevesy.imaging.refusal import Refused

# What may be weighed. An unknown feature enters as 0, in learning as in use; for these 0 is a
# harmless guess. For Hounsfield units or the distance to gas, unknown without CT, it is not.
WEIGHED: Final = (
    "log_to_liver",
    "log_contrast",
    "log_ml",
    "log_component_ml",
    "flatness",
    "pair",
    "lung",
    "bone",
)
_LEAST: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Scoring:
    """Weights by name (`WEIGHED` and "constant"), where they come from, and for what they hold.

    tracer, pipeline: empty where they hold for any tracer, or any version of the lesion table.
    """

    weights: Mapping[str, float]
    source: str
    checked: bool
    tracer: str = ""
    pipeline: str = ""

    def score(self, features: Mapping[str, float | None]) -> float:
        """Logistic of the weighted features, 0 to 1."""
        total = self.weights["constant"]
        for name, weight in self.weights.items():
            if name != "constant":
                total += weight * weighed(features, name)
        return 1.0 / (1.0 + math.exp(-max(min(total, 50.0), -50.0)))

    def require(self, tracer: str, pipeline: str) -> None:
        """Raise `Refused` where the weights were learned from other rows than these."""
        if self.tracer not in ("", tracer):
            raise Refused(
                "score_of_other_tracer",
                f"These weights were learned for {self.tracer}; retrain for {tracer}.",
                f"该权重由 {self.tracer} 的标注学得，请用 {tracer} 的标注重新训练。",
            )
        if self.pipeline not in ("", pipeline):
            raise Refused(
                "score_of_other_version",
                f"These weights were learned from rows of {self.pipeline}; retrain with {pipeline}.",
                f"该权重由 {self.pipeline} 的结果学得，请用 {pipeline} 的标注重新训练。",
            )


def weighed(features: Mapping[str, float | None], name: str) -> float:
    """One feature as it is weighed: "log_x" is the natural logarithm of x; unknown is 0."""
    value = features[name.removeprefix("log_")]
    if value is None:
        return 0.0
    return math.log(max(value, _LEAST)) if name.startswith("log_") else float(value)


@lru_cache(maxsize=1)
def hand_scoring() -> Scoring:
    """The weights set by hand, `score.toml` beside this file."""
    return read_scoring(Path(__file__).parent / "score.toml")


def read_scoring(path: Path) -> Scoring:
    """Weights from a file like `score.toml`. Raises `Refused` for one that is not; `OSError`."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        learned = told.get("learned", {})
        scoring = Scoring(
            weights={str(name): float(one) for name, one in told["weights"].items()},
            source=str(told["source"]),
            checked=told["checked"] is True,
            tracer=str(learned.get("tracer", "")),
            pipeline=str(learned.get("pipeline", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_score_file(path, str(error)) from error
    if not all(map(math.isfinite, scoring.weights.values())):
        raise _no_score_file(path, "a weight is no number")
    if "constant" not in scoring.weights or set(scoring.weights) - {*WEIGHED, "constant"}:
        raise _no_score_file(path, f"weights {', '.join(scoring.weights)}")
    return scoring


def _no_score_file(path: Path, why: str) -> Refused:
    return Refused(
        "no_score_file",
        "This is no file of score weights; make one with `hevesy image retrain`.",
        "这不是评分权重文件，请用 `hevesy image retrain` 生成。",
        f"{path.name}: {why}",
    )

"""Score weights from what the readers of one department accepted and rejected.

The table puts suggested rows first and the score orders them, so only labels of suggested rows are
learned from and judged on: organs that the classes leave out would teach what tells organs from
lesions, which the order of the others does not ask.

Logistic regression with an L2 penalty on standardised features (Hosmer, Lemeshow: Applied Logistic
Regression; the penalty is a normal prior of SD 1 on each). What it is worth is judged on studies
it has not seen, beside the hand weights on the same rows; only better weights are to be used.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hevesy.imaging.geometry import Finding
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.labels import Label
from hevesy.imaging.segment.lesions.scoring import WEIGHED, Scoring, hand_scoring, weighed

VERSION: Final = "hevesy-lesion-learning/1"
LEAST_LABELS: Final = 40
LEAST_OF_A_KIND: Final = 10
LEAST_STUDIES: Final = 5
_FOLDS: Final = 10
_PENALTY: Final = 1.0
_DRAWS: Final = 500
Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Learned:
    """Learned weights and what they are worth.

    labels: those learned from; not_suggested: those left aside, of rows that were not suggested.
    auc: of the learned weights on studies left out of the fit; hand_auc: of the hand weights on
    the same rows; gain_interval: 95 % of auc - hand_auc when studies are drawn again (bootstrap).
    first, last: ISO 8601 of the labels. better: whether they should replace the hand weights.
    """

    scoring: Scoring
    labels: int
    not_suggested: int
    accepted: int
    studies: int
    first: str
    last: str
    auc: float
    hand_auc: float
    gain_interval: tuple[float, float]
    findings: tuple[Finding, ...]
    units: str = "none"
    method: str = "logistic, L2 penalty 1 on standardised features, folds by study"
    version: str = VERSION

    @property
    def better(self) -> bool:
        """Whether studies that were left out are told better than by hand."""
        return self.auc > self.hand_auc

    def as_json(self) -> dict[str, Any]:
        """Plain mapping."""
        return {
            "weights": dict(self.scoring.weights),
            "tracer": self.scoring.tracer,
            "pipeline": self.scoring.pipeline,
            "labels": self.labels,
            "not_suggested": self.not_suggested,
            "accepted": self.accepted,
            "studies": self.studies,
            "first": self.first,
            "last": self.last,
            "auc": self.auc,
            "hand_auc": self.hand_auc,
            "gain_interval_95": list(self.gain_interval),
            "better": self.better,
            "findings": [
                {"key": one.key, "text_en": one.text_en, "text_zh": one.text_zh}
                for one in self.findings
            ],
            "method": self.method,
            "source": self.scoring.source,
            "checked": self.scoring.checked,
            "version": self.version,
        }

    def as_toml(self) -> str:
        """The file that `scoring.read_scoring` and `--score` take."""
        told = self.as_json()
        # Strings of JSON are strings of TOML, and so are its finite numbers.
        learned = (
            "tracer", "pipeline", "labels", "not_suggested", "accepted", "studies", "first", "last",
            "auc", "hand_auc", "gain_interval_95", "method", "version",
        )  # fmt: skip
        lines = [
            "# Weights that order the rows of the lesion table, learned from labels of readers.",
            f"source = {_written(told['source'])}",
            "checked = false",
            "",
            "[weights]",
            *(f"{name} = {_written(one)}" for name, one in told["weights"].items()),
            "",
            "[learned]",
            *(f"{name} = {_written(told[name])}" for name in learned),
        ]
        return "\n".join(lines) + "\n"


def fit(labels: Sequence[Label], *, mix_tracers: bool = False) -> Learned:
    """Learn weights from the labels of suggested rows; the order of the labels changes nothing.

    mix_tracers: one set of weights for all tracers. Raises `Refused`: no or too few labels, of
    one kind only, of too few studies, of several pipeline versions or (unless asked) tracers.
    """
    suggested = [one for one in labels if one.suggested]
    rows = sorted(suggested, key=lambda one: json.dumps(one.as_json(), sort_keys=True))
    _require(rows, mix_tracers=mix_tracers)
    columns = np.array([[weighed(one.features, name) for name in WEIGHED] for one in rows])
    accepted = np.array([one.accepted for one in rows])
    studies = np.array([one.study for one in rows])
    weights = _weights(columns, accepted)
    unseen = np.empty(len(rows))
    for left_out in _folds(rows):
        out = np.isin(studies, left_out)
        own = _weights(columns[~out], accepted[~out])
        unseen[out] = own[0] + columns[out] @ own[1:]
    hand = hand_scoring()
    by_hand = np.array([hand.score(one.features) for one in rows])
    tracers = sorted({one.tracer for one in rows})
    at = sorted(one.at for one in rows)
    kept = int(accepted.sum())
    scoring = Scoring(
        weights=dict(zip(("constant", *WEIGHED), weights.tolist(), strict=True)),
        source=(
            f"learned from {len(rows)} labels ({kept} accepted) of {len(set(studies))} studies,"
            f" {', '.join(tracers)}, {at[0][:10]} to {at[-1][:10]}"
        ),
        checked=False,
        tracer=tracers[0] if len(tracers) == 1 else "",
        pipeline=rows[0].pipeline,
    )
    learned = auc(unseen, accepted), auc(by_hand, accepted)
    interval = _gain_interval(unseen, by_hand, accepted, studies)
    return Learned(
        scoring=scoring,
        labels=len(rows),
        not_suggested=len(labels) - len(rows),
        accepted=kept,
        studies=len(set(studies)),
        first=at[0],
        last=at[-1],
        auc=learned[0],
        hand_auc=learned[1],
        gain_interval=interval,
        findings=_findings(rows, *learned, interval),
    )


def auc(score: Array, accepted: Bools) -> float:
    """Probability that an accepted row scores above a rejected one, ties half (Mann and Whitney)."""
    from scipy.stats import rankdata

    kept = int(accepted.sum())
    others = len(accepted) - kept
    above = rankdata(score)[accepted].sum() - kept * (kept + 1) / 2
    return float(above / (kept * others))


def _require(rows: Sequence[Label], *, mix_tracers: bool) -> None:
    if len({one.pipeline for one in rows}) > 1:
        raise Refused(
            "mixed_versions",
            "The labels were made with several versions of the lesion table; keep those of one.",
            "标注来自不同版本的病灶列表，请只保留同一版本的标注。",
            ", ".join(sorted({one.pipeline for one in rows})),
        )
    if len({one.tracer for one in rows}) > 1 and not mix_tracers:
        raise Refused(
            "mixed_tracers",
            "The labels are of several tracers; choose one, or ask for all of them together.",
            "标注来自多种示踪剂，请选择一种，或明确要求合并。",
            ", ".join(sorted({one.tracer for one in rows})),
        )
    kept = sum(one.accepted for one in rows)
    fewest = min(kept, len(rows) - kept)
    if len(rows) < LEAST_LABELS or fewest < LEAST_OF_A_KIND:
        raise Refused(
            "too_few_labels",
            f"At least {LEAST_LABELS} labels of suggested rows are needed, {LEAST_OF_A_KIND} of them"
            f" accepted and {LEAST_OF_A_KIND} rejected; label more rows.",
            f"至少需要 {LEAST_LABELS} 条针对建议病灶的标注，其中接受和排除各不少于 {LEAST_OF_A_KIND} 条，请继续标注。",
            f"{kept} accepted, {len(rows) - kept} rejected",
        )
    studies = {one.study for one in rows}
    # Weights without one kind of label cannot be judged: each kind must be left when a study is not.
    each = [{one.study for one in rows if one.accepted is kind} for kind in (True, False)]
    if len(studies) < LEAST_STUDIES or min(map(len, each)) < 2:
        raise Refused(
            "too_few_studies",
            f"Labels of at least {LEAST_STUDIES} studies are needed, accepted and rejected ones"
            " each in two or more; label more studies.",
            f"至少需要 {LEAST_STUDIES} 次检查的标注，接受和排除的标注各见于两次以上检查，请标注更多检查。",
            f"{len(studies)} studies",
        )


def _folds(rows: Sequence[Label]) -> list[list[str]]:
    """Studies dealt out over the folds, so that no fold takes all labels of one kind."""
    kinds: dict[str, set[bool]] = defaultdict(set)
    for one in rows:
        kinds[one.study].add(one.accepted)
    # By kind, those with both in the middle: two studies with one kind in common never share a
    # fold while they are neighbours. Within a kind by hash, which has no order of time.
    ordered = sorted(
        kinds,
        key=lambda study: (
            False in kinds[study],
            True not in kinds[study],
            hashlib.sha256(study.encode()).digest(),
        ),
    )
    folds = min(_FOLDS, len(ordered))
    return [ordered[first::folds] for first in range(folds)]


def _weights(columns: Array, accepted: Bools) -> Array:
    """Constant and weights of the columns as they are; a column that never changes weighs 0."""
    from scipy.optimize import minimize
    from scipy.special import expit

    spread = columns.std(axis=0)
    middle = columns.mean(axis=0)
    used = spread > 1e-9
    spread = np.where(used, spread, 1.0)
    design = np.column_stack((np.ones(len(columns)), (columns - middle) / spread * used))
    penalty = np.full(design.shape[1], _PENALTY)
    penalty[0] = 0.0
    sign = np.where(accepted, 1.0, -1.0)

    def loss(beta: Array) -> float:
        return float(np.logaddexp(0.0, -sign * (design @ beta)).sum() + 0.5 * penalty @ beta**2)

    def slope(beta: Array) -> Array:
        return np.asarray(design.T @ (expit(design @ beta) - accepted) + penalty * beta)

    def bend(beta: Array) -> Array:
        p = expit(design @ beta)
        return np.asarray((design.T * (p * (1 - p))) @ design + np.diag(penalty))

    found = minimize(
        loss, np.zeros(design.shape[1]), jac=slope, hess=bend, method="trust-exact",
        options={"gtol": 1e-9 * len(columns)},
    )  # fmt: skip
    beta = found.x
    scaled = beta[1:] * used / spread
    return np.concatenate(([beta[0] - scaled @ middle], scaled))


def _gain_interval(
    unseen: Array, by_hand: Array, accepted: Bools, studies: npt.NDArray[np.str_]
) -> tuple[float, float]:
    """2.5 and 97.5 percentile of the gain in AUC over studies drawn with replacement."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(studies == one) for one in sorted(set(studies))]
    gains: list[float] = []
    while len(gains) < _DRAWS:
        drawn: Ints = np.concatenate(
            [members[one] for one in rng.integers(len(members), size=len(members))]
        )
        kinds = accepted[drawn]
        if kinds.all() or not kinds.any():
            continue
        gains.append(auc(unseen[drawn], kinds) - auc(by_hand[drawn], kinds))
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _findings(
    rows: Sequence[Label], learned: float, by_hand: float, interval: tuple[float, float]
) -> tuple[Finding, ...]:
    findings = []
    if learned <= by_hand:
        findings.append(
            Finding(
                "not_better_than_hand",
                "The learned weights tell lesions no better than the hand weights; keep those.",
                "学得的权重不优于默认权重，请继续使用默认权重。",
            )
        )
    elif interval[0] <= 0:
        findings.append(
            Finding(
                "gain_uncertain",
                "The gain over the hand weights may be chance; more labelled studies would tell.",
                "优于默认权重可能出于偶然，需更多检查的标注才能判断。",
            )
        )
    rules = sorted({one.rule for one in rows})
    if len(rules) > 1:
        findings.append(
            Finding(
                "mixed_rules",
                f"The labelled rows were bounded by several rules: {', '.join(rules)}.",
                f"标注的区域由不同阈值规则勾画：{'、'.join(rules)}。",
                {"rules": rules},
            )
        )
    return tuple(findings)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

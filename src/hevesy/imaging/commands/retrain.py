"""Learn score weights from labels: `hevesy image retrain LABELS.jsonl --out SCORE.toml --json`.

LABELS holds one JSON object per line, as `hevesy retrain --labels` exports them. Nothing is written
unless the learned weights tell lesions better than the hand weights, on studies left out of the
fit. Exit status 0 if the file was written.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from hevesy.imaging.commands import answer, complain, existing
from hevesy.imaging.segment.lesions.labels import read_labels
from hevesy.imaging.segment.lesions.learning import Learned, fit
from hevesy.imaging.segment.lesions.tracers import TRACERS


def add_arguments(parser: ArgumentParser) -> None:
    """Declare labels, target and tracer."""
    parser.add_argument("labels", type=Path, metavar="LABELS", help="one JSON object per line")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="weights (TOML)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tracer", choices=TRACERS, help="only labels of this tracer")
    which.add_argument("--mix-tracers", action="store_true", help="one set of weights for all")
    parser.add_argument("--json", action="store_true", help="answer as JSON")


def run(arguments: Namespace) -> int:
    """Learn, judge, write; returns the exit status."""
    existing(arguments.labels)
    labels = read_labels(arguments.labels)
    if arguments.tracer:
        labels = [one for one in labels if one.tracer == arguments.tracer]
    complain(f"learning from {len(labels)} labels")
    learned = fit(labels, mix_tracers=arguments.mix_tracers)
    if learned.better:
        arguments.out.write_text(learned.as_toml(), encoding="utf-8")
    if arguments.json:
        status: dict[str, str | None] = {"status": "ok", "written": str(arguments.out)}
        if not learned.better:
            status = {"status": "refused", "reason": "not_better_than_hand", "written": None}
        answer({**status, **learned.as_json()})
    else:
        sys.stdout.write("\n".join(lines(learned)) + "\n")
    return 0 if learned.better else 1


def lines(learned: Learned) -> list[str]:
    """What was learned and what it is worth, for a person."""
    low, high = learned.gain_interval
    return [
        learned.scoring.source,
        f"area under the ROC curve on studies left out: {learned.auc:.3f}, hand weights"
        f" {learned.hand_auc:.3f}, gain 95 % {low:+.3f} to {high:+.3f}",
        *(f"! [{one.key}] {one.text_en} {one.text_zh}" for one in learned.findings),
    ]

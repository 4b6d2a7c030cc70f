"""`hevesy retrain`: learn the order of the lesion table from the department's own labels."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.imaging.commands.retrain import lines
from hevesy.imaging.refusal import Refused
from hevesy.imaging.segment.lesions.learning import fit
from hevesy.imaging.segment.lesions.report import VERSION
from hevesy.imaging.segment.lesions.tracers import TRACERS
from hevesy.records.findings.lesion_tables import score_path
from hevesy.records.findings.lesions import labels_to_learn_from


class Command(BaseCommand):
    """Exit code 1 when nothing was written: too few labels, or no better than the hand weights."""

    help = (
        "Learn score weights of the lesion table from what readers accepted and rejected; exits 1"
        " when they are no better than the hand weights and nothing was written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--out",
            type=Path,
            metavar="FILE",
            help="default: in the folder HEVESY_MODELS, where the lesion tables find it",
        )
        parser.add_argument("--tracer", choices=TRACERS, default="FDG")
        parser.add_argument(
            "--labels", type=Path, metavar="FILE", help="also write the labels, one JSON per line"
        )

    def handle(
        self, *arguments: Any, out: Path | None, tracer: str, labels: Path | None, **options: Any
    ) -> None:
        out = out or score_path(tracer)
        rows = list(labels_to_learn_from(pipeline=VERSION, tracer=tracer))
        if labels is not None:
            text = "".join(json.dumps(one.as_json(), allow_nan=False) + "\n" for one in rows)
            labels.write_text(text, encoding="utf-8")
        try:
            learned = fit(rows)
        except Refused as refusal:
            raise CommandError(
                f"{refusal.text_en} {refusal.text_zh} [{refusal.key}] {refusal.detail}"
            ) from refusal
        for line in lines(learned):
            self.stdout.write(line)
        if not learned.better:
            raise CommandError(f"{out} was not written")
        out.parent.mkdir(parents=True, exist_ok=True)
        unfinished = out.with_name(f".{out.name}.{os.getpid()}")
        unfinished.write_text(learned.as_toml(), encoding="utf-8")
        unfinished.replace(out)  # a table that is made now reads the old weights or the new ones

"""`hevesy lesions STUDY_INSTANCE_UID`: ask for the lesion tables of a study again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

from hevesy.foundation.accounts.actors import Refused, system_actor
from hevesy.imaging.segment.lesions.tracers import TRACERS
from hevesy.records.archive.models import Study
from hevesy.records.findings.lesion_tables import DEFAULT_RULE, ask_lesion_tables


class Command(BaseCommand):
    """Exit code 1 when nothing was asked for."""

    help = (
        "Ask for the lesion tables of a study; a worker of the lane `imaging` computes them. A table that is there"
        " for the same images and method is not computed again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study_instance_uid", metavar="STUDY_INSTANCE_UID")
        parser.add_argument("--rule", default=DEFAULT_RULE, help="threshold (default %(default)s)")
        parser.add_argument(
            "--tracer", choices=TRACERS, default="", help="default: that of the images"
        )

    def handle(
        self, *arguments: Any, study_instance_uid: str, rule: str, tracer: str, **options: Any
    ) -> None:
        study = Study.objects.filter(study_instance_uid=study_instance_uid).first()
        if study is None:
            raise CommandError(f"no study {study_instance_uid}")
        by = system_actor("command: lesions", "findings.write", channel="command")
        try:
            with override("en"):
                series = ask_lesion_tables(by, study, rule=rule, tracer=tracer)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for one in series:
            self.stdout.write(f"asked for {one.series_instance_uid} {one.description}".rstrip())

"""`hevesy worker`: run background jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.worker import Worker


class Command(BaseCommand):
    help = "Run background jobs until stopped (SIGTERM lets the running job finish)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--lane",
            action="append",
            default=[],
            metavar="NAME",
            help="only jobs of this queue (imaging, volumes, slow, default); may be repeated",
        )
        parser.add_argument(
            "--except",
            action="append",
            default=[],
            dest="but",
            metavar="NAME",
            help="all jobs but those of this queue; may be repeated",
        )
        parser.add_argument("--once", action="store_true", help="end when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker(leases.Queues(only=tuple(options["lane"]), but=tuple(options["but"])))
        worker.take_signals()
        worker.work(once=options["once"])

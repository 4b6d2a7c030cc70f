"""`hevesy worker`: run background jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hevesy.foundation.jobs.worker import Worker


class Command(BaseCommand):
    help = "Run background jobs until stopped (SIGTERM lets the running job finish)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", default="", help="only these queues, separated by commas; default: all"
        )
        parser.add_argument("--once", action="store_true", help="end when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        queues = [name for name in options["queues"].split(",") if name]
        worker = Worker(queues)
        worker.take_signals()
        worker.work(once=options["once"])

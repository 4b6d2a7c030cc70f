"""`hevesy worker`: run background jobs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hevesy.foundation.jobs import leases
from hevesy.foundation.jobs.worker import Worker


def names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name for name in text.split(",") if name)


class Command(BaseCommand):
    help = "Run background jobs until stopped (SIGTERM lets the running job finish)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--queues", default="", help="only these queues, separated by commas; default: all"
        )
        parser.add_argument(
            "--except", dest="except_queues", default="", help="all queues but these"
        )
        parser.add_argument("--once", action="store_true", help="end when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        worker = Worker(
            leases.Queues(only=names(options["queues"]), but=names(options["except_queues"]))
        )
        worker.take_signals()
        worker.work(once=options["once"])

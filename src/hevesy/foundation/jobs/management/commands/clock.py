"""`hevesy clock`: run periodic functions."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from hevesy.foundation.jobs import clock, leases


class Command(BaseCommand):
    help = "Run periodic functions until stopped. Of several clocks only one is active at a time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="run what is due now and end")
        parser.add_argument("--list", action="store_true", help="list the periodic functions")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            for entry in clock.ENTRIES.values():
                self.stdout.write(f"{entry.name}\tevery {entry.seconds:g} s")
            return
        if options["once"]:
            for name in clock.tick(leases.owner_name()):
                self.stdout.write(name)
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stopping.set())
        clock.run(stopping)

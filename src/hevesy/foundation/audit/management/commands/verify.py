"""`hevesy verify`: check the audit and report chains."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.foundation.audit.verification import verify


class Command(BaseCommand):
    help = (
        "Check the audit and report chains; name every row that was changed, deleted or inserted."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=50, help="name at most so many rows")

    def handle(self, *args: Any, **options: Any) -> None:
        def show(rows: int) -> None:
            if self.stderr.isatty():
                self.stderr.write(f"\r{rows} rows", ending="")

        outcome = verify(show)
        for finding in outcome.findings[: options["limit"]]:
            self.stdout.write(str(finding))
        if not outcome.ok:
            raise CommandError(
                f"{len(outcome.findings)} findings; the first: {outcome.findings[0]}"
            )
        self.stdout.write(f"{outcome.rows} audit rows: every chain is whole.")

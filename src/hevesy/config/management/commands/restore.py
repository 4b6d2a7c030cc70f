"""`hevesy restore FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.config.backup import RestoreRefused, restore


class Command(BaseCommand):
    """Exit code 1 when the backup is damaged or this home is not empty; then nothing looks restored."""

    help = "Restore a backup into an empty HEVESY_HOME and an empty database."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `hevesy backup` wrote")

    def handle(self, *arguments: Any, file: Path, **options: Any) -> None:
        try:
            count = restore(file.resolve(), progress=self._show)
        except RestoreRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"{count} objects and the database are restored; now run `hevesy fsck --full`"
        )

    def _show(self, count: int) -> None:
        if sys.stderr.isatty() and count % 100 == 0:
            self.stderr.write(f"\r{count} objects", ending="")

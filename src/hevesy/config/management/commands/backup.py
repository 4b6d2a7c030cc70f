"""`hevesy backup FILE`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.config.backup import BackupFailed, backup
from hevesy.foundation.accounts.actors import system_actor


class Command(BaseCommand):
    """Exit code 1 when no backup was made, or when an object that the database names could not go in."""

    help = "Save database, objects, keys and anchors into one file, while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a new file; keep it as safe as the server")

    def handle(self, *arguments: Any, file: Path, **options: Any) -> None:
        try:
            done = backup(
                file.resolve(),
                by=system_actor("command: backup", channel="command"),
                progress=self._show,
            )
        except BackupFailed as failure:
            raise CommandError(str(failure)) from failure
        self.stdout.write(f"{done.objects} objects, {done.size / 1e6:.1f} MB in {file}")
        for key in done.missing:
            self.stdout.write(f"missing: {key}")
        for key in done.damaged:
            self.stdout.write(f"damaged: {key}")
        if done.missing or done.damaged:
            raise CommandError("some objects are not in the backup: run `hevesy fsck --full`")

    def _show(self, count: int, total: int) -> None:
        if sys.stderr.isatty() and (count % 100 == 0 or count == total):
            self.stderr.write(f"\r{count} of {total} objects", ending="")

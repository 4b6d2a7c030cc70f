"""`hevesy fsck`: compare the rows with the stored objects."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.files.store import StoreError, store
from hevesy.records.archive.fsck import DAMAGE, check


class Command(BaseCommand):
    """Exit code 1 when an object is lost, short or changed; orphans alone are no damage."""

    help = (
        "Compare the database with the stored objects; exits 1 when something is lost or damaged."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--full", action="store_true", help="read every byte and compare hashes"
        )
        parser.add_argument(
            "--repair",
            action="store_true",
            help="adopt or remove objects without a row that are older than 24 hours",
        )

    def handle(self, *arguments: Any, full: bool, repair: bool, **options: Any) -> None:
        try:
            store().check()
        except StoreError as error:
            raise CommandError(f"the object store cannot be read: {error}") from error
        by = system_actor("command: fsck", "archive.store", channel="command")
        counts: Counter[str] = Counter()
        for finding in check(full=full, repair=repair, by=by, progress=_Progress(self.stderr)):
            counts[finding.kind] += 1
            self.stdout.write(f"{finding.kind}: {finding.key} ({finding.what})")
        damage = sum(counts[kind] for kind in DAMAGE)
        summary = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        self.stdout.write(f"fsck: {summary or 'everything is in its place'}")
        if damage:
            raise CommandError(f"{damage} objects are lost or damaged; restore them from a backup")


class _Progress:
    """One line on a terminal, rewritten once a second."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.shown_at = time.monotonic()

    def __call__(self, count: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - self.shown_at > 1:
            self.shown_at = time.monotonic()
            self.stream.write(f"\r{count} checked", ending="")

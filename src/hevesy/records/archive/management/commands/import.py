# ruff: noqa: N999 - the command is called `hevesy import`
"""`hevesy import PATH…`: take DICOM files, folders, discs and zip archives into the archive."""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.foundation.accounts.actors import Actor, system_actor
from hevesy.records.archive.importing import Found, SourceRefused, objects_in
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.refusals import ObjectRefused, StorageExhausted, reason_text
from hevesy.records.archive.settling import settle


class Command(BaseCommand):
    """Importing twice is harmless: what is there already is not written again."""

    help = "Import DICOM files, folders and zip archives; exits 1 when something was refused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")

    def handle(self, *arguments: Any, paths: list[Path], **options: Any) -> None:
        by = system_actor("command: import", "archive.store", channel="command")
        self.counts: Counter[str] = Counter()
        self.studies: set[int] = set()
        self.shown_at = time.monotonic()
        failures = 0
        for path in paths:
            try:
                for found in objects_in(path):
                    self._take(found, by)
            except SourceRefused as refusal:
                failures += 1
                self.stderr.write(str(refusal))
            except StorageExhausted as exhausted:
                self._settle()
                raise CommandError(str(exhausted)) from exhausted
        self._settle()
        self.stdout.write(self._summary())
        if failures or self.counts["refused"] or not self.counts.total() - self.counts["skipped"]:
            raise CommandError("not everything could be imported")

    def _take(self, found: Found | str, by: Actor) -> None:
        if isinstance(found, str):
            self.counts["skipped"] += 1
            return
        try:
            received = receive(found.path, by=by, received_from="import")
        except StorageExhausted:
            raise
        except ObjectRefused as refusal:
            self.counts["refused"] += 1
            self.stderr.write(f"{found.name}: {refusal}")
            return
        self.counts[received.outcome] += 1
        if received.reason:
            self.stderr.write(f"{found.name}: {reason_text(received.reason)}")
        if received.instance is not None and received.outcome == "stored":
            self.studies.add(received.instance.series.study_id)
        if sys.stdout.isatty() and time.monotonic() - self.shown_at > 1:
            self.shown_at = time.monotonic()
            self.stdout.write(f"\r{self._summary()}", ending="")

    def _settle(self) -> None:
        """All that will come is there: no need to wait for quiet."""
        for study_id in sorted(self.studies):
            settle(study_id, by=system_actor("archive"), quiet_s=0)

    def _summary(self) -> str:
        count = self.counts
        return (
            f"{count['stored']} stored, {count['duplicate']} there already, "
            f"{count['conflict']} kept aside, {count['refused']} refused, "
            f"{count['skipped']} other files skipped"
        )

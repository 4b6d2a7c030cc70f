"""`hevesy doctor`: look whether this installation can work, and say what to do where it cannot."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hevesy.config.doctor import examine


class Command(BaseCommand):
    help = "Check this installation: program, database, storage, keys, clock, disk; exits non-zero on a failure."

    def handle(self, *args: Any, **options: Any) -> None:
        failed = 0
        for finding in examine():
            failed += finding.grade == "FAIL"
            self.stdout.write(f"{finding.grade:<5}{finding.what}")
        if failed:
            raise CommandError(f"{failed} failures")

"""`hevesy seed`: make the roles, catalogue and settings that a new installation needs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from hevesy.foundation.accounts.seeding import run_seeders


class Command(BaseCommand):
    help = "Make the roles, catalogue entries and settings that are missing. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            made = run_seeders()
        for line in made:
            self.stdout.write(line)
        self.stdout.write(f"seed: {len(made)} made or updated")

"""`hevesy demo`: load a believable day, once."""

from __future__ import annotations

import datetime as dt
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.utils import timezone, translation

from hevesy.demo.clock import Clock, play, played, without_waiting_for_the_disk
from hevesy.demo.day import MORNING_MIN, Department
from hevesy.foundation.accounts.checks import listens_beyond_loopback
from hevesy.foundation.accounts.queries import administrators
from hevesy.records.exams.models import Exam


class Command(BaseCommand):
    """Accounts of the public contract, 31 invented patients in all states, computed whole-body PET/CT."""

    help = (
        "Load the demonstration day: accounts with the public password hevesy-demo, invented patients in every state, "
        "computed PET/CT. Refused unless every listener is on loopback. With HEVESY_DEMO_DATA it imports that folder "
        "of DICOM as well."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="drop the whole database first; all data are lost"
        )
        parser.add_argument(
            "--people-only",
            action="store_true",
            help="engage the staff and register the stations, without patients: an empty morning to try everything",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if listens_beyond_loopback():
            raise CommandError(
                "The demo's passwords are public: every listener must be on 127.0.0.1."
            )
        if not settings.DEMO:
            raise CommandError(
                "Set HEVESY_DEMO=1: every page and paper of a demo is marked as such."
            )
        if options["reset"]:
            reset_database()
            call_command("migrate", verbosity=0)
            call_command("seed", verbosity=0)
        if administrators(demo=True).exists():
            self.stdout.write("The demo day is loaded already; --reset starts a new one.")
            return
        if Exam.objects.exists():
            raise CommandError(
                "This database holds real examinations. The demo needs an empty one."
            )
        now = timezone.now()
        if options["people_only"]:
            with transaction.atomic():
                Department(now).open()
            return
        with translation.override(settings.LANGUAGE_CODE):
            self._play(now)
        folder = os.environ.get("HEVESY_DEMO_DATA")
        if folder:
            call_command("import", Path(folder))
        self.stdout.write(f"{Exam.objects.count()} examinations loaded.")

    def _play(self, now: dt.datetime) -> None:
        department = Department(now)
        clock = Clock(department.at(MORNING_MIN - 5))
        shown = -1

        def progress(at: dt.datetime) -> None:
            nonlocal shown
            share = round(100 * (1 - (now - at).total_seconds() / (-MORNING_MIN * 60)))
            if share // 10 != shown // 10:
                shown = share
                self.stdout.write(f"  {timezone.localtime(at):%H:%M}  {max(share, 0)} %")

        with played(clock), without_waiting_for_the_disk():
            department.open()
            play(department.scripts(), clock, now, progress)


def reset_database() -> None:
    """Drop and make anew: append-only tables are never emptied, their triggers never switched off."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")

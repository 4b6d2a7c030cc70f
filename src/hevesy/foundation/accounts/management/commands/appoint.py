"""`hevesy appoint NAME`: make the first security administrator, who then makes everybody else."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.foundation.accounts.actors import Refused
from hevesy.foundation.accounts.first import appoint


class Command(BaseCommand):
    help = "Make the first security administrator of a new installation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="login name")
        parser.add_argument(
            "--name", default="", help="the person's name (default: the login name)"
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["password_stdin"]:
            password = sys.stdin.readline().rstrip("\n")
        else:
            password = getpass.getpass("Password: ")
            if getpass.getpass("Again: ") != password:
                raise CommandError("The two entries differ.")
        try:
            user = appoint(
                username=options["username"],
                name_zh=options["name"] or options["username"],
                password=password,
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.username}: security administrator")

"""`hevesy run`: everything in one command."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.config import supervisor
from hevesy.config.management.commands.web import host_and_port
from hevesy.foundation.accounts.checks import start_refusals
from hevesy.foundation.accounts.first import console_code
from hevesy.foundation.accounts.models import User

logger = logging.getLogger(__name__)

READY_WITHIN_S = 120


class Command(BaseCommand):
    help = (
        "Migrate, seed, and run all services: web, DICOM, HL7, workers, clock. "
        "With HEVESY_DEMO=1 loads the demo day first. SIGTERM stops within 30 s."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--prepare-only", action="store_true", help="migrate, seed and collect, then end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.prepare()
        if options["prepare_only"]:
            return
        refusals = start_refusals(settings.HTTP_ADDRESS)
        if refusals:
            raise CommandError("\n".join(str(refusal) for refusal in refusals), returncode=78)
        logging.getLogger("hevesy.config").setLevel(logging.INFO)
        running = supervisor.Supervisor(supervisor.services(set(get_commands())))
        running.take_signals()
        threading.Thread(target=self.announce, daemon=True).start()
        status = running.run()
        self.say("")
        # Nothing is left to clean up, and unloading every module can take longer than stopping every service.
        os._exit(status)

    def prepare(self) -> None:
        """Bring database, catalogue, static files and (once) the demo day to where this version expects them."""
        commands = get_commands()
        self.say("数据库 database …")
        call_command("migrate", interactive=False, verbosity=0)
        if "seed" in commands:
            self.say("基础数据 catalogue …")
            call_command("seed", verbosity=0)
        self.say("页面文件 static files …")
        call_command("collectstatic", interactive=False, verbosity=0)
        if settings.DEMO and "demo" in commands:
            self.say("演示数据 demo day …")
            call_command("demo")

    def announce(self) -> None:
        """Say where it is once it answers."""
        scheme = "https" if settings.TLS_CERT else "http"
        address = host_and_port(settings.HTTP_ADDRESS)
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end:
            try:
                socket.create_connection(address, timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        else:
            logger.error("the web server does not answer on %s", settings.HTTP_ADDRESS)
            return
        self.say("")
        self.say(f"Hevesy    {scheme}://{settings.HTTP_ADDRESS}/")
        if "dicom" in get_commands():
            self.say(f"DICOM     {settings.AE_TITLE}@{settings.DICOM_ADDRESS}")
        if "hl7" in get_commands():
            self.say(f"HL7       {settings.HL7_ADDRESS}")
        self.say(f"数据 data {settings.HOME}")
        if settings.DEMO:
            self.show_demo_accounts()
        elif code := console_code():
            self.say(
                f"首位管理员 first administrator: {scheme}://{settings.HTTP_ADDRESS}/account/first/"
            )
            self.say(f"  安装码 code: {code}")
        self.say("Ctrl-C 停止 stops.")

    def show_demo_accounts(self) -> None:
        """The demo's accounts; their password is public, which is why the demo listens on loopback only."""
        people = User.objects.filter(is_active=True).prefetch_related("roles").order_by("pk")[:40]
        if not people:
            return
        self.say("")
        self.say("演示账号 demo accounts, 密码 password: hevesy-demo")
        for person in people:
            roles = "、".join(role.name_zh for role in person.roles.all())
            self.say(f"  {person.username:<15}{roles}")

    def say(self, text: str) -> None:
        """One line, at once."""
        self.stdout.write(text)
        self.stdout.flush()

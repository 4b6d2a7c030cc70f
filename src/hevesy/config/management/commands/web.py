"""`hevesy web`: serve pages and interfaces over HTTP."""

from __future__ import annotations

import os
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hevesy.foundation.accounts.checks import start_refusals

DRAIN_S = 20
"""What requests under way get to end, such as the upload of a study; live streams end at once."""


def host_and_port(address: str) -> tuple[str, int]:
    """`127.0.0.1:8000` or `[::1]:8000` in its two parts; raises ValueError with the setting's name."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or not host:
        raise ValueError(f"HEVESY_HTTP: {address!r} is not host:port")
    return host.strip("[]"), int(port)


class Command(BaseCommand):
    help = "Serve pages and interfaces over HTTP (HEVESY_HTTP, TLS with HEVESY_TLS_CERT and HEVESY_TLS_KEY)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--address", default=settings.HTTP_ADDRESS, help="host:port")

    def handle(self, *args: Any, **options: Any) -> None:
        refusals = start_refusals(options["address"])
        if refusals:
            raise CommandError("\n".join(str(refusal) for refusal in refusals), returncode=78)
        try:
            host, port = host_and_port(options["address"])
        except ValueError as wrong:
            raise CommandError(str(wrong), returncode=78) from wrong
        processes = int(os.environ.get("HEVESY_WEB_PROCESSES", "1"))
        uvicorn.run(
            "hevesy.config.asgi:application",
            host=host,
            port=port,
            workers=processes if processes > 1 else None,
            ssl_certfile=settings.TLS_CERT or None,
            ssl_keyfile=settings.TLS_KEY or None,
            log_config=None,
            access_log=False,
            server_header=False,
            # Only a proxy that the site has named may say who the client is.
            proxy_headers=bool(settings.PROXY),
            forwarded_allow_ips=settings.PROXY or None,
            limit_concurrency=1000,
            timeout_graceful_shutdown=DRAIN_S,
            lifespan="off",
        )

"""`hevesy dicom`: the DICOM server (store, query, retrieve, worklist, performed steps, storage commitment, echo)."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from hevesy.foundation.files.store import StoreError, store
from hevesy.gateways.dicom.server import make_server
from hevesy.records.equipment.models import Device

DRAIN_S = 20
IDLE_S = 2.0
"""Who says nothing for so long while we stop is not in the middle of sending."""


class Command(BaseCommand):
    """Serve until told to stop; running associations get `DRAIN_S` seconds to end."""

    help = (
        "Serve DICOM: store, query, retrieve, worklist, performed steps, storage commitment, echo."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--address", default=settings.DICOM_ADDRESS, help="host:port (default: HEVESY_DICOM)"
        )

    def handle(self, *arguments: Any, **options: Any) -> None:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
        host, _colon, port = options["address"].rpartition(":")
        if not port.isdigit():
            raise CommandError(f"not an address: {options['address']!r}; use host:port")
        try:
            store().check()
        except StoreError as error:
            raise CommandError(f"the object store cannot be written: {error}") from error
        known = Device.objects.exclude(ae_title=None).filter(active=True).count()
        connection.close()
        try:
            server = make_server(host.strip("[]") or "127.0.0.1", int(port))
        except OSError as error:
            raise CommandError(f"cannot listen on {options['address']}: {error}") from error
        thread = threading.Thread(target=server.serve_forever, name="listener")
        thread.start()
        address, port_number = server.server_address[:2]
        self.stdout.write(
            f"DICOM: {settings.AE_TITLE} on {address}:{port_number}, {known} known devices"
        )
        self.stdout.flush()
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_unused: stopping.set())
        while not stopping.wait(1.0):
            if not thread.is_alive():
                raise CommandError("the listener ended by itself")
        server.shutdown()
        deadline = time.monotonic() + DRAIN_S
        while (running := server.active_associations) and time.monotonic() < deadline:
            for association in running:
                if association.idle_s > IDLE_S:
                    association.abort(block=False)
            time.sleep(0.1)
        # pynetdicom's threads are no daemons; what has not ended by now is cut, and nothing unacknowledged is kept.
        os._exit(0)

"""A running DICOM server and devices that may use it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from pynetdicom import AE
from tests.integration.dicom.receivers import Receiver

from hevesy.foundation.files.store import store
from hevesy.foundation.jobs.testing import url_of_test_database
from hevesy.gateways.dicom.server import make_server
from hevesy.records.equipment.models import Device

RIGHTS = ["echo", "store", "worklist", "mpps"]


@pytest.fixture(autouse=True)
def an_empty_store(settings, tmp_path) -> None:
    """An object store of the test's own: a killed server leaves half received files."""
    settings.STORAGE_URL = f"file:{tmp_path / 'objects'}"
    store().create()


@pytest.fixture
def a_scanner(a_pet_ct: Device) -> Device:
    """The PET-CT as a DICOM peer on this machine that may do everything."""
    a_pet_ct.address = "127.0.0.1"
    a_pet_ct.dicom_rights = RIGHTS
    a_pet_ct.save()
    return a_pet_ct


class Serving:
    """A DICOM server in this process."""

    def __init__(self) -> None:
        self.server = make_server("127.0.0.1", 0)
        self.port: int = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def associate(self, *contexts, calling: str = "PETCT1", called: str = "HEVESY", **options):
        """An association of a pynetdicom user; `contexts` are abstract syntaxes or (abstract, transfer) pairs."""
        entity = AE(calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
        for context in contexts:
            entity.add_requested_context(*(context if isinstance(context, tuple) else (context,)))
        return entity.associate("127.0.0.1", self.port, ae_title=called, **options)

    def stop(self) -> None:
        self.server.shutdown()
        for association in self.server.active_associations:
            association.abort()
        self.thread.join(5)
        for association in self.server.active_associations:
            association.join(5)


@pytest.fixture
def serving(transactional_db: None, a_scanner: Device) -> Iterator[Serving]:
    """A DICOM server in this process, with the PET-CT as a known peer."""
    running = Serving()
    yield running
    running.stop()


class Process:
    """`hevesy dicom` as a process of its own, on the database and the store of the test."""

    def __init__(self, **environment: str) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "hevesy.config.settings.base",
            "HEVESY_DATABASE_URL": url_of_test_database(),
            "HEVESY_STORAGE_URL": settings.STORAGE_URL,
            "HEVESY_HOME": str(settings.HOME),
            "HEVESY_DICOM": "127.0.0.1:0",
            "HEVESY_SECRET_KEY": settings.SECRET_KEY,
            **environment,
        }
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self, *, keep_port: bool = False) -> None:
        """Start it and wait until it listens. With `keep_port` a later start listens where this one did."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hevesy", "dicom"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        said = self.process.stdout.readline()
        found = re.search(r":(\d+),", said)
        assert found, f"hevesy dicom did not start: {said!r}"
        self.port = int(found[1])
        if keep_port:
            self.environment["HEVESY_DICOM"] = f"127.0.0.1:{self.port}"

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy."""
        assert self.process
        self.process.kill()
        self.wait()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Until it has ended; the exit code."""
        assert self.process
        code = self.process.wait(40)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@pytest.fixture
def a_process(transactional_db: None, a_scanner: Device) -> Iterator[Process]:
    """`hevesy dicom`, started and stopped by the test. If it still runs then, it says what its threads do, and ends."""
    process = Process(PYTHONFAULTHANDLER="1")
    yield process
    if process.process and process.process.poll() is None:
        process.process.send_signal(signal.SIGABRT)
        process.wait()


@pytest.fixture
def a_viewer(a_scanner: Device) -> Device:
    """Another workstation of the department."""
    return Device.objects.create(
        code="viewer", name_zh="工作站", name_en="Workstation", kind=Device.Kind.DICOM_NODE,
        ae_title="VIEWER", address="127.0.0.1", port=1, dicom_rights=["echo"],
    )  # fmt: skip


@pytest.fixture
def receiving(a_viewer: Device) -> Iterator[Any]:
    """Starts a receiver at the address of the workstation."""
    running = []

    def start(*syntaxes: str, **options: Any) -> Receiver:
        receiver = Receiver(*syntaxes, **options)
        a_viewer.port = receiver.port
        a_viewer.save()
        running.append(receiver)
        return receiver

    yield start
    for receiver in running:
        receiver.server.shutdown()

"""A running DICOM server and devices that may use it."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pynetdicom import AE

from hevesy.gateways.dicom.server import make_server
from hevesy.records.equipment.models import Device

RIGHTS = ["echo", "store", "worklist", "mpps"]


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


@pytest.fixture(scope="session")
def dcmtk():
    """`dcmtk("storescu", …)` runs a program of DCMTK; pynetdicom installs some of the same names, so each is asked."""
    found: dict[str, str] = {}

    def path_of(name: str) -> str:
        if name not in found:
            for folder in os.environ.get("PATH", "").split(os.pathsep):
                program = Path(folder) / name
                if program.is_file():
                    said = subprocess.run([program, "--version"], capture_output=True, text=True)
                    if "dcmtk" in said.stdout:
                        found[name] = str(program)
                        break
            else:
                pytest.skip(f"{name} of DCMTK is not installed (apt install dcmtk)")
        return found[name]

    def run(name: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [path_of(name), *map(str, arguments)], capture_output=True, timeout=120, **options
        )

    run.path_of = path_of  # type: ignore[attr-defined]
    return run

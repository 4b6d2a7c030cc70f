"""A workstation that takes images, in the process of the test."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage
from pynetdicom import AE, evt

from hevesy.gateways.dicom import spooling

PET = PositronEmissionTomographyImageStorage


class Receiver:
    """A workstation that takes images and remembers them; it answers with `answer`."""

    def __init__(self, *syntaxes: str, answer: int = 0x0000, delay_s: float = 0) -> None:
        self.taken: list[Dataset] = []
        self.originators: set[tuple[str, int]] = set()
        self.answer, self.delay_s = answer, delay_s
        spooling.install()
        entity = AE("VIEWER")
        for sop_class in (PET, "1.2.840.10008.5.1.4.1.1.4"):
            entity.add_supported_context(sop_class, list(syntaxes or (ExplicitVRLittleEndian,)))
        self.server = entity.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._take)]
        )
        self.port: int = self.server.server_address[1]

    def _take(self, event: Any) -> int:
        time.sleep(self.delay_s)
        request = event.request
        self.taken.append(object_of(request))
        self.originators.add(
            (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID)
        )
        return self.answer


def object_of(request: Any) -> Dataset:
    """The object of a C-STORE request: pynetdicom's users in this process write into spools, as our server does."""
    return dcmread(BytesIO(request._dataset_file.spool.path.read_bytes()))

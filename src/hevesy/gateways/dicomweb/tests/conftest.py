"""A program with a token, a few studies, and a reader of multipart answers that is not ours."""

from __future__ import annotations

from collections.abc import Callable
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest
from django.test import Client

from hevesy.foundation.accounts.actors import system_actor
from hevesy.foundation.accounts.models import User
from hevesy.foundation.accounts.tokens import issue_token
from hevesy.records.archive.ingest import receive
from hevesy.records.archive.models import Instance, Study
from hevesy.records.archive.testing import a_file

ROOT = "/dicom-web/"
Take = Callable[[bytes], Instance]


class Program:
    """A DICOMweb client: token in the header, CSRF checks on."""

    def __init__(self, user: User) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.token = issue_token(user, by=system_actor("a test", "tokens.manage"))

    def get(self, path: str, query: Any = None, *, accept: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Accept": accept} if accept else {})
        return self.client.get(ROOT + path, query, headers=headers)

    def post(self, path: str, body: bytes, content_type: str, **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        return self.client.generic("POST", ROOT + path, body, content_type, headers=headers)

    def store(self, files: list[bytes], path: str = "studies", boundary: str = "b0undary") -> Any:
        body = multipart(files, boundary)
        kind = f'multipart/related; type="application/dicom"; boundary={boundary}'
        return self.post(path, body, kind)


def multipart(files: list[bytes], boundary: str = "b0undary") -> bytes:
    """As a client writes it."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    parts = b"".join(head + file + b"\r\n" for file in files)
    return parts + f"--{boundary}--\r\n".encode()


def parts_of(response: Any) -> list[tuple[str, bytes]]:
    """(media type, content) of each part, as the parser of the standard library reads them."""
    body = b"".join(response) if response.streaming else response.content
    head = f"Content-Type: {response['Content-Type']}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + body)
    assert message.is_multipart(), message.defects
    assert not message.defects
    found = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        found.append((str(part["Content-Type"]), content))
    return found


def values_of(row: dict[str, Any], tag: str) -> list[Any]:
    """The values of an attribute in DICOM JSON."""
    return list(row[tag].get("Value", []))


@pytest.fixture
def take(db: None) -> Take:
    """`take(file)`: what a scanner sent is in the archive, and counted."""
    scanner = system_actor("a scanner", "archive.store")

    def taken(file: bytes) -> Instance:
        received = receive(file, by=scanner)
        assert received.outcome == "stored", received.reason
        assert received.instance is not None
        return received.instance

    return taken


@pytest.fixture
def program(a_technologist: User) -> Program:
    """Reads and stores images."""
    return Program(a_technologist)


@pytest.fixture
def a_study(take: Take) -> Study:
    """Two series (PET with three slices, CT with two) of Li Si."""
    for number in (1, 2, 3):
        take(a_file(SeriesInstanceUID="2.25.2", InstanceNumber=number))
    for number in (1, 2):
        take(
            a_file(SeriesInstanceUID="2.25.3", Modality="CT", SeriesNumber=2, InstanceNumber=number)
        )
    study = Study.objects.get()
    study.modalities, study.series_count, study.instance_count = ["PT", "CT"], 2, 5
    study.save()
    return study

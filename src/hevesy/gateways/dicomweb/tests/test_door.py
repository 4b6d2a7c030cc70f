"""Who gets in: tokens and sessions with the right, nobody else, and nobody learns what exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from hevesy.foundation.accounts.models import User
from hevesy.foundation.audit.models import AuditEvent
from hevesy.gateways.dicomweb.tests.conftest import ROOT, Program, multipart
from hevesy.records.archive.models import Instance, Study

ClientOf = Callable[[User], Client]
INSTANCE = "studies/2.25.1/series/2.25.2/instances/{uid}"
ADDRESSES = [
    "studies",
    "series",
    "instances",
    "studies/2.25.1",
    "studies/2.25.1/metadata",
    "studies/2.25.1/series",
    "studies/2.25.1/instances",
    "studies/2.25.1/series/2.25.2",
    "studies/2.25.1/series/2.25.2/metadata",
    "studies/2.25.1/series/2.25.2/instances",
    INSTANCE,
    f"{INSTANCE}/metadata",
    f"{INSTANCE}/frames/1",
    f"{INSTANCE}/bulkdata/7FE00010",
]


def filled(address: str) -> str:
    return address.format(uid=Instance.objects.order_by("pk").values_list("sop_instance_uid")[0][0])


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("accept", ["", "text/html", "application/dicom+json", "*/*"])
def test_without_credentials_every_address_says_the_same(
    a_study: Study, address: str, accept: str
) -> None:
    headers = {"Accept": accept} if accept else {}

    there = Client().get(ROOT + filled(address), headers=headers)
    missing = Client().get(
        ROOT + address.format(uid="2.25.99").replace("2.25.1", "2.25.98"), headers=headers
    )

    for answer in (there, missing):
        assert answer.status_code == 401 and "Bearer" in answer["WWW-Authenticate"]
    assert there.content == missing.content


def test_a_wrong_token_is_told_so(a_study: Study) -> None:
    answer = Client().get(ROOT + "studies", headers={"Authorization": "Bearer hv_nonsense"})

    assert answer.status_code == 401


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("role", ["a_clinician", "a_registrar", "an_auditor", "a_secadmin"])
def test_who_may_not_see_images_gets_nothing(
    request: pytest.FixtureRequest, a_study: Study, client_of: ClientOf, address: str, role: str
) -> None:
    user = request.getfixturevalue(role)

    by_session = client_of(user).get(ROOT + filled(address))
    by_token = Program(user).get(filled(address))

    for answer in (by_session, by_token):
        assert answer.status_code == 403 and answer["Content-Type"].startswith("application/json")


def test_a_session_opens_what_a_token_opens(
    a_study: Study, a_doctor: User, client_of: ClientOf
) -> None:
    assert len(client_of(a_doctor).get(ROOT + "studies").json()) == 1


def test_a_session_stores_only_with_a_csrf_token(a_technologist: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(a_technologist, backend="django.contrib.auth.backends.ModelBackend")
    kind = 'multipart/related; type="application/dicom"; boundary=b0undary'

    forged = browser.generic("POST", ROOT + "studies", multipart([b"x"]), kind)

    assert forged.status_code == 403 and not Instance.objects.exists()


def test_who_may_read_does_not_store(a_doctor: User) -> None:
    assert Program(a_doctor).store([b"x"]).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "studies/../../etc/passwd",
        "studies/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "studies/2.25.1%00",
        "studies/2.25.1/series/..%2f..",
        f"studies/{'1' * 65}",
        "studies/2.25.1;DROP TABLE",
        "studies/２.25.1",
    ],
)
def test_what_is_no_uid_is_no_address(a_study: Study, program: Program, path: str) -> None:
    assert program.get(path).status_code == 404


def test_handing_out_images_is_on_record(
    a_study: Study, program: Program, a_technologist: User
) -> None:
    b"".join(program.get("studies/2.25.1"))
    b"".join(program.get("studies/2.25.1/metadata"))

    rows: Any = AuditEvent.objects.filter(verb="archive.retrieve", actor_id=a_technologist.pk)
    assert [row.details["level"] for row in rows.order_by("pk")] == ["study", "metadata"]
    assert {row.channel for row in rows} == {"api"}
